/** Every row of the contract's table "The five source systems", one named test (or more) for each thing it asks. */
import { Redis } from 'ioredis';
import { decodeJwt } from 'jose';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { testDatabase } from '../testing/connect.ts';
import { call, concertInput, enter, type Fan, newFan, operatorCall, putConcert } from '../testing/fan.ts';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { OPERATOR_KEY, startSystem, type System } from '../testing/system.ts';
import { until } from '../testing/until.ts';

const databaseUrl = await testDatabase();
let redis: RedisServer;
let system: System;
/** the same data, served with BALANCE_REQUIRES_ACTIVE=true */
let strict: System;
let url: string;

beforeAll(async () => {
  redis = await startRedis();
  const env = { REDIS_URL: redis.url, DATABASE_URL: databaseUrl };
  system = await startSystem(env);
  strict = await startSystem({ ...env, ROLE: 'server', BALANCE_REQUIRES_ACTIVE: 'true' });
  ({ url } = system);
});

afterAll(async () => {
  await Promise.all([system?.stop(), strict?.stop()]);
  await redis?.stop();
});

const charge = (fan: Fan, amount: number) =>
  call(url, `/api/v1/users/${fan.userId}/balance`, { body: { amount }, bearer: fan.accessToken });
const hold = (queue: string, scheduleId: string, seatIds: string[]) =>
  call(url, '/api/v1/reservations', { body: { scheduleId, seatIds }, queue });
const pay = (queue: string, reservationId: string) => call(url, '/api/v1/payments', { body: { reservationId }, queue });

describe('system 0', () => {
  beforeAll(async () => {
    expect((await putConcert(url, 'zero', concertInput({ seats: 20, schedules: ['z1', 'z2'] }))).status).toBe(201);
  });

  test('the queue token is a JWT that names user, place, concert and order', async () => {
    const fan = await newFan(url);
    const { body } = await call(url, '/api/v1/queue', { body: { concertId: 'zero' }, bearer: fan.accessToken });
    const claims = decodeJwt(body.token);
    expect(claims).toMatchObject({ aud: 'queue', sub: fan.userId, jti: body.queueId });
    expect(body).toMatchObject({ concertId: 'zero', position: expect.toBeOneOf([expect.any(Number), null]) });
  });

  test('joining twice answers 409 with the existing token', async () => {
    const fan = await newFan(url);
    const first = await call(url, '/api/v1/queue', { body: { concertId: 'zero' }, bearer: fan.accessToken });
    const again = await call(url, '/api/v1/queue', { body: { concertId: 'zero' }, bearer: fan.accessToken });
    expect(again.status).toBe(409);
    expect(again.body).toMatchObject({
      code: 'ALREADY_QUEUED',
      ticket: { queueId: first.body.queueId, token: expect.any(String) },
    });
    const polled = await call(url, `/api/v1/queue/${first.body.queueId}`, { queue: again.body.ticket.token });
    expect(polled.status).toBe(200);
  });

  test('position and expected wait; status by queue id with 401 and 403', async () => {
    await putConcert(url, 'zero-slow', concertInput({ room: { capacity: 1, admitPerSecond: 1 } }));
    const [first, second, third] = [await newFan(url), await newFan(url), await newFan(url)];
    const place = await enter(url, first, 'zero-slow');
    await call(url, '/api/v1/queue', { body: { concertId: 'zero-slow' }, bearer: second.accessToken });
    const { body } = await call(url, '/api/v1/queue', { body: { concertId: 'zero-slow' }, bearer: third.accessToken });
    expect(body).toMatchObject({ status: 'WAITING', position: 2, ahead: 1, waiting: 2 });
    expect(body.estimatedWaitSeconds).toEqual(expect.any(Number));
    expect((await call(url, `/api/v1/queue/${body.queueId}`)).status).toBe(401);
    const other = await call(url, `/api/v1/queue/${body.queueId}`, { queue: place.token });
    expect([other.status, other.body.code]).toEqual([403, 'QUEUE_ID_MISMATCH']);
  });

  test('an unknown user is 404', async () => {
    const answer = await call(url, '/api/v1/users/u_00000000000000000000000000000000/balance', {
      bearer: OPERATOR_KEY,
    });
    expect([answer.status, answer.body.code]).toEqual([404, 'USER_NOT_FOUND']);
  });

  test('schedules and seats by status in one call, with the count of available seats', async () => {
    const fan = await newFan(url);
    const { token } = await enter(url, fan, 'zero');
    await hold(token, 'z1', ['A-1-20']);
    const { status, body } = await call(url, '/api/v1/concerts/schedules', { queue: token });
    expect(status).toBe(200);
    const z1 = body.schedules.find((schedule: { scheduleId: string }) => schedule.scheduleId === 'z1');
    expect(z1.seats).toHaveLength(20);
    expect(z1.availableSeats).toBe(z1.seats.filter((seat: { status: string }) => seat.status === 'AVAILABLE').length);
    expect(z1.seats.find((seat: { seatId: string }) => seat.seatId === 'A-1-20').status).toBe('HELD');
  });

  test('a hold lasts 5 minutes; balance with 404 and 400; history; pay with 404 and 400; the seat is SOLD; the token is over by the payment', async () => {
    const fan = await newFan(url);
    const { token, queueId } = await enter(url, fan, 'zero');
    const held = await hold(token, 'z1', ['A-1-1', 'A-1-2']);
    expect(held.status).toBe(201);
    expect(Date.parse(held.body.expiresAt) - Date.parse(held.body.createdAt)).toBe(300_000);
    expect((await charge(fan, 0)).body.code).toBe('INVALID_AMOUNT');
    expect((await pay(token, held.body.reservationId)).body).toMatchObject({
      status: 400,
      code: 'INSUFFICIENT_BALANCE',
      balance: 0,
      required: 2000,
    });
    const unknown = held.body.reservationId.slice(0, -1) + (held.body.reservationId.endsWith('0') ? '1' : '0');
    expect((await pay(token, unknown)).body).toMatchObject({ status: 404, code: 'RESERVATION_NOT_FOUND' });
    expect((await charge(fan, 5000)).body).toMatchObject({ balance: 5000 });
    const paid = await pay(token, held.body.reservationId);
    expect(paid.status).toBe(201);
    expect(paid.body).toMatchObject({ amount: 2000, balance: 3000, status: 'CONFIRMED' });
    const again = await pay(token, held.body.reservationId);
    expect([again.status, again.body.paymentId]).toEqual([200, paid.body.paymentId]);
    const history = await call(url, `/api/v1/users/${fan.userId}/balance/history`, { bearer: fan.accessToken });
    expect(
      history.body.entries.map((entry: { kind: string; amount: number; balance: number }) => [
        entry.kind,
        entry.amount,
        entry.balance,
      ]),
    ).toEqual([
      ['PAYMENT', -2000, 3000],
      ['CHARGE', 5000, 5000],
    ]);
    const ticket = await call(url, `/api/v1/queue/${queueId}`, { queue: token });
    expect(ticket.body).toMatchObject({ status: 'USED', reason: 'PAID' });
    expect((await hold(token, 'z1', ['A-1-3'])).body.code).toBe('NOT_ACTIVE');
    const other = await enter(url, await newFan(url), 'zero');
    const map = await call(url, '/api/v1/concerts/zero/schedules/z1/seats?status=SOLD', { queue: other.token });
    expect(map.body.seats.map((seat: { seatId: string }) => seat.seatId)).toEqual(['A-1-1', 'A-1-2']);
  });
});

describe('system 1', () => {
  beforeAll(async () => {
    await putConcert(url, 'one', concertInput({ seats: 5, schedules: ['o1', 'o2'] }));
  });

  test('a token by user with order and remaining time, by polling', async () => {
    const fan = await newFan(url);
    const { token, queueId } = await enter(url, fan, 'one');
    const { body } = await call(url, '/api/v1/queue', { queue: token });
    expect(body).toMatchObject({
      queueId,
      status: 'ACTIVE',
      sequence: expect.any(Number),
      expiresAt: expect.any(String),
      pollAfterSeconds: expect.any(Number),
    });
    expect(Date.parse(body.expiresAt)).toBeGreaterThan(Date.parse(body.serverTime));
  });

  test('dates and seats as two calls, seats by date', async () => {
    const { token } = await enter(url, await newFan(url), 'one');
    const dates = await call(url, '/api/v1/concerts/one/schedules', { queue: token });
    expect(dates.body.schedules.map((s: { date: string }) => s.date)).toEqual(['2027-12-20', '2027-12-21']);
    const onDate = await call(url, '/api/v1/concerts/one/seats?date=2027-12-21', { queue: token });
    expect(onDate.body.schedules).toHaveLength(1);
    expect(onDate.body.schedules[0]).toMatchObject({ scheduleId: 'o2', available: 5 });
  });

  test('balance and charge behind the queue token alone, and only while it is ACTIVE (BALANCE_REQUIRES_ACTIVE)', async () => {
    const fan = await newFan(url);
    const { token, queueId } = await enter(url, fan, 'one');
    const path = `/api/v1/users/${fan.userId}/balance`;
    expect((await call(strict.url, path, { body: { amount: 700 }, queue: token })).body).toMatchObject({
      balance: 700,
    });
    expect((await call(strict.url, path, { queue: token })).body).toMatchObject({ userId: fan.userId, balance: 700 });
    expect((await call(strict.url, path, { bearer: fan.accessToken })).body).toMatchObject({ code: 'NOT_ACTIVE' });
    expect((await call(url, `/api/v1/queue/${queueId}`, { method: 'DELETE', queue: token })).status).toBe(204);
    await until(async () => (await call(strict.url, path, { queue: token })).body.code === 'NOT_ACTIVE', {
      everyMs: 50,
    });
    expect((await call(strict.url, path, { body: { amount: 700 }, queue: token })).body.code).toBe('NOT_ACTIVE');
    expect((await call(strict.url, `${path}/history`, { queue: token })).body.code).toBe('NOT_ACTIVE');
  });

  test('the payment answers its result, then the token is over', async () => {
    const fan = await newFan(url);
    const { token } = await enter(url, fan, 'one');
    await call(url, `/api/v1/users/${fan.userId}/balance`, { body: { amount: 1000 }, queue: token });
    const held = await hold(token, 'o1', ['A-1-1']);
    const paid = await pay(token, held.body.reservationId);
    expect(paid.body).toMatchObject({ status: 'CONFIRMED', seats: [{ seatId: 'A-1-1', price: 1000 }] });
    expect((await call(url, '/api/v1/queue', { queue: token })).body.status).toBe('USED');
    await until(
      async () =>
        (await call(url, `/api/v1/payments/${paid.body.paymentId}`, { queue: token })).body.recordedAt !== null,
    );
  });
});

describe('system 2', () => {
  test('USER-TOKEN: Bearer is the queue token; Queue-Token wins', async () => {
    await putConcert(url, 'two', concertInput());
    const [fan, other] = [await newFan(url), await newFan(url)];
    const place = await enter(url, fan, 'two');
    const others = await enter(url, other, 'two');
    const mine = await call(url, '/api/v1/queue', { headers: { 'user-token': `Bearer ${place.token}` } });
    expect(mine.body.queueId).toBe(place.queueId);
    const both = await call(url, '/api/v1/queue', {
      queue: others.token,
      headers: { 'user-token': `Bearer ${place.token}` },
    });
    expect(both.body.queueId).toBe(others.queueId);
  });

  test('the scheduler activates at most N of many, in order; leaving frees a slot', async () => {
    await putConcert(url, 'two-n', concertInput({ room: { capacity: 3, admitPerSecond: 1000 } }));
    const fans = await Promise.all(Array.from({ length: 8 }, () => newFan(url)));
    const tickets: { token: string; queueId: string }[] = [];
    for (const fan of fans)
      tickets.push((await call(url, '/api/v1/queue', { body: { concertId: 'two-n' }, bearer: fan.accessToken })).body);
    const statuses = () =>
      Promise.all(
        tickets.map(async (ticket) => (await call(url, '/api/v1/queue', { queue: ticket.token })).body.status),
      );
    await until(async () => (await statuses()).filter((status) => status === 'ACTIVE').length === 3, { everyMs: 700 });
    expect(await statuses()).toEqual([...Array(3).fill('ACTIVE'), ...Array(5).fill('WAITING')]);
    await call(url, `/api/v1/queue/${tickets[0]?.queueId}`, { method: 'DELETE', queue: tickets[0]?.token ?? '' });
    await until(
      async () => (await call(url, '/api/v1/queue', { queue: tickets[3]?.token ?? '' })).body.status === 'ACTIVE',
      { everyMs: 700 },
    );
    const { body } = await operatorCall(url, '/concerts/two-n/stats');
    expect(body).toMatchObject({ active: 3, waiting: 4, left: 1 });
  });

  test('the scheduler expires tokens that are not claimed', async () => {
    await putConcert(url, 'two-claim', concertInput({ room: { claimSeconds: 1 } }));
    const fan = await newFan(url);
    const { body } = await call(url, '/api/v1/queue', { body: { concertId: 'two-claim' }, bearer: fan.accessToken });
    await until(async () => (await call(url, '/api/v1/queue', { queue: body.token })).body.status === 'EXPIRED', {
      everyMs: 500,
    });
    expect((await call(url, '/api/v1/queue', { queue: body.token })).body.reason).toBe('UNCLAIMED');
  });

  test("a user's older active token is over when a newer one is activated (reentry: supersede)", async () => {
    await putConcert(url, 'two-again', concertInput({ room: { reentry: 'supersede' } }));
    const fan = await newFan(url);
    const older = await enter(url, fan, 'two-again');
    const newer = await enter(url, fan, 'two-again');
    expect((await call(url, '/api/v1/queue', { queue: older.token })).body).toMatchObject({
      status: 'EXPIRED',
      reason: 'SUPERSEDED',
    });
    expect((await call(url, '/api/v1/queue', { queue: newer.token })).body.status).toBe('ACTIVE');
  });

  test('a hold is cancelled by itself when its time is over, and the seat goes back on sale', async () => {
    await putConcert(url, 'two-hold', concertInput({ seats: 1 }));
    const [fan, other] = [await newFan(url), await newFan(url)];
    const [{ token }, next] = [await enter(url, fan, 'two-hold'), await enter(url, other, 'two-hold')];
    const long = await hold(token, 'd1', ['A-1-1']);
    expect((await hold(next.token, 'd1', ['A-1-1'])).body).toMatchObject({ code: 'SEAT_TAKEN', seatIds: ['A-1-1'] });
    await call(url, `/api/v1/reservations/${long.body.reservationId}`, { method: 'DELETE', queue: token });
    await putConcert(url, 'two-hold', concertInput({ seats: 1, holdSeconds: 1 }));
    const held = await hold(token, 'd1', ['A-1-1']);
    expect(held.status).toBe(201);
    await until(
      async () =>
        (await call(url, `/api/v1/reservations/${held.body.reservationId}`, { queue: token })).body.status ===
        'EXPIRED',
    );
    await until(
      async () =>
        (await call(url, '/api/v1/concerts/two-hold/schedules/d1/seats', { queue: next.token })).body.available === 1,
    );
    expect((await hold(next.token, 'd1', ['A-1-1'])).status).toBe(201);
  });
});

describe('system 3', () => {
  beforeAll(async () => {
    await putConcert(url, 'three', concertInput({ seats: 10, room: { capacity: 1 } }));
  });

  test('the token is registered and returned at once; dates, seats, reservation and balance tell who must wait', async () => {
    const [fan, other] = [await newFan(url), await newFan(url)];
    const { token, queueId } = await enter(url, fan, 'three');
    const waiting = (await call(url, '/api/v1/queue', { body: { concertId: 'three' }, bearer: other.accessToken }))
      .body;
    expect(waiting).toMatchObject({ status: 'WAITING', token: expect.any(String) });
    // the member `status` is the place's (contract, Errors); the answer's own is 403
    const refused = { status: 'WAITING', code: 'NOT_ACTIVE' };
    expect((await call(strict.url, '/api/v1/concerts/three/schedules', { queue: waiting.token })).body).toMatchObject({
      ...refused,
      position: 1,
    });
    expect(
      (await call(strict.url, '/api/v1/concerts/three/schedules/d1/seats', { queue: waiting.token })).body,
    ).toMatchObject(refused);
    expect(
      (await call(strict.url, `/api/v1/users/${other.userId}/balance`, { queue: waiting.token })).body,
    ).toMatchObject(refused);
    expect((await hold(waiting.token, 'd1', ['A-1-1'])).body).toMatchObject(refused);
    expect((await call(strict.url, '/api/v1/concerts/three/schedules', { queue: token })).status).toBe(200);
    await call(url, `/api/v1/queue/${queueId}`, { method: 'DELETE', queue: token });
  });

  test('immediate refusal when another was first; an expired reservation is refused at payment; history is kept', async () => {
    await putConcert(url, 'three-b', concertInput({ seats: 2 }));
    const [fan, other] = [await newFan(url), await newFan(url)];
    const [mine, theirs] = [await enter(url, fan, 'three-b'), await enter(url, other, 'three-b')];
    expect((await hold(theirs.token, 'd1', ['A-1-1'])).status).toBe(201);
    expect((await hold(mine.token, 'd1', ['A-1-1', 'A-1-2'])).body).toMatchObject({
      status: 409,
      code: 'SEAT_TAKEN',
      seatIds: ['A-1-1'],
    });
    await putConcert(url, 'three-b', concertInput({ seats: 2, holdSeconds: 1 }));
    const held = await hold(mine.token, 'd1', ['A-1-2']);
    await charge(fan, 9000);
    await until(
      async () =>
        (await call(url, `/api/v1/reservations/${held.body.reservationId}`, { bearer: fan.accessToken })).body
          .status === 'EXPIRED',
    );
    expect((await pay(mine.token, held.body.reservationId)).body).toMatchObject({
      status: 400,
      code: 'RESERVATION_EXPIRED',
      expiredAt: held.body.expiresAt,
    });
    const kept = await call(url, `/api/v1/users/${fan.userId}/reservations`, { bearer: fan.accessToken });
    expect(kept.body.reservations).toMatchObject([{ reservationId: held.body.reservationId, status: 'EXPIRED' }]);
    const history = await call(url, `/api/v1/users/${fan.userId}/balance/history`, { bearer: fan.accessToken });
    expect(history.body.entries).toMatchObject([{ kind: 'CHARGE', amount: 9000 }]);
  });
});

describe('system 4', () => {
  test('login with email and password to a JWT', async () => {
    const fan = await newFan(url);
    expect(decodeJwt(fan.accessToken)).toMatchObject({ aud: 'api', sub: fan.userId });
    const wrong = await call(url, '/api/v1/auth/login', { body: { email: fan.email, password: 'not the password' } });
    expect([wrong.status, wrong.body.code]).toEqual([401, 'INVALID_CREDENTIALS']);
  });

  test('the hold is in Redis with a TTL; a cancel frees the seat at once; the sweeper rolls back expired holds', async () => {
    await putConcert(url, 'four', concertInput({ seats: 2 }));
    const fan = await newFan(url);
    const { token } = await enter(url, fan, 'four');
    const held = await hold(token, 'd1', ['A-1-1']);
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    const ttl = await client.pttl(`{c:four}:r:${held.body.reservationId}`);
    expect(ttl).toBeGreaterThan(12 * 3600 * 1000);
    const lastsMs = Date.parse(held.body.expiresAt) - Date.parse(held.body.serverTime);
    expect(ttl).toBeLessThanOrEqual(12 * 3600 * 1000 + lastsMs);
    expect(await client.hlen('{c:four}:seats:d1')).toBe(1);
    const cancelled = await call(url, `/api/v1/reservations/${held.body.reservationId}`, {
      method: 'DELETE',
      bearer: fan.accessToken,
    });
    expect(cancelled.body.status).toBe('CANCELLED');
    expect((await call(url, '/api/v1/concerts/four/schedules/d1/seats', { queue: token })).body.available).toBe(2);
    expect(await client.hlen('{c:four}:seats:d1')).toBe(0);
    await putConcert(url, 'four', concertInput({ seats: 2, holdSeconds: 1 }));
    expect((await hold(token, 'd1', ['A-1-2'])).status).toBe(201);
    await until(async () => (await client.hlen('{c:four}:seats:d1')) === 0);
  });
});

test('what was paid is in PostgreSQL, and the audit is clean', async () => {
  await until(async () => (await operatorCall(url, '/concerts/zero/stats')).body.outboxLag === 0);
  const sql = new Client({ connectionString: databaseUrl });
  await sql.connect();
  const { rows } = await sql.query("select seat_id from payment_seats where concert_id = 'zero' order by seat_id");
  expect(rows.map((row) => row.seat_id)).toEqual(['A-1-1', 'A-1-2']);
  await sql.end();
  const audit = await operatorCall(url, '/audit');
  expect(audit.body).toMatchObject({ clean: true, differences: [] });
});
