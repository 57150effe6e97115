import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { QueueClaims } from '../auth/tokens.ts';
import { concertKeys, walletKeys, walletPartition } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { ageTransfers, moneyOf, userWith } from '../wallet/wallet.fixture.ts';
import { hookedRedis, neverSent, replyLost } from './gate.fixture.ts';
import { pay } from './pay.ts';
import { ageHold, alarmLog, enter, hold, openSale, payDeps, type Sale } from './sale.fixture.ts';
import { forgetTransfers, sweepTransfers } from './sweep-transfers.ts';

const redis = await testRedis();
const deps = payDeps(redis);
let sale: Sale;
let userId: string;
let claims: QueueClaims;
let reservationId: string;

beforeEach(async () => {
  sale = await openSale(redis);
  userId = await userWith(redis, 10_000);
  claims = await enter(redis, sale, userId);
  reservationId = await hold(redis, sale, claims, [1]);
});

/** A payment whose process dies at a step. */
async function payAndDie(label: string, how: typeof neverSent, id = reservationId) {
  const dying = payDeps(hookedRedis(redis, { [label]: how }));
  await expect(pay(dying, { claims, reservationId: id, idempotency: null })).rejects.toThrow('timed out');
}

const partition = () => walletPartition(userId);
const transfer = () => redis.hgetall(walletKeys(userId).transfer(reservationId));

describe('sweepTransfers', () => {
  test('settles each by what its concert says, those of many concerts in one call', async () => {
    const other = await openSale(redis);
    await payAndDie('wallet/post', neverSent);
    const first = claims;
    claims = await enter(redis, other, userId);
    const second = await hold(redis, other, claims, [1]);
    await payAndDie('payments/confirm', neverSent, second);
    expect(await moneyOf(redis, userId)).toEqual({ available: 8_000, pending: 2_000, posted: 0 });
    await ageTransfers(redis, [userId]);
    expect(await sweepTransfers(deps, partition())).toBe(2);
    expect(await moneyOf(redis, userId)).toEqual({ available: 9_000, pending: 0, posted: 1_000 });
    expect(await pay(deps, { claims: first, reservationId, idempotency: null })).toMatchObject({ repeated: true });
  });

  test('voids where the record is gone, 12 h after its deadline', async () => {
    await payAndDie('wallet/authorize', replyLost);
    await redis.del(concertKeys(sale.concertId).reservation(reservationId));
    await ageTransfers(redis, [userId]);
    expect(await sweepTransfers(deps, partition())).toBe(1);
    expect(await moneyOf(redis, userId)).toEqual({ available: 10_000, pending: 0, posted: 0 });
  });

  test('one that cannot be settled is an alarm, and in nobody’s way', async () => {
    await payAndDie('wallet/post', neverSent);
    const stuck = walletKeys(userId);
    await redis.zadd(stuck.pending, 1, `rsv_damaged ${userId}`);
    await ageTransfers(redis, [userId]);
    const { log, alarms } = alarmLog();
    expect(await sweepTransfers({ redis, log }, partition())).toBe(1);
    expect(alarms).toHaveLength(1);
    expect(await moneyOf(redis, userId)).toEqual({ available: 9_000, pending: 0, posted: 1_000 });
    await redis.zrem(stuck.pending, `rsv_damaged ${userId}`);
  });

  test('two sweepers at once do no harm', async () => {
    await payAndDie('wallet/post', neverSent);
    await ageTransfers(redis, [userId]);
    const { log, alarms } = alarmLog();
    await Promise.all([sweepTransfers({ redis, log }, partition()), sweepTransfers({ redis, log }, partition())]);
    expect(alarms).toEqual([]);
    expect(await moneyOf(redis, userId)).toEqual({ available: 9_000, pending: 0, posted: 1_000 });
  });
});

describe('while Redis is full', () => {
  const full = (bytes: number) => (redis as Redis).config('SET', 'maxmemory', bytes);
  afterEach(() => full(0));

  test('a confirm is refused, which is no answer; the sweeper still gives the money back', async () => {
    const filling = hookedRedis(redis, { 'payments/confirm': ({ send }) => full(1).then(send) });
    await expect(pay(payDeps(filling), { claims, reservationId, idempotency: null })).rejects.toThrow('OOM');
    expect((await moneyOf(redis, userId)).pending).toBe(1_000);
    await full(0);
    await ageTransfers(redis, [userId]);
    await full(1);
    expect(await sweepTransfers(deps, partition())).toBe(1);
    expect(await moneyOf(redis, userId)).toEqual({ available: 10_000, pending: 0, posted: 0 });
  });

  test('what was confirmed is posted', async () => {
    const filling = hookedRedis(redis, { 'wallet/post': ({ send }) => full(1).then(send) });
    const answer = await pay(payDeps(filling), { claims, reservationId, idempotency: null });
    expect(answer).toMatchObject({ repeated: false });
    expect(await moneyOf(redis, userId)).toEqual({ available: 9_000, pending: 0, posted: 1_000 });
  });
});

describe('forgetTransfers', () => {
  /** As if it had ended a day ago. */
  const aDayLater = () => redis.zadd(walletKeys(userId).over, 1, `${reservationId} ${userId}`);

  test('a POSTED one once PostgreSQL has its payment; a repeat still finds the payment', async () => {
    await pay(deps, { claims, reservationId, idempotency: null });
    expect(await forgetTransfers(deps, partition())).toBe(0);
    await aDayLater();
    expect(await forgetTransfers(deps, partition()), 'not recorded').toBe(0);
    expect((await transfer()).state).toBe('POSTED');
    await redis.hset(concertKeys(sale.concertId).reservation(reservationId), 'recorded_at', '1800000000000');
    await aDayLater();
    expect(await forgetTransfers(deps, partition())).toBe(1);
    expect(await transfer()).toEqual({});
    expect(await pay(deps, { claims, reservationId, idempotency: null })).toMatchObject({ repeated: true });
    expect(await moneyOf(redis, userId)).toEqual({ available: 9_000, pending: 0, posted: 1_000 });
  });

  test('a VOIDED one', async () => {
    await payAndDie('payments/confirm', neverSent);
    await ageHold(redis, sale, reservationId);
    await ageTransfers(redis, [userId]);
    await sweepTransfers(deps, partition());
    expect((await transfer()).state).toBe('VOIDED');
    await aDayLater();
    expect(await forgetTransfers(deps, partition())).toBe(1);
    expect(await transfer()).toEqual({});
  });

  test('never a PENDING one', async () => {
    await payAndDie('payments/confirm', neverSent);
    await aDayLater();
    expect(await forgetTransfers(deps, partition())).toBe(0);
    expect((await transfer()).state).toBe('PENDING');
  });
});
