import { walletKeys, walletPartition } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { noteConcerts as script } from './note-concerts.script.ts';

/** A user and a concert in which they may have places, reservations or purchases. */
export interface ConcertNote {
  userId: string;
  concertId: string;
}

/** Notes concerts of many users, one script per wallet partition. Safe to repeat. */
export async function noteConcerts({ redis }: { redis: RedisClient }, notes: readonly ConcertNote[]): Promise<void> {
  const partitions = Map.groupBy(notes, ({ userId }) => walletPartition(userId));
  await Promise.all(
    [...partitions.values()].map((group) =>
      script.run(redis, {
        keys: {},
        args: {},
        moreKeys: group.map(({ userId }) => walletKeys(userId).concerts),
        moreArgs: group.map(({ concertId }) => concertId),
      }),
    ),
  );
}

/** Ids of the concerts noted for a user, in no order; a superset of those in which something of theirs is left. */
export function concertsOf({ redis }: { redis: RedisClient }, userId: string): Promise<string[]> {
  return redis.smembers(walletKeys(userId).concerts);
}
