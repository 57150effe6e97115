import { expect, test } from 'vitest';
import { testRedis } from '../testing/connect.ts';
import { redisNow } from '../testing/waiting-room.ts';
import { ageHold, createProcess, hold, newFan, newUser, openSale, sell } from './holding.fixture.ts';
import { paymentIdOf } from './ids.ts';
import { read as script } from './read.script.ts';
import { readReservation, readReservationForPush } from './read.ts';

const redis = await testRedis();
const process = createProcess(redis);

test('FOUND: judged by the clock of Redis', async () => {
  const sale = await openSale(process);
  const fan = await newFan(sale);
  const { userId } = fan;
  const reservationId = await hold(sale, fan, ['A-1-1', 'A-1-2']);
  const before = await redisNow(redis);
  const held = await readReservationForPush(process, reservationId);
  expect(held).toMatchObject({ reservationId, userId, status: 'HELD', concertId: sale.concertId, paymentId: null });
  expect(Date.parse(held?.serverTime ?? '')).toBeGreaterThanOrEqual(before);
  expect(await readReservation(process, { reservationId, userId })).toMatchObject({ status: 'HELD' });
  await ageHold(sale, reservationId);
  expect(await readReservation(process, { reservationId, userId })).toMatchObject({
    status: 'EXPIRED',
    expiresAt: '1970-01-01T00:00:01.000Z',
  });
  expect(await redis.hget(sale.keys.reservation(reservationId), 'status')).toBe('HELD');
});

test('FOUND: confirmed, with its payment, for good', async () => {
  const sale = await openSale(process);
  const fan = await newFan(sale);
  const reservationId = await hold(sale, fan, ['A-1-1']);
  await sell(sale, fan, reservationId);
  expect(await readReservation(process, { reservationId, userId: fan.userId })).toMatchObject({
    status: 'CONFIRMED',
    paymentId: paymentIdOf(reservationId),
  });
  expect(await redis.pttl(sale.keys.reservation(reservationId))).toBe(-1);
});

test('NONE: gone, not theirs, or no id at all', async () => {
  const sale = await openSale(process);
  const fan = await newFan(sale);
  const reservationId = await hold(sale, fan, ['A-1-1']);
  const none = { refused: 'RESERVATION_NOT_FOUND', members: {} };
  expect(await readReservation(process, { reservationId, userId: newUser() })).toEqual(none);
  for (const id of [`${reservationId.slice(0, -4)}0000`, paymentIdOf(reservationId), 'rsv__', '']) {
    expect(await readReservation(process, { reservationId: id, userId: fan.userId })).toEqual(none);
    expect(await readReservationForPush(process, id)).toBeNull();
  }
});

test('the script alone answers the record as written', async () => {
  const sale = await openSale(process);
  const reservationId = await hold(sale, await newFan(sale), ['A-1-1']);
  await ageHold(sale, reservationId);
  const run = (id: string) => script.run(redis, { keys: { reservation: sale.keys.reservation(id) }, args: {} });
  expect(await run(reservationId)).toMatchObject({ outcome: 'FOUND', record: { status: 'HELD', deadlineMs: 1_000 } });
  expect(await run('rsv_gone')).toEqual({ outcome: 'NONE' });
});
