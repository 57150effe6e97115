import { describe, expect, test } from 'vitest';
import { concertKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { GROUP } from './outboxes.ts';
import { settlePayments } from './settle-payments.script.ts';

const redis = await testRedis();
let concerts = 0;

/** A concert whose outbox has these payments pending; one without a record where `confirmed` is false. */
async function confirmed(count: number) {
  concerts += 1;
  const keys = concertKeys(`settle-${concerts}`);
  const payments: { id: string; reservation: string }[] = [];
  for (let i = 0; i < count; i++) {
    const reservation = keys.reservation(`r${i}`);
    const id = (await redis.xadd(keys.outbox, '*', 'e', 'payment')) ?? '';
    await redis.hset(reservation, { status: 'CONFIRMED', outbox: id });
    payments.push({ id, reservation });
  }
  await redis.xgroup('CREATE', keys.outbox, GROUP, '0');
  await redis.xreadgroup('GROUP', GROUP, GROUP, 'COUNT', 1000, 'STREAMS', keys.outbox, '>');
  const settle = (some: { id: string; reservation?: string }[]) =>
    settlePayments.run(redis, {
      keys,
      moreKeys: some.flatMap(({ reservation }) => reservation ?? []),
      args: {},
      moreArgs: some.map(({ id }) => id),
    });
  const left = async () => (await redis.xrange(keys.outbox, '-', '+')).map(([id]) => id);
  const pending = async () => (await redis.xpending(keys.outbox, GROUP))[0];
  return { keys, payments, settle, left, pending };
}

describe('SETTLED', () => {
  test('takes exactly these entries out and notes the time on their reservations', async () => {
    const { payments, settle, left, pending } = await confirmed(3);
    const [first, second, third] = payments;
    if (!first || !second || !third) throw new Error('three payments');
    const { outcome, count, recordedAtMs } = await settle([first, third]);
    expect([outcome, count]).toEqual(['SETTLED', 2]);
    expect(Math.abs(recordedAtMs - Date.now())).toBeLessThan(5_000);
    expect(await left()).toEqual([second.id]);
    expect(await pending()).toBe(1);
    expect(await redis.hget(first.reservation, 'recorded_at')).toBe(String(recordedAtMs));
    expect(await redis.hget(second.reservation, 'recorded_at')).toBeNull();
    expect(await redis.hget(third.reservation, 'recorded_at')).toBe(String(recordedAtMs));
    expect(await redis.pttl(first.reservation)).toBe(-1);
  });

  test('again: the first time stands', async () => {
    const { payments, settle } = await confirmed(1);
    const { recordedAtMs } = await settle(payments);
    await redis.hset(payments[0]?.reservation ?? '', 'recorded_at', recordedAtMs - 1000);
    expect(await settle(payments)).toMatchObject({ count: 0 });
    expect(await redis.hget(payments[0]?.reservation ?? '', 'recorded_at')).toBe(String(recordedAtMs - 1000));
  });

  test('a dead letter leaves the outbox, and its reservation is not recorded', async () => {
    const { payments, settle, left } = await confirmed(2);
    const [recorded, dead] = payments;
    await settle([recorded ?? { id: '' }, { id: dead?.id ?? '' }]);
    expect(await left()).toEqual([]);
    expect(await redis.hexists(dead?.reservation ?? '', 'recorded_at')).toBe(0);
  });

  test('makes up no record where there is none, and touches none that is not confirmed', async () => {
    const { payments, settle, keys } = await confirmed(2);
    const [gone, held] = payments;
    await redis.del(gone?.reservation ?? '');
    await redis.hset(held?.reservation ?? '', 'status', 'HELD');
    await settle(payments);
    expect(await redis.exists(keys.reservation('r0'))).toBe(0);
    expect(await redis.hexists(keys.reservation('r1'), 'recorded_at')).toBe(0);
  });

  test('a whole chunk of 500', async () => {
    const { payments, settle, left } = await confirmed(500);
    expect(await settle(payments)).toMatchObject({ count: 500 });
    expect(await left()).toEqual([]);
  });
});
