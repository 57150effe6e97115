import type { QueueClaims, Tokens } from '../auth/tokens.ts';
import { type Refusal, refuse } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { roomOfClaims } from './claims.ts';
import { judgePlace, type PlaceRecord, WAITING_NOW } from './place.ts';
import { readPlacesScript } from './read-places.script.ts';
import type { RoomView, RoomViews } from './room-views.ts';
import type { Ticket } from './shapes.ts';
import { ticketOf } from './ticket.ts';

export interface TicketDeps {
  redis: RedisClient;
  rooms: Pick<RoomViews, 'view' | 'refresh'>;
  tokens: Pick<Tokens, 'signQueue'>;
}

/**
 * The ticket of a place, whatever became of it. Of a place that waits it is answered from memory; any other is one
 * command. `token`: the one that was sent, to be shown again; without it a fresh one is signed.
 * Refuses QUEUE_NOT_FOUND. Throws Unavailable.
 */
export async function readTicket(deps: TicketDeps, claims: QueueClaims, token?: string): Promise<Ticket | Refusal> {
  const view = await roomOfClaims(deps.rooms, claims);
  if (!view) return refuse('QUEUE_NOT_FOUND');
  if (!view.needsRead(claims.sequence)) return waitingTicket(deps, view, claims, token);
  const { records, nowMs } = await readPlaces(deps.redis, claims.concertId, [claims.queueId]);
  return ticketOfRecord(deps, { view, claims, token, record: records[0] ?? null, nowMs });
}

/** The room of a token, where memory knows that its place waits; else null. */
export function waitingIn(
  rooms: Pick<RoomViews, 'peek'>,
  { concertId, epoch, sequence }: QueueClaims,
): RoomView | null {
  const view = rooms.peek(concertId);
  return view && view.epoch === epoch && !view.needsRead(sequence) ? view : null;
}

/** As readTicket, of many places at once, each answer at its own index: one command for all of one room that need it. */
export async function readTickets(deps: TicketDeps, claims: readonly QueueClaims[]): Promise<(Ticket | Refusal)[]> {
  const answers = new Map<QueueClaims, Ticket | Refusal>();
  const rooms = Map.groupBy(claims, ({ concertId }) => concertId);
  await Promise.all(
    [...rooms].map(async ([concertId, group]) => {
      const toRead: { view: RoomView; claims: QueueClaims }[] = [];
      for (const each of group) {
        const view = await roomOfClaims(deps.rooms, each);
        if (!view) answers.set(each, refuse('QUEUE_NOT_FOUND'));
        else if (view.needsRead(each.sequence)) toRead.push({ view, claims: each });
        else answers.set(each, waitingTicket(deps, view, each));
      }
      for (let i = 0; i < toRead.length; i += LIMITS.ADMIT_A_CALL) {
        const slice = toRead.slice(i, i + LIMITS.ADMIT_A_CALL);
        const queueIds = slice.map(({ claims: { queueId } }) => queueId);
        const { records, nowMs } = await readPlaces(deps.redis, concertId, queueIds);
        slice.forEach((each, j) =>
          answers.set(each.claims, ticketOfRecord(deps, { ...each, record: records[j] ?? null, nowMs })),
        );
      }
    }),
  );
  return claims.map((each) => answers.get(each) ?? refuse('QUEUE_NOT_FOUND'));
}

function readPlaces(redis: RedisClient, concertId: string, queueIds: readonly string[]) {
  return readPlacesScript.run(redis, { keys: concertKeys(concertId), args: {}, moreArgs: queueIds });
}

function waitingTicket(
  { tokens }: TicketDeps,
  view: RoomView,
  claims: QueueClaims,
  token = tokens.signQueue(claims),
): Ticket {
  return ticketOf({ claims, token, place: WAITING_NOW, position: view.positionOf(claims.sequence), room: view });
}

interface ReadPlace {
  view: RoomView;
  claims: QueueClaims;
  token?: string | undefined;
  record: PlaceRecord | null;
  nowMs: number;
}

function ticketOfRecord({ tokens }: TicketDeps, { view, claims, token, record, nowMs }: ReadPlace): Ticket | Refusal {
  if (!record) return refuse('QUEUE_NOT_FOUND');
  return ticketOf({
    claims,
    token: token ?? tokens.signQueue(claims),
    place: judgePlace(record, nowMs),
    position: view.positionOf(claims.sequence),
    room: view,
    nowMs,
  });
}
