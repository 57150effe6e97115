import { type Refusal, refuse } from '../errors.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { readConcert } from './read-concert.script.ts';
import type { Stats } from './shapes.ts';

/** A concert's numbers in one moment, by Redis' clock. Refuses CONCERT_NOT_FOUND. */
export async function readStats({ redis }: { redis: RedisClient }, concertId: string): Promise<Stats | Refusal> {
  const found = await readConcert.run(redis, { keys: concertKeys(concertId), args: {} });
  if (found.outcome === 'NONE') return refuse('CONCERT_NOT_FOUND');
  const { outcome: _, schedules, outbox, ...numbers } = found;
  return { ...numbers, held: schedules.reduce((sum, { held }) => sum + held, 0), outboxLag: outbox };
}
