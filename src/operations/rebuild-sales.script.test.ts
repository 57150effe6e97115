import { expect, test } from 'vitest';
import { enter, hold, openSale, payDeps, SCHEDULE, tryHold } from '../payments/sale.fixture.ts';
import { pay } from '../payments/pay.ts';
import { concertKeys } from '../redis/keys.ts';
import { newReservationId } from '../reservations/ids.ts';
import { testRedis } from '../testing/connect.ts';
import { userWith } from '../wallet/wallet.fixture.ts';
import { rebuildSales } from './rebuild-sales.script.ts';

const redis = await testRedis();
const [PAID_AT, RECORDED_AT] = [1_700_000_000_123, 1_700_000_000_456];

/** Rebuilds two purchases of a user, of seats 2 and 3 and of seat 4, into a concert of four seats. */
async function openRebuild() {
  const sale = await openSale(redis, { seats: 4 });
  const keys = concertKeys(sale.concertId);
  const userId = await userWith(redis, 0);
  const reservationId = newReservationId(sale.concertId);
  const anotherId = newReservationId(sale.concertId);
  const put = () =>
    rebuildSales.run(redis, {
      keys: {
        ...keys,
        seats: keys.seats(SCHEDULE),
        status: keys.status(SCHEDULE),
        seat_log: keys.seatLog(SCHEDULE),
      },
      moreKeys: [reservationId, anotherId].flatMap((id) => [keys.reservation(id), keys.paidBy(userId)]),
      args: { schedule_id: SCHEDULE, currency: 'KRW' },
      moreArgs: [
        [reservationId, userId, 'A-1-2,A-1-3', '1,2', '1000,1000', 2, 2000, 500, 't_1', PAID_AT, RECORDED_AT],
        [anotherId, userId, 'A-1-4', '3', '1000', 1, 1000, 500, 't_2', PAID_AT + 1, RECORDED_AT],
      ].flat(),
    });
  const everything = () =>
    Promise.all([
      redis.hgetall(keys.reservation(reservationId)),
      redis.hgetall(keys.stock),
      redis.hgetall(keys.bought),
      redis.hgetall(keys.seats(SCHEDULE)),
      redis.get(keys.status(SCHEDULE)),
      redis.zrange(keys.paidBy(userId), '0', '-1', 'WITHSCORES'),
    ]);
  return { sale, keys, userId, reservationId, anotherId, put, everything };
}

test('REBUILT: seats sold, counters, the record for good', async () => {
  const { keys, userId, reservationId, anotherId, put, everything } = await openRebuild();
  expect(await put()).toEqual({ outcome: 'REBUILT' });
  const [record, stock, bought, seats, status, paid] = await everything();
  expect(record).toMatchObject({
    status: 'CONFIRMED',
    user: userId,
    transfer: 't_1',
    recorded_at: String(RECORDED_AT),
  });
  expect(stock).toEqual({ [`v:${SCHEDULE}`]: '2', [`f:${SCHEDULE}`]: '1', sold: '3', revenue: '3000' });
  expect(bought).toEqual({ [userId]: '3' });
  expect(seats).toEqual({ 'A-1-2': reservationId, 'A-1-3': reservationId, 'A-1-4': anotherId });
  expect(status).toBe('ASSS');
  expect(paid).toEqual([reservationId, String(PAID_AT), anotherId, String(PAID_AT + 1)]);
  expect(await redis.pttl(keys.reservation(reservationId))).toBe(-1);
  expect(await redis.exists(keys.outbox)).toBe(0);
});

test('a record has the fields that a payment leaves, but for its place and its outbox entry', async () => {
  const { sale, keys, reservationId, put } = await openRebuild();
  await put();
  const claims = await enter(redis, sale, await userWith(redis, 1_000));
  const real = await hold(redis, sale, claims, [1]);
  await pay(payDeps(redis), { claims, reservationId: real, idempotency: null });
  const fields = async (id: string) => (await redis.hkeys(keys.reservation(id))).sort();
  const ofPayment = (await fields(real)).filter((field) => field !== 'place' && field !== 'outbox');
  expect(await fields(reservationId)).toEqual([...ofPayment, 'recorded_at'].sort());
});

test('the second time nothing changes', async () => {
  const { put, everything } = await openRebuild();
  await put();
  const before = await everything();
  expect(await put()).toEqual({ outcome: 'REBUILT' });
  expect(await everything()).toEqual(before);
});

test('TAKEN: a seat of another stays theirs, and nothing is half done', async () => {
  const { sale, userId, anotherId, put, everything } = await openRebuild();
  await hold(redis, sale, await enter(redis, sale, userId), [4]);
  const before = await everything();
  expect(await put()).toEqual({ outcome: 'TAKEN', reservationId: anotherId, seatId: 'A-1-4' });
  expect(await everything()).toEqual(before);
});

test('its seats are sold to whoever wants them next', async () => {
  const { sale, put } = await openRebuild();
  await put();
  expect(await tryHold(redis, sale, await enter(redis, sale, 'another'), [2])).toMatchObject({ outcome: 'TAKEN' });
});
