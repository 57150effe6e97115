/**
 * The order of a room, over all who were in it: sequences are dense and in the order of joining, admission is in the
 * order of sequences and keeps to the capacity, a position is one more than the number of places before it that still
 * wait, and never rises.
 */
import { type Call, succeeded, timeOf, windowOf } from './call.ts';
import { onceEach } from './repeats.ts';

interface Place {
  sequence: number;
  /** when it was taken, by the server's clock */
  joined: number;
  sent: number;
  answered: number;
  /** the last moment at which it is known to wait */
  waits: number;
  /** the first moment by which it is known not to wait any more; to have been admitted */
  gone: number;
  admitted: number;
  /** the last moment at which it is known to be ACTIVE */
  inside: number;
}

interface Ticket {
  place: Place;
  position: number;
  at: number;
}

export interface RoomFindings {
  places: number;
  tickets: number;
  violations: string[];
}

/** `calls`: all about one room, which was empty before them. */
export function checkRoom(calls: readonly Call[], { capacity }: { capacity: number }): RoomFindings {
  const violations: string[] = [];
  const joins = onceEach(calls, 'join', []);
  const places = new Map<string, Place>();
  for (const { success, sent } of joins) {
    if (!success) continue;
    const { queueId = '', sequence = 0, joinedAt } = success.body;
    const joined = timeOf(joinedAt);
    const never = Number.POSITIVE_INFINITY;
    places.set(queueId, {
      sequence,
      joined,
      sent,
      answered: success.hi,
      waits: joined,
      gone: never,
      admitted: never,
      inside: 0,
    });
  }
  const tickets: Ticket[] = [];
  for (const call of calls) note(call, { places, tickets });
  const inOrder = [...places.values()].sort((a, b) => a.sequence - b.sequence);
  const unanswered = joins.filter(({ success }) => !success).length;
  violations.push(
    ...checkSequences(inOrder, unanswered),
    ...checkAdmission(inOrder),
    ...checkPositions(inOrder, { tickets, unanswered }),
    ...checkCapacity(inOrder, capacity),
  );
  return { places: places.size, tickets: tickets.length, violations };
}

/** What a call tells of a place: that it waited, or that it did not any more. */
function note(call: Call, { places, tickets }: { places: Map<string, Place>; tickets: Ticket[] }): void {
  const { asked, body, status } = call;
  if (asked.kind === 'join' && succeeded(call)) return ofTicket(body, { places, tickets });
  if (asked.kind === 'join' && body.ticket) return ofTicket(body.ticket, { places, tickets });
  if (asked.kind === 'poll' && status === 200) return ofTicket(body, { places, tickets });
  if (!('queueId' in asked)) return;
  const place = places.get(asked.queueId);
  if (!place || status === 0) return;
  const { hi } = windowOf(call);
  const wasAdmitted =
    succeeded(call) || body.status === 'EXPIRED' || body.status === 'USED' || body.code === 'SEAT_TAKEN';
  if (asked.kind === 'leave') place.gone = Math.min(place.gone, hi);
  else if (wasAdmitted) admitted(place, hi);
  if (asked.kind === 'hold' && succeeded(call)) place.inside = Math.max(place.inside, timeOf(body.createdAt));
}

function ofTicket(ticket: Call['body'], { places, tickets }: { places: Map<string, Place>; tickets: Ticket[] }): void {
  const place = places.get(ticket.queueId ?? '');
  if (!place) return;
  const at = timeOf(ticket.serverTime);
  if (ticket.status === 'WAITING') {
    place.waits = Math.max(place.waits, at);
    tickets.push({ place, position: ticket.position ?? Number.NaN, at });
  } else if (ticket.status === 'LEFT') place.gone = Math.min(place.gone, at);
  else admitted(place, at);
  if (ticket.status === 'ACTIVE') place.inside = Math.max(place.inside, at);
}

function admitted(place: Place, by: number): void {
  place.gone = Math.min(place.gone, by);
  place.admitted = Math.min(place.admitted, by);
}

function checkSequences(inOrder: readonly Place[], unanswered: number): string[] {
  const wrong: string[] = [];
  for (const [index, { sequence }] of inOrder.entries()) {
    const before = inOrder[index - 1]?.sequence ?? 0;
    if (sequence === before) wrong.push(`two places have sequence ${sequence}`);
  }
  const last = inOrder.at(-1)?.sequence ?? 0;
  if (last > inOrder.length + unanswered) wrong.push(`${inOrder.length} places were given, and the last is ${last}`);
  // Whoever had the answer before another one asked is in front.
  let soonest = Number.POSITIVE_INFINITY;
  for (const { sequence, sent, answered } of inOrder.toReversed()) {
    if (sent > soonest) wrong.push(`sequence ${sequence} was asked for after a later one had been answered`);
    soonest = Math.min(soonest, answered);
  }
  return wrong;
}

/** Nobody is admitted while somebody in front is known to wait later than that. */
function checkAdmission(inOrder: readonly Place[]): string[] {
  const wrong: string[] = [];
  let front = { sequence: 0, waits: Number.NEGATIVE_INFINITY };
  for (const { sequence, admitted: by, waits, gone } of inOrder) {
    if (front.waits > by) {
      wrong.push(`sequence ${sequence} was admitted by ${by}, while ${front.sequence} still waited at ${front.waits}`);
    }
    if (waits > gone) wrong.push(`sequence ${sequence} waits at ${waits}, and did not at ${gone}`);
    if (waits > front.waits) front = { sequence, waits };
  }
  return wrong;
}

/** Those who are known to be inside at one moment. */
function checkCapacity(inOrder: readonly Place[], capacity: number): string[] {
  const known = inOrder.filter((place) => place.admitted < place.inside);
  const moves = known.flatMap((place) => [
    { at: place.admitted, by: 1 },
    { at: place.inside, by: -1 },
  ]);
  let active = 0;
  for (const { at, by } of moves.sort((a, b) => a.at - b.at || a.by - b.by)) {
    active += by;
    if (active > capacity) return [`${active} are ACTIVE at ${at}, and ${capacity} may be`];
  }
  return [];
}

function checkPositions(
  inOrder: readonly Place[],
  { tickets, unanswered }: { tickets: readonly Ticket[]; unanswered: number },
): string[] {
  const wrong: string[] = [];
  for (const { place, position, at } of tickets) {
    let [least, most] = [1, 1 + unanswered];
    for (const before of inOrder) {
      if (before.sequence >= place.sequence) break;
      // In the millisecond of a change either is right.
      if (before.waits > at) least += 1;
      if (before.gone >= at) most += 1;
    }
    if (position < least || position > most) {
      wrong.push(`sequence ${place.sequence} has position ${position} at ${at}, and ${least} to ${most} can be right`);
    }
  }
  const last = new Map<Place, Ticket>();
  for (const ticket of tickets.toSorted((a, b) => a.at - b.at || b.position - a.position)) {
    const before = last.get(ticket.place);
    if (before && ticket.position > before.position) {
      wrong.push(
        `sequence ${ticket.place.sequence} goes back: position ${before.position} at ${before.at}, ${ticket.position} at ${ticket.at}`,
      );
    }
    last.set(ticket.place, ticket);
  }
  return wrong;
}
