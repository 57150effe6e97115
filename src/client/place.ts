/** What tickets and room frames say of a place, put together. */
import type { Room, Ticket } from './api.ts';

const ORDER: Record<Ticket['status'], number> = { WAITING: 0, ACTIVE: 1, EXPIRED: 2, LEFT: 2, USED: 2 };

export function isOver({ status }: Ticket): boolean {
  return ORDER[status] === 2;
}

/** A place never goes back: after a reconnect another process may be a tick behind, and say once more that it waits. */
export function goesBack(known: Ticket | null, { status }: Ticket): boolean {
  return known !== null && ORDER[status] < ORDER[known.status];
}

/** Frames with fewer admitted than the ticket are older than it. */
export function isOlder({ admitted }: Room, ticket: Ticket | null): boolean {
  return ticket !== null && admitted < ticket.admitted;
}

/** The contract's formula; what was shown once never rises. null: the place does not wait. */
export function positionOf(ticket: Ticket, room: Room | null, shown: number | null): number | null {
  if (ticket.position === null) return null;
  const since = room && !isOlder(room, ticket) ? room.admitted - ticket.admitted : 0;
  return Math.min(shown ?? Number.POSITIVE_INFINITY, Math.max(1, ticket.position - since));
}
