import { expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { walletKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { authorizeTransfer, postTransfer, voidTransfer } from './transfers.ts';
import { voidScript } from './void.script.ts';
import { moneyOf, outboxOf, redisNow, userWith } from './wallet.fixture.ts';

const redis = await testRedis();
const deps = { redis };

async function authorized() {
  const name = { userId: await userWith(redis, 1000), reservationId: 'rsv_night_1' };
  const answer = await authorizeTransfer(deps, { ...name, concertId: 'night', paymentId: 'pay_night_1', amount: 300 });
  if (answer.outcome !== 'AUTHORIZED') throw new Error(answer.outcome);
  return { ...name, transferId: answer.transferId };
}

test('VOIDED: the money is back, without a line in the history', async () => {
  const attempt = await authorized();
  const keys = walletKeys(attempt.userId);
  const before = await redisNow(redis);
  expect(await voidTransfer(deps, attempt)).toBe('VOIDED');
  expect(await moneyOf(redis, attempt.userId)).toEqual({ available: 1000, pending: 0, posted: 0 });
  expect(await redis.hget(keys.transfer(attempt.reservationId), 'state')).toBe('VOIDED');
  expect(await redis.llen(keys.history)).toBe(1);
  expect(await outboxOf(redis, attempt.userId)).toHaveLength(1);
  const member = `${attempt.reservationId} ${attempt.userId}`;
  expect(await redis.zscore(keys.pending, member)).toBeNull();
  expect(Number(await redis.zscore(keys.over, member))).toBeGreaterThanOrEqual(before + LIMITS.TRANSFER_KEPT_MS);
});

test('ALREADY, POSTED, OTHER, NONE: nothing moves', async () => {
  const attempt = await authorized();
  expect(await voidTransfer(deps, { ...attempt, transferId: 't_other' })).toBe('OTHER');
  expect(await moneyOf(redis, attempt.userId)).toEqual({ available: 700, pending: 300, posted: 0 });
  await voidTransfer(deps, attempt);
  expect(await voidTransfer(deps, attempt)).toBe('ALREADY');
  expect(await moneyOf(redis, attempt.userId)).toEqual({ available: 1000, pending: 0, posted: 0 });

  const posted = await authorized();
  await postTransfer(deps, posted);
  expect(await voidTransfer(deps, posted)).toBe('POSTED');
  expect(await moneyOf(redis, posted.userId)).toEqual({ available: 700, pending: 0, posted: 300 });
  expect(await voidTransfer(deps, { ...posted, reservationId: 'rsv_night_9' })).toBe('NONE');
});

test('OTHER tells which transfer there is', async () => {
  const { userId, reservationId, transferId } = await authorized();
  const keys = walletKeys(userId);
  const answer = await voidScript.run(redis, {
    keys: { ...keys, transfer: keys.transfer(reservationId) },
    args: { member: `${reservationId} ${userId}`, transfer_id: 't_other', kept_ms: 1 },
  });
  expect(answer).toEqual({ outcome: 'OTHER', transferId });
});
