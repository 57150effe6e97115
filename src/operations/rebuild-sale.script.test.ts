import { expect, test } from 'vitest';
import { enter, hold, openSale, payDeps, SCHEDULE, tryHold } from '../payments/sale.fixture.ts';
import { pay } from '../payments/pay.ts';
import { concertKeys } from '../redis/keys.ts';
import { newReservationId } from '../reservations/ids.ts';
import { testRedis } from '../testing/connect.ts';
import { userWith } from '../wallet/wallet.fixture.ts';
import { rebuildSale } from './rebuild-sale.script.ts';

const redis = await testRedis();

/** Rebuilds a purchase of seats 2 and 3 by a user, into a concert of four seats. */
async function openRebuild() {
  const sale = await openSale(redis, { seats: 4 });
  const keys = concertKeys(sale.concertId);
  const userId = await userWith(redis, 0);
  const reservationId = newReservationId(sale.concertId);
  const put = (id = reservationId) =>
    rebuildSale.run(redis, {
      keys: {
        ...keys,
        paid_by: keys.paidBy(userId),
        reservation: keys.reservation(id),
        seats: keys.seats(SCHEDULE),
        status: keys.status(SCHEDULE),
        seat_log: keys.seatLog(SCHEDULE),
      },
      args: {
        reservation_id: id,
        user_id: userId,
        schedule_id: SCHEDULE,
        seat_ids: 'A-1-2,A-1-3',
        indexes: '1,2',
        prices: '1000,1000',
        count: 2,
        amount: 2000,
        currency: 'KRW',
        balance: 500,
        transfer_id: 't_1',
        paid_at: 1_700_000_000_123,
        recorded_at: 1_700_000_000_456,
      },
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
  return { sale, keys, userId, reservationId, put, everything };
}

test('REBUILT: seats sold, counters, the record for good', async () => {
  const { keys, userId, reservationId, put, everything } = await openRebuild();
  expect(await put()).toEqual({ outcome: 'REBUILT' });
  const [record, stock, bought, seats, status, paid] = await everything();
  expect(record).toMatchObject({ status: 'CONFIRMED', user: userId, transfer: 't_1', recorded_at: '1700000000456' });
  expect(stock).toEqual({ [`v:${SCHEDULE}`]: '1', [`f:${SCHEDULE}`]: '2', sold: '2', revenue: '2000' });
  expect(bought).toEqual({ [userId]: '2' });
  expect(seats).toEqual({ 'A-1-2': reservationId, 'A-1-3': reservationId });
  expect(status).toBe('ASSA');
  expect(paid).toEqual([reservationId, '1700000000123']);
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

test('ALREADY: the second time nothing changes', async () => {
  const { put, everything } = await openRebuild();
  await put();
  const before = await everything();
  expect(await put()).toEqual({ outcome: 'ALREADY' });
  expect(await everything()).toEqual(before);
});

test('TAKEN: a seat of another stays theirs, and nothing is half done', async () => {
  const { sale, userId, put, everything } = await openRebuild();
  await hold(redis, sale, await enter(redis, sale, userId), [3]);
  const before = await everything();
  expect(await put()).toEqual({ outcome: 'TAKEN', seatId: 'A-1-3' });
  expect(await everything()).toEqual(before);
});

test('its seats are sold to whoever wants them next', async () => {
  const { sale, put } = await openRebuild();
  await put();
  expect(await tryHold(redis, sale, await enter(redis, sale, 'another'), [2])).toMatchObject({ outcome: 'TAKEN' });
});
