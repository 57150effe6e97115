import type { QueueClaims } from '../auth/tokens.ts';
import { type Refusal, refuse } from '../errors.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { leaveScript } from './leave.script.ts';
import type { RoomViews } from './room-views.ts';

export interface LeaveDeps {
  redis: RedisClient;
  rooms: Pick<RoomViews, 'view' | 'changed'>;
}

/**
 * Gives the token's place back, with its user's live holds in that concert where it is ACTIVE. null, and null again
 * where the place is over. Refuses QUEUE_NOT_FOUND.
 */
export async function leaveRoom(deps: LeaveDeps, { claims }: { claims: QueueClaims }): Promise<null | Refusal> {
  const { concertId, queueId } = claims;
  const done = await giveBack(deps, { concertId, queueId, reason: 'LEFT' });
  return done ? null : refuse('QUEUE_NOT_FOUND');
}

/** An operator's removal of a place; otherwise as leaveRoom. Refuses CONCERT_NOT_FOUND, QUEUE_NOT_FOUND. */
export async function removePlace(
  deps: LeaveDeps,
  { concertId, queueId }: { concertId: string; queueId: string },
): Promise<null | Refusal> {
  if (await giveBack(deps, { concertId, queueId, reason: 'REMOVED' })) return null;
  return refuse((await deps.rooms.view(concertId)) ? 'QUEUE_NOT_FOUND' : 'CONCERT_NOT_FOUND');
}

/** False where there is no such place. */
async function giveBack(
  { redis, rooms }: LeaveDeps,
  { concertId, queueId, reason }: { concertId: string; queueId: string; reason: 'LEFT' | 'REMOVED' },
): Promise<boolean> {
  const answer = await leaveScript.run(redis, { keys: concertKeys(concertId), args: { queue_id: queueId, reason } });
  if (answer.outcome === 'NONE') return false;
  rooms.changed(concertId, { queueId, sequence: answer.record.sequence });
  return true;
}
