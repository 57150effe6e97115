import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { isRefusal } from '../errors.ts';
import { walletKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { charge } from '../wallet/charge.ts';
import { config, moneyOf, userWith } from '../wallet/wallet.fixture.ts';
import { rebuildWallet } from './rebuild-wallet.script.ts';

const redis = await testRedis();

const put = (userId: string) =>
  rebuildWallet.run(redis, {
    keys: walletKeys(userId),
    args: { user_id: userId, available: 700, charged: 1000, posted: 300, entries: 9, first: 8 },
    moreArgs: ['8|CHARGE|600|1000|1|chg_x', '9|PAYMENT|-300|700|2|pay_x'],
  });

test('REBUILT: its money, its numbers, its history; the next entry goes on from there', async () => {
  const userId = `u_${randomUUID()}`;
  const keys = walletKeys(userId);
  expect(await put(userId)).toEqual({ outcome: 'REBUILT' });
  expect(await moneyOf(redis, userId)).toEqual({ available: 700, pending: 0, posted: 300 });
  expect(await redis.hgetall(keys.wallet)).toMatchObject({ entries: '9', first: '8', recorded: '9' });
  expect(await redis.sismember(keys.users, userId)).toBe(1);
  expect(await redis.exists(keys.outbox)).toBe(0);
  const charged = await charge({ redis, config }, { userId, amount: 50, idempotency: null });
  expect(isRefusal(charged)).toBe(false);
  expect(await redis.lrange(keys.history, 0, -1)).toEqual([
    '8|CHARGE|600|1000|1|chg_x',
    '9|PAYMENT|-300|700|2|pay_x',
    expect.stringMatching(/^10\|CHARGE\|50\|750\|/),
  ]);
});

test('it has the fields of a wallet that was opened', async () => {
  const [rebuilt, opened] = [`u_${randomUUID()}`, await userWith(redis, 0)];
  await put(rebuilt);
  const fields = async (userId: string) => (await redis.hkeys(walletKeys(userId).wallet)).sort();
  expect(await fields(rebuilt)).toEqual(await fields(opened));
});

test('ALREADY: a wallet that is there stays as it is', async () => {
  const userId = await userWith(redis, 5);
  expect(await put(userId)).toEqual({ outcome: 'ALREADY' });
  expect(await moneyOf(redis, userId)).toEqual({ available: 5, pending: 0, posted: 0 });
  expect(await redis.llen(walletKeys(userId).history)).toBe(1);
});
