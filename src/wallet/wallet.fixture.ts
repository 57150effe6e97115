/** Wallets for tests: made by the real scripts, read as they stand in Redis. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { isRefusal } from '../errors.ts';
import { walletKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { charge } from './charge.ts';
import { openWallet } from './open.ts';

export const config = { currency: 'KRW' };

/** A new user with so much in the wallet. */
export async function userWith(redis: RedisClient, balance: number): Promise<string> {
  const userId = `u_${randomUUID()}`;
  await openWallet({ redis }, userId);
  if (balance > 0) {
    const charged = await charge({ redis, config }, { userId, amount: balance, idempotency: null });
    if (isRefusal(charged)) throw new Error(charged.refused);
  }
  return userId;
}

/** The wallet's money, after its own sum was checked. */
export async function moneyOf(redis: RedisClient, userId: string) {
  const fields = await redis.hmget(walletKeys(userId).wallet, 'available', 'pending', 'charged', 'posted');
  const [available = 0, pending = 0, charged = 0, posted = 0] = fields.map(Number);
  expect(available + pending + posted, 'the books of a wallet').toBe(charged);
  return { available, pending, posted };
}

/** Entries of a stream as objects of their fields. */
export async function streamOf(redis: RedisClient, key: string): Promise<Record<string, string>[]> {
  const entries = await redis.xrange(key, '-', '+');
  return entries.map(([, flat]) =>
    Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]])),
  );
}

/** What a user's wallet has told its outbox, in order, without the members that all entries share. */
export async function outboxOf(redis: RedisClient, userId: string) {
  const lines = await streamOf(redis, walletKeys(userId).outbox);
  return lines.filter((line) => line.userId === userId);
}

/** Puts the deadlines of these users' PENDING transfers into the past, as if their time had run out. */
export async function ageTransfers(redis: RedisClient, userIds: readonly string[]): Promise<void> {
  for (const userId of userIds) {
    const { pending } = walletKeys(userId);
    for (const member of await redis.zrange(pending, '0', '-1')) {
      if (member.endsWith(` ${userId}`)) await redis.zadd(pending, 1, member);
    }
  }
}

/** Redis' own time in ms. */
export async function redisNow(redis: RedisClient): Promise<number> {
  const key = '{directory}:clock';
  const [seconds, micros] = (await redis.eval("return redis.call('TIME')", 1, key)) as [string, string];
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}
