/** The main job under a crowd: 200 people, 50 seats, everybody watches by push. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDatabase } from '../testing/connect.ts';
import { call, concertInput, type Fan, newFans, openSocket, operatorCall, putConcert } from '../testing/fan.ts';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { startSystem, type System } from '../testing/system.ts';
import { until } from '../testing/until.ts';

const PEOPLE = 200;
const SEATS = 50;
const databaseUrl = await testDatabase();
let redis: RedisServer;
let system: System;

beforeAll(async () => {
  redis = await startRedis({ appendonly: true });
  system = await startSystem({ REDIS_URL: redis.url, DATABASE_URL: databaseUrl, DURABILITY: 'fsync' });
});

afterAll(async () => {
  await system?.stop();
  await redis?.stop();
});

/** What each fan has seen so far. */
const sights: (number | null)[][] = [];

/** Positions that this fan saw, from tickets and derived from room frames by the contract's formula; null once ACTIVE. */
async function watch(url: string, token: string) {
  const socket = await openSocket(url, token);
  const seen: (number | null)[] = [];
  sights.push(seen);
  let ticket: { position: number; admitted: number; status: string } | null = null;
  socket.raw.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString('utf8'));
    if (message.type === 'ticket') {
      ticket = message.ticket;
      seen.push(message.ticket.status === 'ACTIVE' ? null : message.ticket.position);
    }
    if (message.type === 'room' && ticket?.status === 'WAITING' && message.room.admitted >= ticket.admitted) {
      seen.push(Math.max(1, ticket.position - (message.room.admitted - ticket.admitted)));
    }
  });
  return { socket, seen };
}

async function oneNight(url: string, fan: Fan, index: number): Promise<{ paid: string[]; seen: (number | null)[] }> {
  const joined = await call(url, '/api/v1/queue', { body: { concertId: 'night' }, bearer: fan.accessToken });
  expect(joined.status).toBe(201);
  const { token } = joined.body;
  const { socket, seen } = await watch(url, token);
  await socket.next(
    (message) => message.type === 'ticket' && (message.ticket as { status: string }).status === 'ACTIVE',
    100_000,
  );
  await call(url, `/api/v1/users/${fan.userId}/balance`, { body: { amount: 5000 }, queue: token });
  const paid: string[] = [];
  // Everybody starts at another seat and goes on until one is won or none is left.
  for (let tries = 0; tries < 60; tries++) {
    const map = await call(url, '/api/v1/concerts/night/schedules/d1/seats?status=AVAILABLE', { queue: token });
    const free = map.body.seats;
    if (free.length === 0) break;
    const seat = free[index % free.length].seatId;
    const held = await call(url, '/api/v1/reservations', { body: { scheduleId: 'd1', seatIds: [seat] }, queue: token });
    if (held.status === 409) continue;
    expect(held.status).toBe(201);
    const payment = await call(url, '/api/v1/payments', {
      body: { reservationId: held.body.reservationId },
      queue: token,
    });
    expect(payment.status).toBe(201);
    paid.push(payment.body.paymentId);
    break;
  }
  if (paid.length === 0) await call(url, '/api/v1/queue', { queue: token });
  socket.raw.terminate();
  return { paid, seen };
}

test('200 people, 50 seats: exactly 50 sold, 50 rows, a clean audit, and everybody saw the position go down and the door open', {
  timeout: 120_000,
}, async () => {
  const { url } = system;
  await putConcert(
    url,
    'night',
    concertInput({ seats: SEATS, room: { state: 'PAUSED', capacity: 200, admitPerSecond: 4 } }),
  );
  const fans = await newFans(url, PEOPLE);
  const nights = Promise.all(fans.map((fan, index) => oneNight(url, fan, index)));
  await until(async () => (await operatorCall(url, '/concerts/night/stats')).body.waiting === PEOPLE, {
    everyMs: 200,
    timeoutMs: 30_000,
  });
  const patchRoom = (body: object) => operatorCall(url, '/concerts/night/room', { method: 'PATCH', body });
  await patchRoom({ state: 'OPEN' });
  // The door opens slowly until most have seen it: otherwise all may be inside after one pause of the machine.
  const movedNow = () => sights.filter((seen) => new Set(seen).size > 2).length;
  await until(() => movedNow() > PEOPLE / 2, { timeoutMs: 40_000 });
  await patchRoom({ admitPerSecond: 40 });
  const results = await nights;

  expect(results.flatMap((result) => result.paid)).toHaveLength(SEATS);
  for (const { seen } of results) {
    const positions = seen.filter((position) => position !== null);
    expect(seen.at(-1), 'saw the activation').toBeNull();
    for (let i = 1; i < positions.length; i++)
      expect(positions[i], `never goes up: ${positions.join()}`).toBeLessThanOrEqual(positions[i - 1] ?? 0);
  }
  expect(movedNow(), 'those who waited longer than one tick saw it go down').toBeGreaterThan(PEOPLE / 2);

  await until(async () => (await operatorCall(url, '/concerts/night/stats')).body.outboxLag === 0);
  expect((await operatorCall(url, '/concerts/night/stats')).body).toMatchObject({
    sold: SEATS,
    held: 0,
    revenue: SEATS * 1000,
  });
  const sql = new Client({ connectionString: databaseUrl });
  await sql.connect();
  const rows = await sql.query(
    "select count(*)::int as n, count(distinct seat_id)::int as seats from payment_seats where concert_id = 'night'",
  );
  expect(rows.rows[0]).toEqual({ n: SEATS, seats: SEATS });
  await sql.end();
  const audit = await operatorCall(url, '/audit');
  expect(audit.body).toMatchObject({ clean: true, differences: [], seatsSold: SEATS, seatsRecorded: SEATS });
});
