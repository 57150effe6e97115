import { walletKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { open } from './open.script.ts';

/** Opens the user's wallet, which is what makes the user exist. Safe to repeat. */
export async function openWallet({ redis }: { redis: RedisClient }, userId: string): Promise<void> {
  const { wallet, users } = walletKeys(userId);
  await open.run(redis, { keys: { wallet, users }, args: { user_id: userId } });
}

export async function walletExists({ redis }: { redis: RedisClient }, userId: string): Promise<boolean> {
  return (await redis.exists(walletKeys(userId).wallet)) === 1;
}
