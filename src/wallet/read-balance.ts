import { type Refusal, refuse } from '../errors.ts';
import { walletKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import type { Balance } from './shapes.ts';

/** What the user can spend now. Refuses USER_NOT_FOUND. */
export async function readBalance(
  { redis, config }: { redis: RedisClient; config: { currency: string } },
  userId: string,
): Promise<Balance | Refusal> {
  const available = await redis.hget(walletKeys(userId).wallet, 'available');
  if (available === null) return refuse('USER_NOT_FOUND');
  return { userId, balance: Number(available), currency: config.currency };
}
