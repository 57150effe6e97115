import { LIMITS } from '../limits.ts';
import { walletConcertsKey, walletPartition } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { noteConcerts as script } from './note-concerts.script.ts';

/** A user and a concert in which they may have places, reservations or purchases. */
export interface ConcertNote {
  userId: string;
  concertId: string;
}

/** Notes concerts of many users, one script per wallet partition. Safe to repeat. */
export async function noteConcerts({ redis }: { redis: RedisClient }, notes: readonly ConcertNote[]): Promise<void> {
  const partitions = new Map<number, { moreKeys: string[]; moreArgs: string[] }>();
  for (const { userId, concertId } of notes) {
    const number = walletPartition(userId);
    let partition = partitions.get(number);
    if (!partition) partitions.set(number, (partition = { moreKeys: [], moreArgs: [] }));
    partition.moreKeys.push(walletConcertsKey(userId));
    partition.moreArgs.push(concertId);
  }
  await Promise.all([...partitions.values()].map((those) => script.run(redis, { keys: {}, args: {}, ...those })));
}

/** Ids of the concerts noted for a user, in no order; a superset of those in which something of theirs is left. */
export function concertsOf({ redis }: { redis: RedisClient }, userId: string): Promise<string[]> {
  return redis.smembers(walletConcertsKey(userId));
}

/** Asks each of a user's concerts, a bounded number at once: one who comes for years has many. */
export async function ofEach<T>(
  concertIds: readonly string[],
  ask: (concertId: string) => Promise<T>,
): Promise<Awaited<T>[]> {
  const answers: Awaited<T>[] = [];
  for (let i = 0; i < concertIds.length; i += LIMITS.CONCERTS_ASKED_AT_ONCE)
    answers.push(...(await Promise.all(concertIds.slice(i, i + LIMITS.CONCERTS_ASKED_AT_ONCE).map(ask))));
  return answers;
}
