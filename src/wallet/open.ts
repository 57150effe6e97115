import { Cluster } from 'ioredis';
import { LIMITS } from '../limits.ts';
import { gatherCalls } from '../redis/gather-calls.ts';
import { walletKey, walletKeys, walletPartition } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { open } from './open.script.ts';

/** Opens the user's wallet, which is what makes the user exist. Safe to repeat. */
export async function openWallet({ redis }: { redis: RedisClient }, userId: string): Promise<void> {
  const { wallet, users } = walletKeys(userId);
  await open.run(redis, { keys: { wallet, users }, args: { user_id: userId } });
}

export async function walletExists({ redis }: { redis: RedisClient }, userId: string): Promise<boolean> {
  return (await redis.exists(walletKey(userId))) === 1;
}

/** The same for many users at once: those who ask together are asked about together. */
export function walletsAsked({ redis }: { redis: RedisClient }): (userId: string) => Promise<boolean> {
  const ask = gatherCalls<string, boolean>({
    most: LIMITS.WALLETS_ASKED_A_CALL,
    call: (_, userIds) => walletsExist({ redis }, userIds),
  });
  // On a cluster a command touches one slot, which is one partition.
  return redis instanceof Cluster
    ? (userId) => ask(String(walletPartition(userId)), userId)
    : (userId) => ask('', userId);
}

/** EXISTS only counts. Nearly always it counts them all: nobody but us or their provider makes users' tokens. */
async function walletsExist(deps: { redis: RedisClient }, userIds: readonly string[]): Promise<boolean[]> {
  const count = await deps.redis.exists(...userIds.map(walletKey));
  if (count === userIds.length) return userIds.map(() => true);
  if (count === 0) return userIds.map(() => false);
  return Promise.all(userIds.map((userId) => walletExists(deps, userId)));
}
