/** The answer to a changing call is lost on its way: the repeat with the same key has one effect and gets the first outcome. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDatabase } from '../testing/connect.ts';
import {
  type Answer,
  type CallOptions,
  call,
  concertInput,
  enter,
  type Fan,
  newFan,
  operatorCall,
  putConcert,
} from '../testing/fan.ts';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { startSystem, type System } from '../testing/system.ts';
import { startProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import { until } from '../testing/until.ts';

const databaseUrl = await testDatabase();
let redis: RedisServer;
let system: System;
let proxy: TcpProxy;
let url: string;

beforeAll(async () => {
  redis = await startRedis();
  system = await startSystem({ REDIS_URL: redis.url, DATABASE_URL: databaseUrl });
  proxy = await startProxy({ target: system.port });
  ({ url } = system);
  await putConcert(url, 'lost', concertInput({ seats: 50, seatLimit: 8 }));
});

afterAll(async () => {
  await proxy?.stop();
  await system?.stop();
  await redis?.stop();
});

/** Sends a call whose answer is swallowed, then the same again. Answers the second. */
async function twice(path: string, options: CallOptions): Promise<Answer> {
  const through = `http://127.0.0.1:${proxy.port}`;
  const keyed = {
    ...options,
    headers: {
      ...options.headers,
      'idempotency-key': `key-${path}-${JSON.stringify(options.body ?? '')}`
        .replaceAll(/[^\x21-\x7e]/g, '')
        .slice(0, 128),
      connection: 'close',
    },
  };
  proxy.dropNextReply();
  await expect(call(through, path, keyed)).rejects.toThrow();
  return call(through, path, keyed);
}

const balanceOf = async (fan: Fan) =>
  (await call(url, `/api/v1/users/${fan.userId}/balance`, { bearer: fan.accessToken })).body.balance;

test('charge: the money comes once', async () => {
  const fan = await newFan(url);
  const again = await twice(`/api/v1/users/${fan.userId}/balance`, { body: { amount: 700 }, bearer: fan.accessToken });
  expect(again).toMatchObject({ status: 200, body: { balance: 700, chargeId: expect.any(String) } });
  expect(await balanceOf(fan)).toBe(700);
  const { body } = await call(url, `/api/v1/users/${fan.userId}/balance/history`, { bearer: fan.accessToken });
  expect(body.entries).toHaveLength(1);
});

test('join: one place', async () => {
  const fan = await newFan(url);
  const before = (await operatorCall(url, '/concerts/lost/stats')).body;
  const again = await twice('/api/v1/queue', { body: { concertId: 'lost' }, bearer: fan.accessToken });
  expect(again).toMatchObject({ status: 201, body: { concertId: 'lost', token: expect.any(String) } });
  const places = await call(url, `/api/v1/users/${fan.userId}/places`, { bearer: fan.accessToken });
  expect(places.body.places).toMatchObject([{ queueId: again.body.queueId, sequence: again.body.sequence }]);
  await until(async () => {
    const { waiting, active } = (await operatorCall(url, '/concerts/lost/stats')).body;
    return waiting + active === before.waiting + before.active + 1;
  });
});

test('hold: one reservation, and its own seats are not refused as taken', async () => {
  const fan = await newFan(url);
  const { token } = await enter(url, fan, 'lost');
  const again = await twice('/api/v1/reservations', {
    body: { scheduleId: 'd1', seatIds: ['A-1-1', 'A-1-2'] },
    queue: token,
  });
  expect(again).toMatchObject({ status: 201, body: { status: 'HELD' } });
  const { body } = await call(url, `/api/v1/users/${fan.userId}/reservations`, { bearer: fan.accessToken });
  expect(body.reservations).toHaveLength(1);
});

test('hold without a key: the refusal names the own reservation', async () => {
  const fan = await newFan(url);
  const { token } = await enter(url, fan, 'lost');
  const held = await call(url, '/api/v1/reservations', {
    body: { scheduleId: 'd1', seatIds: ['A-1-5'] },
    queue: token,
  });
  const again = await call(url, '/api/v1/reservations', {
    body: { scheduleId: 'd1', seatIds: ['A-1-5'] },
    queue: token,
  });
  expect(again.body).toMatchObject({ status: 409, code: 'SEAT_TAKEN', reservationId: held.body.reservationId });
});

test('pay: one payment, one debit; without a key too', async () => {
  for (const [seat, headers] of [
    ['A-1-10', {}],
    ['A-1-11', { 'idempotency-key': 'same' }],
  ] as const) {
    const fan = await newFan(url);
    const { token } = await enter(url, fan, 'lost');
    await call(url, `/api/v1/users/${fan.userId}/balance`, { body: { amount: 3000 }, queue: token });
    const held = await call(url, '/api/v1/reservations', { body: { scheduleId: 'd1', seatIds: [seat] }, queue: token });
    proxy.dropNextReply();
    const options = {
      body: { reservationId: held.body.reservationId },
      queue: token,
      headers: { ...headers, connection: 'close' },
    };
    await expect(call(`http://127.0.0.1:${proxy.port}`, '/api/v1/payments', options)).rejects.toThrow();
    const again = await call(url, '/api/v1/payments', options);
    expect(again).toMatchObject({
      status: 'idempotency-key' in headers ? 201 : 200,
      body: { status: 'CONFIRMED', balance: 2000 },
    });
    expect(await balanceOf(fan)).toBe(2000);
  }
});

test('cancel and leave can be repeated', async () => {
  const fan = await newFan(url);
  const { token, queueId } = await enter(url, fan, 'lost');
  const held = await call(url, '/api/v1/reservations', {
    body: { scheduleId: 'd1', seatIds: ['A-1-20'] },
    queue: token,
  });
  const cancelled = await twice(`/api/v1/reservations/${held.body.reservationId}`, { method: 'DELETE', queue: token });
  expect(cancelled).toMatchObject({ status: 200, body: { status: 'CANCELLED' } });
  expect((await twice(`/api/v1/queue/${queueId}`, { method: 'DELETE', queue: token })).status).toBe(204);
});

test('import and room change can be repeated', async () => {
  const input = concertInput({ seats: 3 });
  const key = { bearer: 'operator-key-of-the-tests' };
  const again = await twice('/api/v1/admin/concerts/lost-import', { method: 'PUT', body: input, ...key });
  expect(again).toMatchObject({ status: 200, body: { added: 0, unchanged: 3 } });
  const room = await twice('/api/v1/admin/concerts/lost-import/room', {
    method: 'PATCH',
    body: { capacity: 7 },
    ...key,
  });
  expect(room).toMatchObject({ status: 200, body: { capacity: 7 } });
});

test('sign-up: the repeat tells that the account exists, and it can log in', async () => {
  const body = { email: 'lost@example.com', password: 'correct horse battery' };
  expect((await twice('/api/v1/users', { body })).body.code).toBe('EMAIL_TAKEN');
  expect((await call(url, '/api/v1/auth/login', { body })).status).toBe(200);
});

test('a key with another payload is refused, and changes nothing', async () => {
  const fan = await newFan(url);
  const path = `/api/v1/users/${fan.userId}/balance`;
  const headers = { 'idempotency-key': 'one' };
  await call(url, path, { body: { amount: 5 }, bearer: fan.accessToken, headers });
  expect((await call(url, path, { body: { amount: 6 }, bearer: fan.accessToken, headers })).body).toMatchObject({
    status: 422,
    code: 'IDEMPOTENCY_MISMATCH',
  });
  expect(await balanceOf(fan)).toBe(5);
});

test('a refusal is not stored: the same key may succeed later', async () => {
  const fan = await newFan(url);
  const { token } = await enter(url, fan, 'lost');
  const held = await call(url, '/api/v1/reservations', {
    body: { scheduleId: 'd1', seatIds: ['A-1-30'] },
    queue: token,
  });
  const pay = () =>
    call(url, '/api/v1/payments', {
      body: { reservationId: held.body.reservationId },
      queue: token,
      headers: { 'idempotency-key': 'later' },
    });
  expect((await pay()).body.code).toBe('INSUFFICIENT_BALANCE');
  await call(url, `/api/v1/users/${fan.userId}/balance`, { body: { amount: 1000 }, queue: token });
  expect((await pay()).status).toBe(201);
  expect((await pay()).status).toBe(201);
  expect(await balanceOf(fan)).toBe(0);
});
