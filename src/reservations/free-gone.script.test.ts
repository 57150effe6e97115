import { expect, test } from 'vitest';
import { testRedis } from '../testing/connect.ts';
import { freeGone } from './free-gone.script.ts';
import {
  createProcess,
  forgetHold,
  hall,
  hold,
  newFan,
  openSale,
  scheduleInput,
  seatsOf,
  sell,
  tryHold,
} from './holding.fixture.ts';
import { sweepHolds } from './sweep-holds.ts';

const redis = await testRedis();
const process = createProcess(redis);

test('seats of holds whose records are gone are found and freed, sold ones never', async () => {
  const schedules = [scheduleInput('d1', { seats: 5 }), scheduleInput('d2', { seats: 2, day: '25' })];
  const sale = await openSale(process, hall({ schedules }));
  const [late, buyer] = [await newFan(sale), await newFan(sale)];
  const gone = await hold(sale, late, ['A-1-1', 'A-1-3']);
  const elsewhere = await tryHold(sale, late, { seats: ['A-1-2'], scheduleId: 'd2' });
  if (!('reservation' in elsewhere)) throw new Error(elsewhere.refused);
  const sold = await hold(sale, buyer, ['A-1-2']);
  await sell(sale, buyer, sold);
  for (const id of [gone, elsewhere.reservation.reservationId]) await forgetHold(sale, id);
  await redis.del(sale.keys.reservation(sold));
  await redis.zadd(sale.keys.holds, 1_000, sold);
  expect(await sweepHolds(process, sale.concertId)).toBe(0);
  expect(await seatsOf(sale)).toMatchObject({ bytes: 'ASAAA', seats: { 'A-1-2': sold }, free: 4 });
  expect(await seatsOf(sale, 'd2')).toMatchObject({ bytes: 'AA', seats: {} });
  expect(await redis.zcard(sale.keys.holds)).toBe(0);
});

test('FREED: only seats that still name a reservation whose record is gone', async () => {
  const sale = await openSale(process, hall({ seats: 4 }));
  const [late, fan] = [await newFan(sale), await newFan(sale)];
  const gone = await hold(sale, late, ['A-1-1', 'A-1-2']);
  await forgetHold(sale, gone);
  const taken = await hold(sale, fan, ['A-1-2']);
  const live = await hold(sale, fan, ['A-1-3']);
  const { keys } = sale;
  const freed = await freeGone.run(redis, {
    keys: { ...keys, seats: keys.seats('d1'), status: keys.status('d1'), seat_log: keys.seatLog('d1') },
    args: { schedule_id: 'd1' },
    moreArgs: ['A-1-1', 0, gone, 'A-1-2', 1, gone, 'A-1-3', 2, live, 'A-1-4', 3, gone],
  });
  expect(freed).toEqual({ outcome: 'FREED', seats: 1 });
  expect(await seatsOf(sale)).toMatchObject({ bytes: 'AHHA', seats: { 'A-1-2': taken, 'A-1-3': live } });
});
