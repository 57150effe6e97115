import { expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { walletKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { entryPrefix } from './entry.ts';
import { post } from './post.script.ts';
import { authorizeTransfer, postTransfer, voidTransfer } from './transfers.ts';
import { moneyOf, outboxOf, redisNow, userWith } from './wallet.fixture.ts';

const redis = await testRedis();
const deps = { redis };

async function authorized(balance: number, amount: number) {
  const userId = await userWith(redis, balance);
  const name = { userId, reservationId: 'rsv_night_1' };
  const answer = await authorizeTransfer(deps, { ...name, concertId: 'night', paymentId: 'pay_night_1', amount });
  if (answer.outcome !== 'AUTHORIZED') throw new Error(answer.outcome);
  return { ...name, transferId: answer.transferId };
}

test('POSTED: the money is spent; history and outbox say so in the same script', async () => {
  const attempt = await authorized(1000, 300);
  const { userId, reservationId } = attempt;
  const keys = walletKeys(userId);
  const before = await redisNow(redis);
  expect(await postTransfer(deps, attempt)).toBe('POSTED');
  expect(await moneyOf(redis, userId)).toEqual({ available: 700, pending: 0, posted: 300 });
  expect(await redis.hmget(keys.transfer(reservationId), 'id', 'state')).toEqual([attempt.transferId, 'POSTED']);
  const [, entry = ''] = await redis.lrange(keys.history, 0, -1);
  expect(entry).toMatch(/^2\|PAYMENT\|-300\|700\|\d{13}\|pay_night_1$/);
  const [, line] = await outboxOf(redis, userId);
  expect(line).toEqual({
    e: 'entry',
    v: '1',
    userId,
    n: '2',
    kind: 'PAYMENT',
    amount: '-300',
    balance: '700',
    at: entry.split('|')[4],
    reference: 'pay_night_1',
    entryId: `${entryPrefix(userId)}2`,
  });
  const member = `${reservationId} ${userId}`;
  expect(await redis.zscore(keys.pending, member)).toBeNull();
  const forgetAt = Number(await redis.zscore(keys.over, member));
  expect(forgetAt).toBeGreaterThanOrEqual(before + LIMITS.TRANSFER_KEPT_MS);
  expect(forgetAt).toBeLessThan(before + LIMITS.TRANSFER_KEPT_MS + 5_000);
});

test('the balance in the history counts money that other payments have set aside', async () => {
  const first = await authorized(1000, 300);
  const second = await authorizeTransfer(deps, {
    userId: first.userId,
    reservationId: 'rsv_night_2',
    concertId: 'night',
    paymentId: 'pay_night_2',
    amount: 100,
  });
  expect(second).toMatchObject({ outcome: 'AUTHORIZED', balance: 600 });
  await postTransfer(deps, first);
  expect(await redis.lindex(walletKeys(first.userId).history, -1)).toMatch(/^2\|PAYMENT\|-300\|700\|/);
});

test('ALREADY, VOIDED, OTHER, NONE: nothing moves, no line is written', async () => {
  const attempt = await authorized(1000, 300);
  const other = { ...attempt, transferId: 't_other' };
  expect(await postTransfer(deps, other)).toBe('OTHER');
  expect(await moneyOf(redis, attempt.userId)).toEqual({ available: 700, pending: 300, posted: 0 });
  await postTransfer(deps, attempt);
  expect(await postTransfer(deps, attempt)).toBe('ALREADY');
  expect(await moneyOf(redis, attempt.userId)).toEqual({ available: 700, pending: 0, posted: 300 });
  expect(await outboxOf(redis, attempt.userId)).toHaveLength(2);

  const voided = await authorized(1000, 300);
  await voidTransfer(deps, voided);
  expect(await postTransfer(deps, voided)).toBe('VOIDED');
  expect(await moneyOf(redis, voided.userId)).toEqual({ available: 1000, pending: 0, posted: 0 });

  const none = { userId: await userWith(redis, 5), reservationId: 'rsv_night_9', transferId: 't_x' };
  expect(await postTransfer(deps, none)).toBe('NONE');
  expect(await outboxOf(redis, none.userId)).toHaveLength(1);
});

test('OTHER tells which transfer there is', async () => {
  const { userId, reservationId, transferId } = await authorized(1000, 300);
  const keys = walletKeys(userId);
  const answer = await post.run(redis, {
    keys: { ...keys, transfer: keys.transfer(reservationId) },
    args: {
      member: `${reservationId} ${userId}`,
      user_id: userId,
      transfer_id: 't_other',
      entry_prefix: entryPrefix(userId),
      kept_ms: 1,
    },
  });
  expect(answer).toEqual({ outcome: 'OTHER', transferId });
});

test('ten posts of one transfer at once: one of them does it', async () => {
  const attempt = await authorized(1000, 300);
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => postTransfer(deps, attempt)));
  expect(outcomes.filter((outcome) => outcome === 'POSTED')).toHaveLength(1);
  expect(await moneyOf(redis, attempt.userId)).toEqual({ available: 700, pending: 0, posted: 300 });
});
