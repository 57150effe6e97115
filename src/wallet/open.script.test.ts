import { expect, test } from 'vitest';
import { walletKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { open } from './open.script.ts';
import { openWallet, walletExists, walletsAsked } from './open.ts';
import { redisNow, userWith } from './wallet.fixture.ts';

const redis = await testRedis();

test('OPENED: an empty wallet without an end, enumerable in its partition', async () => {
  const keys = walletKeys('u_new');
  const before = await redisNow(redis);
  expect(await walletExists({ redis }, 'u_new')).toBe(false);
  expect(await open.run(redis, { keys, args: { user_id: 'u_new' } })).toEqual({ outcome: 'OPENED' });
  const { created, ...wallet } = await redis.hgetall(keys.wallet);
  expect(wallet).toEqual({
    available: '0',
    pending: '0',
    charged: '0',
    posted: '0',
    entries: '0',
    first: '1',
    recorded: '0',
  });
  expect(Number(created)).toBeGreaterThanOrEqual(before);
  expect(await redis.pttl(keys.wallet)).toBe(-1);
  expect(await redis.sismember(keys.users, 'u_new')).toBe(1);
  expect(await walletExists({ redis }, 'u_new')).toBe(true);
});

test('EXISTS: a repeat leaves the money alone', async () => {
  const userId = await userWith(redis, 500);
  const keys = walletKeys(userId);
  expect(await open.run(redis, { keys, args: { user_id: userId } })).toEqual({ outcome: 'EXISTS' });
  await openWallet({ redis }, userId);
  expect(await redis.hget(keys.wallet, 'available')).toBe('500');
});

test('many who ask at once each get their own answer', async () => {
  const there = await Promise.all(Array.from({ length: 8 }, () => userWith(redis, 0)));
  const hasWallet = walletsAsked({ redis });
  const ask = (userIds: string[]) => Promise.all(userIds.map(hasWallet));
  expect(await ask(there)).toEqual(there.map(() => true));
  expect(await ask(['nobody', 'no one'])).toEqual([false, false]);
  expect(await ask([...there, 'nobody', ...there])).toEqual(
    [...there, 'nobody', ...there].map((id) => id !== 'nobody'),
  );
  await redis.del(walletKeys(there[0] ?? '').wallet);
  expect(await ask(there)).toEqual(there.map((_, i) => i > 0));
});
