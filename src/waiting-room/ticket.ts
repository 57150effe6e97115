/** Renders tickets and rooms; no Redis here. */
import type { KnownQueue, QueueClaims } from '../auth/tokens.ts';
import type { PlaceNow } from './place.ts';
import type { Room, RoomState, Ticket } from './shapes.ts';

/** The numbers of a room that a ticket shows. */
export interface RoomNumbers {
  state: RoomState;
  waiting: number;
  admitted: number;
  /** measured over about the last minute */
  ratePerSecond: number;
  claimMs: number;
  nowMs: number;
}

interface TicketParts {
  claims: QueueClaims;
  /** left out for operators */
  token?: string | undefined;
  place: PlaceNow;
  /** counts while WAITING only */
  position: number;
  room: RoomNumbers;
  /** where the place was judged by another time than the room's numbers */
  nowMs?: number;
}

export function ticketOf({ claims, token, place, position, room, nowMs = room.nowMs }: TicketParts): Ticket {
  const waits = place.status === 'WAITING';
  const at = Math.max(1, position);
  const serverTime = iso(nowMs);
  return {
    queueId: claims.queueId,
    ...(token === undefined ? {} : { token }),
    concertId: claims.concertId,
    status: place.status,
    reason: place.reason,
    sequence: claims.sequence,
    position: waits ? at : null,
    ahead: waits ? at - 1 : null,
    // The numbers may be from a moment before this place was taken.
    waiting: waits ? Math.max(room.waiting, at) : room.waiting,
    admitted: room.admitted,
    estimatedWaitSeconds: waits ? estimateWait(at - 1, room) : null,
    pollAfterSeconds: waits ? pollAfter(at, room.claimMs) : pollAfter(SETTLED, room.claimMs),
    joinedAt: claims.joinedAtMs === nowMs ? serverTime : new Date(claims.joinedAtMs).toISOString(),
    expiresAt: place.expiresAtMs === null ? null : new Date(place.expiresAtMs).toISOString(),
    serverTime,
  };
}

/**
 * `ticketOf` a waiting place as JSON, in a tenth of the time: this is what a hundred thousand people ask for. What does
 * not change of it is kept with the token.
 */
export function waitingTicketJson(
  known: KnownQueue,
  { position, room }: Pick<TicketParts, 'position' | 'room'>,
): { json: string; pollAfterSeconds: number } {
  const [before, after] = (known.ticketParts ??= partsOf(known));
  const at = Math.max(1, position);
  const pollAfterSeconds = pollAfter(at, room.claimMs);
  const json =
    `${before}${at},"ahead":${at - 1},"waiting":${Math.max(room.waiting, at)},"admitted":${room.admitted},` +
    `"estimatedWaitSeconds":${estimateWait(at - 1, room)},"pollAfterSeconds":${pollAfterSeconds}${after}${iso(room.nowMs)}"}`;
  return { json, pollAfterSeconds };
}

/** Before the position, and between `pollAfterSeconds` and the server's time. */
function partsOf({ token, claims }: KnownQueue): [before: string, after: string] {
  const { queueId, concertId, sequence, joinedAtMs } = claims;
  const first = JSON.stringify({ queueId, token, concertId, status: 'WAITING', reason: null, sequence }).slice(0, -1);
  const joinedAt = new Date(joinedAtMs).toISOString();
  return [`${first},"position":`, `,"joinedAt":"${joinedAt}","expiresAt":null,"serverTime":"`];
}

/** Seconds until so many people are let in at the measured rate; null while nobody is. */
export function estimateWait(ahead: number, { state, ratePerSecond }: RoomNumbers): number | null {
  return state === 'OPEN' && ratePerSecond > 0 ? Math.ceil(ahead / ratePerSecond) : null;
}

/** Up to which position to poll how often, in seconds. */
const POLL_STEPS = [
  [100, 1],
  [1_000, 2],
  [5_000, 5],
  [20_000, 10],
  [100_000, 15],
] as const;
const POLL_AT_THE_BACK = 20;
/** A place that does not wait any more is asked about as often as one at this position. */
const SETTLED = 5_000;

/** Whole seconds, at least 1; at most a third of the claim window, or a poller would miss its turn. */
export function pollAfter(position: number, claimMs: number): number {
  const byPosition = POLL_STEPS.find(([upTo]) => position <= upTo)?.[1] ?? POLL_AT_THE_BACK;
  return Math.min(byPosition, Math.max(1, Math.floor(claimMs / 3_000)));
}

interface RoomParts extends RoomNumbers {
  concertId: string;
  opensAtMs: number | null;
  capacity: number;
  frontier: number;
  active: number;
  seatsLeft: number;
}

export function renderRoom(view: RoomParts): Room {
  const { concertId, state, opensAtMs, capacity, admitted, frontier, waiting, active, ratePerSecond, seatsLeft } = view;
  return {
    concertId,
    state,
    opensAt: opensAtMs !== null && opensAtMs > view.nowMs ? new Date(opensAtMs).toISOString() : null,
    capacity,
    admitted,
    frontier,
    waiting,
    active,
    // Nobody is let in by a room that is not open, whatever the last minute was like.
    ratePerSecond: state === 'OPEN' ? ratePerSecond : 0,
    seatsLeft,
    serverTime: iso(view.nowMs),
  };
}

let last = { ms: 0, text: new Date(0).toISOString() };

/** All tickets of a tick tell the same time. */
function iso(ms: number): string {
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() };
  return last.text;
}
