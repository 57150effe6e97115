import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { isRefusal } from '../errors.ts';
import { walletKeys, walletPartition } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { charge } from '../wallet/charge.ts';
import { config, moneyOf, userWith } from '../wallet/wallet.fixture.ts';
import { rebuildWallets } from './rebuild-wallets.script.ts';

const redis = await testRedis();

const put = (...userIds: string[]) =>
  rebuildWallets.run(redis, {
    keys: walletKeys(userIds[0] ?? ''),
    moreKeys: userIds.flatMap((userId) => [walletKeys(userId).wallet, walletKeys(userId).history]),
    args: {},
    moreArgs: userIds.flatMap((userId) => {
      const kept = JSON.stringify(['8|CHARGE|600|1000|1|chg_x', '9|PAYMENT|-300|700|2|pay_x']);
      return [userId, 700, 1000, 300, 9, 8, kept];
    }),
  });

/** Another user in the partition of this one. */
function neighbourOf(userId: string): string {
  for (;;) {
    const other = `u_${randomUUID()}`;
    if (walletPartition(other) === walletPartition(userId)) return other;
  }
}

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

test('a wallet that is there stays as it is, and its neighbour comes back', async () => {
  const userId = await userWith(redis, 5);
  const neighbour = neighbourOf(userId);
  expect(await put(userId, neighbour)).toEqual({ outcome: 'REBUILT' });
  expect(await moneyOf(redis, neighbour)).toEqual({ available: 700, pending: 0, posted: 300 });
  expect(await moneyOf(redis, userId)).toEqual({ available: 5, pending: 0, posted: 0 });
  expect(await redis.llen(walletKeys(userId).history)).toBe(1);
});
