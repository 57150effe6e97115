/** Which concerts there are, in the order of their first import. A concert is entered before it is written. */
import { type Refusal, refuse } from '../errors.ts';
import { directoryKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { enterDirectoryScript } from './enter-directory.script.ts';

interface DirectoryDeps {
  redis: RedisClient;
}

/** All of them. One whose import came no further than its entry is among them. */
export function listConcertIds({ redis }: DirectoryDeps): Promise<string[]> {
  return redis.zrange(directoryKeys.concerts, '0', '-1');
}

export async function enterDirectory({ redis }: DirectoryDeps, concertId: string): Promise<void> {
  await enterDirectoryScript.run(redis, { keys: directoryKeys, args: { concert_id: concertId } });
}

/** A page of ids. Refuses VALIDATION for a cursor of no page. */
export async function pageOfConcertIds(
  { redis }: DirectoryDeps,
  { limit, cursor }: { limit: number; cursor: string | null },
): Promise<{ concertIds: string[]; nextCursor: string | null } | Refusal> {
  const last = cursor === null ? -1 : await redis.zrank(directoryKeys.concerts, idOf(cursor));
  if (last === null)
    return refuse('VALIDATION', { errors: [{ path: 'query/cursor', message: 'is not of this list' }] });
  // One more than the page holds tells whether there is another page.
  const found = await redis.zrange(directoryKeys.concerts, String(last + 1), String(last + 1 + limit));
  const concertIds = found.slice(0, limit);
  const end = concertIds.at(-1);
  return { concertIds, nextCursor: end !== undefined && found.length > limit ? cursorOf(end) : null };
}

function cursorOf(concertId: string): string {
  return Buffer.from(concertId).toString('base64url');
}

function idOf(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString();
}
