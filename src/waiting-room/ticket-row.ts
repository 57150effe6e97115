/** Reads what lua/include/ticket_row.lua writes. */
import type { QueueClaims, Tokens } from '../auth/tokens.ts';
import type { Reply } from '../redis/script.ts';
import { judgePlace, parsePlace, type PlaceRecord } from './place.ts';
import type { RoomState, Ticket } from './shapes.ts';
import { type RoomNumbers, ticketOf } from './ticket.ts';

export interface TicketRow {
  queueId: string;
  record: PlaceRecord;
  /** 0 where it does not wait */
  position: number;
  epoch: string;
  room: RoomNumbers;
}

export function readTicketRow(row: readonly Reply[]): TicketRow {
  const [queueId, packed, position, waiting, admitted, rate, state, claimMs, epoch, now] = row.map(String);
  return {
    queueId: queueId ?? '',
    record: parsePlace(packed ?? ''),
    position: Number(position),
    epoch: epoch ?? '',
    room: {
      waiting: Number(waiting),
      admitted: Number(admitted),
      ratePerSecond: Number(rate) / 1_000,
      state: state as RoomState,
      claimMs: Number(claimMs),
      nowMs: Number(now),
    },
  };
}

export function claimsOfRow({ queueId, record, epoch }: TicketRow, concertId: string): QueueClaims {
  const { userId, sequence, joinedAtMs } = record;
  return { queueId, userId, concertId, epoch, sequence, joinedAtMs };
}

/** The ticket of a row, with a fresh token of its claims where `tokens` is given. */
export function ticketOfRow(
  row: TicketRow,
  { concertId, tokens }: { concertId: string; tokens?: Pick<Tokens, 'signQueue'> | undefined },
): Ticket {
  const claims = claimsOfRow(row, concertId);
  const { position, room } = row;
  return ticketOf({
    claims,
    token: tokens?.signQueue(claims),
    place: judgePlace(row.record, room.nowMs),
    position,
    room,
  });
}
