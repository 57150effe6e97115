import { defineScript, type Reply } from '../redis/script.ts';
import { readTicketRow } from './ticket-row.ts';

export interface HeldSeats {
  reservationId: string;
  seats: number;
  deadlineMs: number;
}

export const inspectPlaceScript = defineScript({
  file: 'waiting-room/inspect-place.lua',
  keys: ['room', 'places', 'waiting', 'base'],
  args: ['queue_id'],
  outcomes: {
    PLACE: (_, [row, holds]) => ({ row: readTicketRow(row as Reply[]), holds: readHolds(holds as string[]) }),
    NONE: () => ({}),
  },
});

function readHolds(flat: readonly string[]): HeldSeats[] {
  const holds: HeldSeats[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [seats, reservationId = ''] = (flat[i] ?? '').split(' ');
    holds.push({ reservationId, seats: Number(seats), deadlineMs: Number(flat[i + 1]) });
  }
  return holds;
}
