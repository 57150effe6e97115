import { expect, test } from 'vitest';
import { testRedis } from '../testing/connect.ts';
import { logOf, markPaid, placeOf } from '../testing/waiting-room.ts';
import { cancel as script } from './cancel.script.ts';
import { cancelReservation } from './cancel.ts';
import {
  ageHold,
  createProcess,
  forgetHold,
  hall,
  hold,
  newFan,
  newUser,
  openSale,
  seatsOf,
  sell,
} from './holding.fixture.ts';
import { paymentIdOf } from './ids.ts';

const redis = await testRedis();
const process = createProcess(redis);

const cancel = (reservationId: string, userId: string) => cancelReservation(process, { reservationId, userId });

test('CANCELLED: seats are free at once, the place falls back to the end of its session; repeatable', async () => {
  const sale = await openSale(process, hall({ seats: 4, holdSeconds: 900 }));
  const fan = await newFan(sale);
  const reservationId = await hold(sale, fan, ['A-1-1', 'A-1-3']);
  const since = (await logOf(sale)).length;
  const cancelled = await cancel(reservationId, fan.userId);
  expect(cancelled).toMatchObject({ reservationId, status: 'CANCELLED', amount: 2_000, paymentId: null });
  expect(await seatsOf(sale)).toEqual({ bytes: 'AAAA', seats: {}, version: 3, free: 4 });
  expect(await redis.xrange(sale.keys.seatLog('d1'), '3-0', '+')).toEqual([['3-0', ['s', 'A', 'i', '0,2']]]);
  expect(await redis.zcard(sale.keys.holds)).toBe(0);
  expect(await redis.zcard(sale.keys.live(fan.userId))).toBe(0);
  expect(await redis.zcard(sale.keys.ownedBy(fan.userId))).toBe(1);
  expect(Number(await redis.hget(sale.keys.reservation(reservationId), 'ended'))).toBeGreaterThan(1e12);
  expect(await redis.pttl(sale.keys.reservation(reservationId))).toBeGreaterThan(12 * 3600_000);
  const place = await placeOf(sale, fan.queueId);
  expect(place?.deadlineMs).toBe(place?.sessionEndMs);
  const log = (await logOf(sale, since)).map(({ n: _n, ...entry }) => entry);
  expect(log).toEqual([
    { k: 'R', r: reservationId, u: fan.userId },
    { k: 'D', q: fan.queueId },
  ]);

  const length = (await logOf(sale)).length;
  expect(await cancel(reservationId, fan.userId)).toMatchObject({ reservationId, status: 'CANCELLED' });
  expect((await seatsOf(sale)).version).toBe(3);
  expect((await logOf(sale)).length).toBe(length);
});

test('a place kept after a payment for this hold alone is USED with its end', async () => {
  const sale = await openSale(process);
  const fan = await newFan(sale);
  const reservationId = await hold(sale, fan, ['A-1-1']);
  await markPaid(sale, fan.queueId);
  await cancel(reservationId, fan.userId);
  expect(await placeOf(sale, fan.queueId)).toMatchObject({ status: 'U', reason: 'PAID' });
});

test('leaves alone a seat that another has taken over', async () => {
  const sale = await openSale(process, hall({ seats: 2 }));
  const [late, fan] = [await newFan(sale), await newFan(sale)];
  const old = await hold(sale, late, ['A-1-1', 'A-1-2']);
  // As if a take-over had not ended the old one.
  await redis.hset(sale.keys.seats('d1'), 'A-1-2', 'rsv_other');
  await cancel(old, late.userId);
  expect(await redis.hgetall(sale.keys.seats('d1'))).toEqual({ 'A-1-2': 'rsv_other' });
  expect(await redis.get(sale.keys.status('d1'))).toBe('AH');
  expect(await cancel(old, fan.userId)).toEqual({ refused: 'RESERVATION_NOT_FOUND', members: {} });
});

test('PAID', async () => {
  const sale = await openSale(process);
  const fan = await newFan(sale);
  const reservationId = await hold(sale, fan, ['A-1-1']);
  await sell(sale, fan, reservationId);
  expect(await cancel(reservationId, fan.userId)).toEqual({
    refused: 'ALREADY_PAID',
    members: { paymentId: paymentIdOf(reservationId) },
  });
  expect((await seatsOf(sale)).bytes).toBe('SAAAAAAAAA');
});

test('EXPIRED: past its deadline, whether or not anybody wrote so', async () => {
  const sale = await openSale(process);
  const fan = await newFan(sale);
  const reservationId = await hold(sale, fan, ['A-1-1']);
  await ageHold(sale, reservationId, 1_000);
  const refused = { refused: 'RESERVATION_EXPIRED', members: { expiredAt: '1970-01-01T00:00:01.000Z' } };
  expect(await cancel(reservationId, fan.userId)).toEqual(refused);
  await hold(sale, await newFan(sale), ['A-1-1']);
  expect(await redis.hget(sale.keys.reservation(reservationId), 'status')).toBe('EXPIRED');
  expect(await cancel(reservationId, fan.userId)).toEqual(refused);
});

test('NONE: gone, not theirs, or no id at all', async () => {
  const sale = await openSale(process);
  const fan = await newFan(sale);
  const reservationId = await hold(sale, fan, ['A-1-1']);
  const none = { refused: 'RESERVATION_NOT_FOUND', members: {} };
  expect(await cancel(reservationId, newUser())).toEqual(none);
  expect(await cancel(paymentIdOf(reservationId), fan.userId)).toEqual(none);
  expect(await cancel('rsv_x', fan.userId)).toEqual(none);
  expect((await seatsOf(sale)).bytes).toBe('HAAAAAAAAA');
  await forgetHold(sale, reservationId);
  expect(await cancel(reservationId, fan.userId)).toEqual(none);
});

test('the script alone: the version of the seats after a change, 0 where there was none', async () => {
  const sale = await openSale(process);
  const { userId, ...fan } = await newFan(sale);
  const reservationId = await hold(sale, { ...fan, userId }, ['A-1-1']);
  const run = (user_id: string) =>
    script.run(redis, {
      keys: { ...sale.keys, reservation: sale.keys.reservation(reservationId) },
      args: { user_id, reservation_id: reservationId },
    });
  expect(await run('somebody')).toEqual({ outcome: 'NONE' });
  expect(await run(userId)).toMatchObject({ outcome: 'CANCELLED', version: 3, record: { status: 'CANCELLED' } });
  expect(await run(userId)).toMatchObject({ outcome: 'CANCELLED', version: 0, record: { seatIds: ['A-1-1'] } });
});
