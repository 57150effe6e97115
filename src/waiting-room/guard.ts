/** Whether a place lets its user in: the guard of reads, and the claim by a socket. */
import type { QueueClaims } from '../auth/tokens.ts';
import { type Refusal, refuse } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { judgePlace, type PlaceRecord } from './place.ts';
import type { TicketDeps } from './read-ticket.ts';
import type { RoomViews } from './room-views.ts';
import type { Ticket } from './shapes.ts';
import { ticketOf } from './ticket.ts';
import { touchScript } from './touch.script.ts';
import type { Verdict } from './verdicts.ts';

export interface GuardDeps {
  redis: RedisClient;
  rooms: Pick<RoomViews, 'view' | 'verdicts'>;
}

/**
 * The guard of reads: null where the token's place is ACTIVE in this concert's room, which claims it. Asks Redis at
 * most once per 500 ms and place, and never trusts an answer past the place's deadline.
 * Refuses CONCERT_NOT_FOUND, NOT_ACTIVE (status, position), QUEUE_NOT_FOUND. Throws Unavailable.
 */
export async function requireActive(
  deps: GuardDeps,
  { claims, concertId }: { claims: QueueClaims | null; concertId: string },
): Promise<null | Refusal> {
  if (!(await deps.rooms.view(concertId))) return refuse('CONCERT_NOT_FOUND');
  if (!claims || claims.concertId !== concertId) return elsewhere();
  return deps.rooms.verdicts.of(claims.queueId, () => askVerdict(deps, claims));
}

async function askVerdict(deps: GuardDeps, claims: QueueClaims): Promise<{ verdict: Verdict; forMs: number }> {
  const forMs = LIMITS.VERDICT_TRUSTED_MS;
  const answer = await touch(deps.redis, claims);
  switch (answer.outcome) {
    case 'ACTIVE':
      // Less one: the time is in whole milliseconds, so up to one more has passed than it says.
      return { verdict: null, forMs: answer.record.deadlineMs - answer.nowMs - 1 };
    case 'NOT_ACTIVE':
      return { verdict: await notActiveOf(deps, claims, answer), forMs };
    case 'NONE':
      return { verdict: refuse('QUEUE_NOT_FOUND'), forMs };
  }
}

async function notActiveOf(
  { rooms }: GuardDeps,
  { concertId, sequence }: QueueClaims,
  place: { record: PlaceRecord; nowMs: number },
) {
  const { status } = judgePlace(place.record, place.nowMs);
  const position = status === 'WAITING' ? Math.max(1, (await rooms.view(concertId))?.positionOf(sequence) ?? 1) : null;
  return refuse('NOT_ACTIVE', { status, position });
}

/**
 * Claims an ACTIVE place for a socket that has shown that somebody reads it. Answers the ticket as it is then.
 * Refuses QUEUE_NOT_FOUND. Throws Unavailable.
 */
export async function claimPlace(deps: TicketDeps, claims: QueueClaims): Promise<Ticket | Refusal> {
  const answer = await touch(deps.redis, claims);
  const room = await deps.rooms.view(claims.concertId);
  if (answer.outcome === 'NONE' || !room) return refuse('QUEUE_NOT_FOUND');
  const { record, nowMs } = answer;
  const position = room.positionOf(claims.sequence);
  return ticketOf({
    claims,
    token: deps.tokens.signQueue(claims),
    place: judgePlace(record, nowMs),
    position,
    room,
    nowMs,
  });
}

function touch(redis: RedisClient, { concertId, queueId }: QueueClaims) {
  return touchScript.run(redis, { keys: concertKeys(concertId), args: { queue_id: queueId } });
}

function elsewhere(): Refusal {
  return refuse('NOT_ACTIVE', { status: null, position: null });
}
