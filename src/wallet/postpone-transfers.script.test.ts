import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { walletKeys, walletPartition } from '../redis/keys.ts';
import { flush, onCluster, testRedis } from '../testing/connect.ts';
import { postponeTransfers as script } from './postpone-transfers.script.ts';
import { authorizeTransfer, dueTransfers, postponeTransfers, postTransfer, voidTransfer } from './transfers.ts';
import { ageTransfers, moneyOf, redisNow, userWith } from './wallet.fixture.ts';

const redis = await testRedis();
const deps = { redis };
beforeEach(() => flush(redis));
afterEach(async () => {
  if (!onCluster) await (redis as Redis).config('SET', 'maxmemory', 0);
});

async function authorized(userId: string, reservationId: string) {
  const name = { userId, reservationId };
  const answer = await authorizeTransfer(deps, { ...name, concertId: 'night', paymentId: 'pay_night_1', amount: 300 });
  if (answer.outcome !== 'AUTHORIZED') throw new Error(answer.outcome);
  return { ...name, transferId: answer.transferId };
}

test('POSTPONED: behind the others for a few seconds; the transfer itself is as before', async () => {
  const userId = await userWith(redis, 1000);
  const partition = walletPartition(userId);
  const [stuck, healthy] = [await authorized(userId, 'rsv_night_1'), await authorized(userId, 'rsv_night_2')];
  await ageTransfers(redis, [userId]);
  const keys = walletKeys(userId);
  const record = await redis.hgetall(keys.transfer(stuck.reservationId));
  const before = await redisNow(redis);
  await postponeTransfers(deps, { partition, transfers: [stuck] });
  expect(await dueTransfers(deps, { partition, limit: 9 })).toEqual([healthy]);
  const score = Number(await redis.zscore(keys.pending, `rsv_night_1 ${userId}`));
  expect(score).toBeGreaterThanOrEqual(before + LIMITS.TRANSFER_SWEEP_AGAIN_MS);
  expect(score).toBeLessThan(before + LIMITS.TRANSFER_DEADLINE_MS);
  expect(await redis.hgetall(keys.transfer(stuck.reservationId))).toEqual(record);
  expect([await postTransfer(deps, stuck), await voidTransfer(deps, healthy)]).toEqual(['POSTED', 'VOIDED']);
  expect(await moneyOf(redis, userId)).toEqual({ available: 700, pending: 0, posted: 300 });
});

test('POSTPONED: never one that has ended, and never to an earlier time than it had', async () => {
  const userId = await userWith(redis, 1000);
  const [over, young] = [await authorized(userId, 'rsv_night_1'), await authorized(userId, 'rsv_night_2')];
  await voidTransfer(deps, over);
  const { pending } = walletKeys(userId);
  const deadline = await redis.zscore(pending, `rsv_night_2 ${userId}`);
  const moreArgs = [over, young].map(({ reservationId }) => `${reservationId} ${userId}`);
  const postponed = await script.run(redis, { keys: { pending }, args: { later_ms: 5 }, moreArgs });
  expect(postponed).toEqual({ outcome: 'POSTPONED', count: 0 });
  expect(await redis.zrange(pending, '0', '-1', 'WITHSCORES')).toEqual([`rsv_night_2 ${userId}`, deadline]);
});

test.skipIf(onCluster)('while Redis is full, too', async () => {
  const userId = await userWith(redis, 1000);
  await authorized(userId, 'rsv_night_1');
  await ageTransfers(redis, [userId]);
  await (redis as Redis).config('SET', 'maxmemory', 1);
  const moreArgs = [`rsv_night_1 ${userId}`];
  const { pending } = walletKeys(userId);
  expect(await script.run(redis, { keys: { pending }, args: { later_ms: 5000 }, moreArgs })).toMatchObject({
    count: 1,
  });
});
