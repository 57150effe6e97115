import { describe, expect, test } from 'vitest';
import { isRefusal } from '../errors.ts';
import { testRedis } from '../testing/connect.ts';
import { agePlace, enter, join, leave, logOf, markPaid, placeOf, redisNow } from '../testing/waiting-room.ts';
import { cancelReservation } from './cancel.ts';
import { hold as holdScript } from './hold.script.ts';
import {
  ageHold,
  createProcess,
  forgetHold,
  hall,
  hold,
  newFan,
  newUser,
  openSale,
  put,
  scheduleInput,
  seatsOf,
  sell,
  tryHold,
} from './holding.fixture.ts';

const redis = await testRedis();
const process = createProcess(redis);

describe('HELD', () => {
  test('writes seats, status bytes, logs, counters, record, lists and deadlines', async () => {
    const sale = await openSale(process, hall({ seats: 5, holdSeconds: 900 }));
    const fan = await newFan(sale);
    const { keys } = sale;
    const since = (await logOf(sale)).length;
    const before = await redisNow(redis);
    const held = await tryHold(sale, fan, { seats: ['A-1-4', 'A-1-2'] });
    if (isRefusal(held)) throw new Error(held.refused);
    const { reservation } = held;
    const { reservationId, createdAt, expiresAt } = reservation;
    expect(reservation).toEqual({
      reservationId,
      userId: fan.userId,
      concertId: sale.concertId,
      scheduleId: 'd1',
      seats: [
        { seatId: 'A-1-4', section: 'A', row: '1', number: 4, price: 1_000 },
        { seatId: 'A-1-2', section: 'A', row: '1', number: 2, price: 1_000 },
      ],
      amount: 2_000,
      currency: 'KRW',
      status: 'HELD',
      createdAt,
      expiresAt,
      paymentId: null,
      serverTime: createdAt,
    });
    const created = Date.parse(createdAt);
    const deadline = Date.parse(expiresAt);
    expect(created).toBeGreaterThanOrEqual(before);
    expect(deadline - created).toBe(900_000);

    expect(await seatsOf(sale)).toEqual({
      bytes: 'AHAHA',
      seats: { 'A-1-2': reservationId, 'A-1-4': reservationId },
      version: 2,
      free: 3,
    });
    expect(await redis.xrange(keys.seatLog('d1'), '2-0', '+')).toEqual([['2-0', ['s', 'H', 'i', '3,1']]]);
    expect(await redis.hgetall(keys.reservation(reservationId))).toEqual({
      user: fan.userId,
      schedule: 'd1',
      seats: 'A-1-4,A-1-2',
      indexes: '3,1',
      prices: '1000,1000',
      count: '2',
      amount: '2000',
      currency: 'KRW',
      status: 'HELD',
      created: String(created),
      deadline: String(deadline),
      ended: '0',
    });
    expect(await redis.call('PEXPIRETIME', keys.reservation(reservationId))).toBe(deadline + 12 * 3600 * 1000);
    expect(await redis.zrange(keys.holds, '0', '-1', 'WITHSCORES')).toEqual([reservationId, String(deadline)]);
    expect(await redis.zrange(keys.live(fan.userId), '0', '-1', 'WITHSCORES')).toEqual([
      `2 ${reservationId}`,
      String(deadline),
    ]);
    expect(await redis.zrange(keys.ownedBy(fan.userId), '0', '-1', 'WITHSCORES')).toEqual([
      reservationId,
      String(created),
    ]);
    // The place: claimed by this call, and kept until the hold's end, which is later than the session's.
    const place = await placeOf(sale, fan.queueId);
    expect(place?.sessionEndMs).toBe(created + 600_000);
    expect(place?.deadlineMs).toBe(deadline);
    expect(await redis.zscore(keys.active, fan.queueId)).toBe(String(deadline));
    const log = (await logOf(sale, since)).map(({ n: _n, ...entry }) => entry);
    expect(log).toContainEqual({ k: 'R', r: reservationId, u: fan.userId });
    expect(log).toContainEqual({ k: 'D', q: fan.queueId });
  });

  test('a hold that ends before the session leaves the deadline of the place', async () => {
    const sale = await openSale(process, hall({ holdSeconds: 60 }));
    const fan = await newFan(sale);
    await hold(sale, fan, ['A-1-1']);
    const place = await placeOf(sale, fan.queueId);
    expect(place?.deadlineMs).toBe(place?.sessionEndMs);
  });

  test('takes over seats of holds past their deadline, which end, as do the places that they kept', async () => {
    const sale = await openSale(process, hall({ seats: 6, holdSeconds: 900 }));
    const [late, other, fan] = [await newFan(sale), await newFan(sale), await newFan(sale)];
    const lost = await hold(sale, late, ['A-1-1', 'A-1-2']);
    const alsoLost = await hold(sale, other, ['A-1-3']);
    for (const reservationId of [lost, alsoLost]) await ageHold(sale, reservationId);
    await agePlace(sale, late.queueId);
    const { version } = await seatsOf(sale);

    const reservationId = await hold(sale, fan, ['A-1-2', 'A-1-3', 'A-1-4']);
    expect(await seatsOf(sale)).toEqual({
      bytes: 'AHHHAA',
      seats: { 'A-1-2': reservationId, 'A-1-3': reservationId, 'A-1-4': reservationId },
      version: version + 3,
      free: 3,
    });
    for (const old of [lost, alsoLost]) {
      expect(await redis.hget(sale.keys.reservation(old), 'status')).toBe('EXPIRED');
      expect(await redis.zscore(sale.keys.holds, old)).toBeNull();
    }
    expect(await redis.zcard(sale.keys.live(late.userId))).toBe(0);
    expect(await placeOf(sale, late.queueId)).toMatchObject({ status: 'E', reason: 'SESSION_OVER' });
    const place = await placeOf(sale, other.queueId);
    expect(place).toMatchObject({ status: 'A', deadlineMs: place?.sessionEndMs });
  });

  test('takes over the seats of the own hold past its deadline', async () => {
    const sale = await openSale(process, hall({ seatLimit: 2 }));
    const fan = await newFan(sale);
    const old = await hold(sale, fan, ['A-1-1', 'A-1-2']);
    await ageHold(sale, old);
    const reservationId = await hold(sale, fan, ['A-1-2', 'A-1-3']);
    expect((await seatsOf(sale)).seats).toEqual({ 'A-1-2': reservationId, 'A-1-3': reservationId });
    expect(await redis.hget(sale.keys.reservation(old), 'status')).toBe('EXPIRED');
    expect((await placeOf(sale, fan.queueId))?.status).toBe('A');
  });

  test('a seat whose reservation is gone is free, and the free seats stay counted', async () => {
    const sale = await openSale(process, hall({ seats: 3 }));
    const [late, fan] = [await newFan(sale), await newFan(sale)];
    const old = await hold(sale, late, ['A-1-1', 'A-1-2']);
    await forgetHold(sale, old);
    const reservationId = await hold(sale, fan, ['A-1-2', 'A-1-3']);
    expect((await seatsOf(sale)).seats).toEqual({
      'A-1-1': old,
      'A-1-2': reservationId,
      'A-1-3': reservationId,
    });
    expect((await seatsOf(sale)).free).toBe(0);
  });
});

describe('refused, with nothing changed but the claim', () => {
  test('SEAT_TAKEN names the lost seats, and the own hold that has all of them', async () => {
    const sale = await openSale(process, hall({ seatLimit: 8 }));
    const [fan, other, buyer] = [await newFan(sale), await newFan(sale), await newFan(sale)];
    const own = await hold(sale, fan, ['A-1-1', 'A-1-2']);
    const second = await hold(sale, fan, ['A-1-3']);
    await hold(sale, other, ['A-1-4']);
    const sold = await hold(sale, buyer, ['A-1-5']);
    expect(await sell(sale, buyer, sold)).toBe('CONFIRMED');
    const before = await seatsOf(sale);

    const cases = [
      { seats: ['A-1-1', 'A-1-6'], members: { seatIds: ['A-1-1'], reservationId: own } },
      { seats: ['A-1-1', 'A-1-2'], members: { seatIds: ['A-1-1', 'A-1-2'], reservationId: own } },
      { seats: ['A-1-1', 'A-1-3'], members: { seatIds: ['A-1-1', 'A-1-3'] } },
      { seats: ['A-1-4', 'A-1-1'], members: { seatIds: ['A-1-4', 'A-1-1'] } },
      { seats: ['A-1-1', 'A-1-4'], members: { seatIds: ['A-1-1', 'A-1-4'] } },
      { seats: ['A-1-5', 'A-1-7'], members: { seatIds: ['A-1-5'] } },
    ];
    for (const { seats, members } of cases) {
      expect(await tryHold(sale, fan, { seats })).toEqual({ refused: 'SEAT_TAKEN', members });
    }
    expect(await tryHold(sale, other, { seats: ['A-1-3'] })).toEqual({
      refused: 'SEAT_TAKEN',
      members: { seatIds: ['A-1-3'] },
    });
    expect(await seatsOf(sale)).toEqual(before);
    expect(await redis.hget(sale.keys.reservation(second), 'status')).toBe('HELD');
  });

  test('the own sold seat is taken, without a hold to name', async () => {
    const sale = await openSale(process);
    const fan = await newFan(sale);
    const kept = await hold(sale, fan, ['A-1-2']);
    await sell(sale, fan, await hold(sale, fan, ['A-1-1']));
    const again = await enterAgain(sale, fan.userId, kept);
    expect(await tryHold(sale, again, { seats: ['A-1-1'] })).toEqual({
      refused: 'SEAT_TAKEN',
      members: { seatIds: ['A-1-1'] },
    });
  });

  test('a sold seat whose record is gone is not for sale', async () => {
    const sale = await openSale(process);
    const [buyer, fan] = [await newFan(sale), await newFan(sale)];
    const sold = await hold(sale, buyer, ['A-1-1']);
    await sell(sale, buyer, sold);
    await redis.del(sale.keys.reservation(sold));
    expect(await tryHold(sale, fan, { seats: ['A-1-1'] })).toMatchObject({ refused: 'SEAT_TAKEN' });
  });

  test('SEAT_LIMIT counts live holds and purchases; holds past their deadline do not count', async () => {
    const sale = await openSale(process, hall({ seatLimit: 4 }));
    const fan = await newFan(sale);
    await redis.hset(sale.keys.bought, fan.userId, 1);
    const first = await hold(sale, fan, ['A-1-1', 'A-1-2']);
    expect(await tryHold(sale, fan, { seats: ['A-1-3', 'A-1-4'] })).toEqual({
      refused: 'SEAT_LIMIT',
      members: { limit: 4, held: 2, bought: 1 },
    });
    expect((await seatsOf(sale)).free).toBe(8);
    await ageHold(sale, first);
    await hold(sale, fan, ['A-1-3', 'A-1-4', 'A-1-5']);
  });

  test('a taken seat is told before the limit, the limit changes no dead hold', async () => {
    const sale = await openSale(process, hall({ seatLimit: 1 }));
    const [late, other, fan] = [await newFan(sale), await newFan(sale), await newFan(sale)];
    const dead = await hold(sale, late, ['A-1-1']);
    await ageHold(sale, dead);
    await hold(sale, other, ['A-1-2']);
    expect(await tryHold(sale, fan, { seats: ['A-1-1', 'A-1-2'] })).toMatchObject({ refused: 'SEAT_TAKEN' });
    expect(await tryHold(sale, fan, { seats: ['A-1-1', 'A-1-3'] })).toMatchObject({ refused: 'SEAT_LIMIT' });
    expect(await redis.hget(sale.keys.reservation(dead), 'status')).toBe('HELD');
    expect((await seatsOf(sale)).bytes).toBe('HHAAAAAAAA');
  });

  test('SCHEDULE_NOT_FOUND and SEAT_NOT_FOUND, after the guard', async () => {
    const sale = await openSale(process);
    const fan = await newFan(sale);
    const waiting = await join(sale, newUser());
    expect(await tryHold(sale, fan, { seats: ['A-1-1'], scheduleId: 'd2' })).toEqual({
      refused: 'SCHEDULE_NOT_FOUND',
      members: {},
    });
    const seats = ['A-1-1', 'A-1-11', 'A-2-1', 'A-1-01', 'A-1', 'B-1-1'];
    expect(await tryHold(sale, fan, { seats })).toEqual({
      refused: 'SEAT_NOT_FOUND',
      members: { seatIds: seats.slice(1) },
    });
    expect(await tryHold(sale, waiting, { seats: ['nowhere'] })).toMatchObject({ refused: 'NOT_ACTIVE' });
    expect((await placeOf(sale, fan.queueId))?.sessionEndMs).toBeGreaterThan(0);
  });

  test('CONCERT_NOT_FOUND', async () => {
    const sale = await openSale(process);
    const fan = { ...(await newFan(sale)), concertId: 'nowhere' };
    expect(await tryHold(sale, fan, { seats: ['A-1-1'] })).toEqual({ refused: 'CONCERT_NOT_FOUND', members: {} });
  });

  test('SESSION_OVER after the end of the session, while an earlier hold keeps the place', async () => {
    const sale = await openSale(process, hall({ room: { sessionSeconds: 1, capacity: 100, admitPerSecond: 1_000 } }));
    const fan = await newFan(sale);
    await hold(sale, fan, ['A-1-1']);
    await endSession(sale, fan.queueId);
    const place = await placeOf(sale, fan.queueId);
    expect(await tryHold(sale, fan, { seats: ['A-1-2'] })).toEqual({
      refused: 'SESSION_OVER',
      members: { expiresAt: new Date(place?.deadlineMs ?? 0).toISOString() },
    });
  });

  test('SESSION_OVER after a payment', async () => {
    const sale = await openSale(process);
    const fan = await newFan(sale);
    await hold(sale, fan, ['A-1-1']);
    await markPaid(sale, fan.queueId);
    expect(await tryHold(sale, fan, { seats: ['A-1-2'] })).toMatchObject({ refused: 'SESSION_OVER' });
  });

  test.each([
    {
      name: 'WAITING',
      place: async (sale: Sale) => ({
        claims: await join(sale, newUser()),
        members: { status: 'WAITING', position: 1 },
      }),
    },
    {
      name: 'past its deadline',
      place: async (sale: Sale) => {
        const claims = await newFan(sale);
        await agePlace(sale, claims.queueId);
        return { claims, members: { status: 'EXPIRED', position: null } };
      },
    },
    {
      name: 'left',
      place: async (sale: Sale) => {
        const claims = await newFan(sale);
        await leave(sale, claims.queueId);
        return { claims, members: { status: 'LEFT', position: null } };
      },
    },
  ])('NOT_ACTIVE: $name', async ({ place }) => {
    const sale = await openSale(process);
    const { claims, members } = await place(sale);
    expect(await tryHold(sale, claims, { seats: ['A-1-1'] })).toEqual({ refused: 'NOT_ACTIVE', members });
    expect((await seatsOf(sale)).version).toBe(1);
  });

  test("a place of another epoch, or another user's, is none", async () => {
    const sale = await openSale(process);
    const fan = await newFan(sale);
    const stranger = newUser();
    expect(await tryHold(sale, { ...fan, epoch: 'other' }, { seats: ['A-1-1'] })).toMatchObject({
      refused: 'QUEUE_NOT_FOUND',
    });
    expect(isRefusal(await tryHold(sale, { ...fan, userId: stranger }, { seats: ['A-1-1'] }))).toBe(true);
    expect((await seatsOf(sale)).version).toBe(1);
  });
});

test('the script alone: STALE before MISSING, both after the guard; MISMATCH before all', async () => {
  const sale = await openSale(process);
  const fan = await newFan(sale);
  const { keys } = sale;
  const { userId } = fan;
  const run = (args: { revision: number; missing: number; queue_id?: string; fingerprint?: string }) =>
    holdScript.run(redis, {
      keys: {
        ...keys,
        seats: keys.seats('d1'),
        status: keys.status('d1'),
        seat_log: keys.seatLog('d1'),
        reservation: keys.reservation('rsv_x'),
        live: keys.live(userId),
        owned_by: keys.ownedBy(userId),
        idempotency: keys.idempotency(userId, 'hold', 'k'),
      },
      args: {
        queue_id: fan.queueId,
        epoch: fan.epoch,
        user_id: userId,
        reservation_id: 'rsv_x',
        schedule_id: 'd1',
        seat_ids: 'A-1-1',
        indexes: '0',
        prices: '1000',
        amount: 1_000,
        currency: 'KRW',
        hold_ms: 60_000,
        seat_limit: 4,
        fingerprint: '',
        ...args,
      },
    });
  expect(await run({ revision: 2, missing: 1 })).toEqual({ outcome: 'STALE' });
  expect(await run({ revision: 1, missing: 1 })).toEqual({ outcome: 'MISSING' });
  const nobody = { outcome: 'NOT_ACTIVE', status: '', sequence: 0 };
  expect(await run({ revision: 2, missing: 1, queue_id: 'q_none' })).toEqual(nobody);
  const held = await run({ revision: 1, missing: 0, fingerprint: 'f' });
  expect(held).toMatchObject({ outcome: 'HELD', version: 2, seatIds: ['A-1-1'], prices: [1_000], amount: 1_000 });
  const again = { revision: 9, missing: 1, queue_id: 'q_none' };
  expect(await run({ ...again, fingerprint: 'f' })).toEqual({ ...held, outcome: 'REPEAT' });
  expect(await run({ ...again, fingerprint: 'g' })).toEqual({ outcome: 'MISMATCH' });
});

test('STALE: an import in between is noticed, and the hold is made at the new price', async () => {
  const sale = await openSale(process, hall({ price: 1_000 }));
  const fan = await newFan(sale);
  await tryHold(sale, fan, { seats: ['A-1-1'] });
  // Another process imports: this one still has the old catalogue in memory.
  await put(
    { process: createProcess(redis), concertId: sale.concertId },
    hall({
      price: 1_000,
      seats: 12,
      schedules: [
        {
          ...scheduleInput('d1', { seats: 12 }),
          sections: [
            { section: 'A', price: 1_000, rows: [{ row: '1', seats: 10 }] },
            { section: 'B', price: 7_000, rows: [{ row: '1', seats: 2 }] },
          ],
        },
      ],
    }),
  );
  expect(await tryHold(sale, fan, { seats: ['B-1-2'] })).toMatchObject({ reservation: { amount: 7_000 } });
  expect((await seatsOf(sale)).bytes).toBe('HAAAAAAAAAAH');
});

describe('Idempotency-Key', () => {
  test('a repeat gets the first answer, whatever became of hold and place', async () => {
    const sale = await openSale(process);
    const fan = await newFan(sale);
    const wish = { seats: ['A-1-1', 'A-1-2'], key: 'once' };
    const first = await tryHold(sale, fan, wish);
    if (isRefusal(first)) throw new Error(first.refused);
    const { reservationId } = first.reservation;
    const key = sale.keys.idempotency(fan.userId, 'hold', 'once');
    expect(await redis.pttl(key)).toBeGreaterThan(24 * 3600_000 - 5_000);
    await cancelReservation(process, { reservationId, userId: fan.userId });
    await leave(sale, fan.queueId);
    expect(await tryHold(sale, fan, wish)).toEqual({ reservation: first.reservation, repeated: true });
    expect((await seatsOf(sale)).bytes).toBe('AAAAAAAAAA');
  });

  test('with another payload it is refused; a refusal is not stored', async () => {
    const sale = await openSale(process);
    const [fan, other] = [await newFan(sale), await newFan(sale)];
    const taken = await hold(sale, other, ['A-1-1']);
    expect(await tryHold(sale, fan, { seats: ['A-1-1'], key: 'k' })).toMatchObject({ refused: 'SEAT_TAKEN' });
    await cancelReservation(process, { reservationId: taken, userId: other.userId });
    expect(await tryHold(sale, fan, { seats: ['A-1-1'], key: 'k' })).toMatchObject({ repeated: false });
    expect(await tryHold(sale, fan, { seats: ['A-1-2'], key: 'k' })).toEqual({
      refused: 'IDEMPOTENCY_MISMATCH',
      members: {},
    });
  });
});

type Sale = Awaited<ReturnType<typeof openSale>>;

/** The place of a user who has paid is kept by another hold; that ends, and the user queues again. */
async function enterAgain(sale: Sale, userId: string, kept: string) {
  await cancelReservation(process, { reservationId: kept, userId });
  return enter(sale, userId);
}

/** The session is over, the place lives on for its holds. */
async function endSession({ keys }: Sale, queueId: string): Promise<void> {
  const fields = (await redis.hget(keys.places, queueId))?.split('|') ?? [];
  fields[4] = '1000';
  await redis.hset(keys.places, queueId, fields.join('|'));
}
