import { expect, test } from 'vitest';
import { metrics } from '../observability/metrics.ts';
import { testRedis } from '../testing/connect.ts';
import { agePlace, logOf, markPaid, placeOf, redisNow } from '../testing/waiting-room.ts';
import { ageHold, createProcess, hall, hold, newFan, openSale, seatsOf, sell } from './holding.fixture.ts';
import { sweepHolds } from './sweep-holds.ts';
import { sweep } from './sweep.script.ts';

const redis = await testRedis();
const process = createProcess(redis);

test('SWEPT: ends what is past its deadline, frees its seats, settles its place, leaves the rest', async () => {
  const sale = await openSale(process, hall({ seats: 6, holdSeconds: 900 }));
  const [late, over, fan, buyer] = [await newFan(sale), await newFan(sale), await newFan(sale), await newFan(sale)];
  const first = await hold(sale, late, ['A-1-1', 'A-1-2']);
  const second = await hold(sale, over, ['A-1-3']);
  const live = await hold(sale, fan, ['A-1-4']);
  const sold = await hold(sale, buyer, ['A-1-5']);
  await sell(sale, buyer, sold);
  for (const id of [first, second]) await ageHold(sale, id);
  await markPaid(sale, over.queueId);
  await agePlace(sale, over.queueId);
  const { version } = await seatsOf(sale);
  const since = (await logOf(sale)).length;

  expect(await sweepHolds(process, sale.concertId)).toBe(2);
  expect(await seatsOf(sale)).toEqual({
    bytes: 'AAAHSA',
    seats: { 'A-1-4': live, 'A-1-5': sold },
    version: version + 2,
    free: 4,
  });
  expect(await redis.hmget(sale.keys.reservation(first), 'status', 'deadline')).toEqual(['EXPIRED', '1000']);
  expect(await redis.hget(sale.keys.reservation(live), 'status')).toBe('HELD');
  expect(await redis.zrange(sale.keys.holds, '0', '-1')).toEqual([live]);
  expect(await redis.zcard(sale.keys.live(late.userId))).toBe(0);
  const place = await placeOf(sale, late.queueId);
  expect(place).toMatchObject({ status: 'A', deadlineMs: place?.sessionEndMs });
  expect(await placeOf(sale, over.queueId)).toMatchObject({ status: 'U', reason: 'PAID' });
  const told = (await logOf(sale, since)).filter(({ k }) => k === 'R').map(({ r }) => r);
  expect(told).toHaveLength(2);
  expect(told).toEqual(expect.arrayContaining([first, second]));
  expect(await sweepHolds(process, sale.concertId)).toBe(0);
});

test('SWEPT: at most so many a call, the oldest first, with its lag', async () => {
  const sale = await openSale(process, hall({ seats: 250, seatLimit: 8 }));
  const now = await redisNow(redis);
  const ids: string[] = [];
  for (let i = 0; i < 31; i++) {
    const fan = await newFan(sale);
    const seats = Array.from({ length: 8 }, (_, seat) => `A-1-${8 * i + seat + 1}`);
    ids.push(await hold(sale, fan, seats));
    await ageHold(sale, ids.at(-1) ?? '', now - 60_000 + i);
  }
  const swept = await sweep.run(redis, { keys: sale.keys, args: { limit: 10 } });
  expect(swept).toMatchObject({ ended: 10, looked: 10, gone: [] });
  expect(swept.lagMs).toBeGreaterThanOrEqual(60_000);
  expect(await redis.zrange(sale.keys.holds, '0', '0')).toEqual([ids[10]]);
  expect(await sweepHolds(process, sale.concertId)).toBe(21);
  expect((await seatsOf(sale)).free).toBe(250);
  const lag = (await metrics.sweepLagSeconds.get()).values.find(({ labels }) => labels.concert === sale.concertId);
  expect(lag?.value).toBeGreaterThan(59);
});

test('SWEPT: what is no hold any more, or not past its deadline, is only set right in the list', async () => {
  const sale = await openSale(process);
  const [fan, buyer] = [await newFan(sale), await newFan(sale)];
  const live = await hold(sale, fan, ['A-1-1']);
  const sold = await hold(sale, buyer, ['A-1-2']);
  await sell(sale, buyer, sold);
  const deadline = await redis.hget(sale.keys.reservation(live), 'deadline');
  await redis.zadd(sale.keys.holds, 1_000, live, 1_000, sold);
  expect(await sweepHolds(process, sale.concertId)).toBe(0);
  expect(await redis.zrange(sale.keys.holds, '0', '-1', 'WITHSCORES')).toEqual([live, deadline]);
  expect((await seatsOf(sale)).bytes).toBe('HSAAAAAAAA');
});

test('a seat that another has taken over stays theirs', async () => {
  const sale = await openSale(process, hall({ seats: 2 }));
  const [late, fan] = [await newFan(sale), await newFan(sale)];
  const old = await hold(sale, late, ['A-1-1', 'A-1-2']);
  await ageHold(sale, old);
  const mine = await hold(sale, fan, ['A-1-2']);
  // The record says HELD again: a sweeper that had read it before the take-over.
  await redis.hset(sale.keys.reservation(old), 'status', 'HELD');
  await redis.zadd(sale.keys.holds, 1_000, old);
  await sweepHolds(process, sale.concertId);
  expect(await seatsOf(sale)).toMatchObject({ bytes: 'AH', seats: { 'A-1-2': mine } });
});
