/** kill -9 in the middle of 100 payments, then start: nothing that was answered is lost, nothing is half done. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDatabase } from '../testing/connect.ts';
import { call, concertInput, enter, newFans, operatorCall, putConcert } from '../testing/fan.ts';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { startSystem, type System } from '../testing/system.ts';
import { until } from '../testing/until.ts';

const BUYERS = 100;
const databaseUrl = await testDatabase();
let redis: RedisServer;
let system: System;
const env = () => ({ REDIS_URL: redis.url, DATABASE_URL: databaseUrl, DURABILITY: 'fsync' });

beforeAll(async () => {
  redis = await startRedis({ appendonly: true });
  system = await startSystem(env());
});

afterAll(async () => {
  await system?.stop();
  await redis?.stop();
});

test('kill -9 of the server in the middle of 100 payments: audit clean, every payment answered 201 is in PostgreSQL', {
  timeout: 120_000,
}, async () => {
  await putConcert(system.url, 'killed', concertInput({ seats: BUYERS }));
  const fans = await newFans(system.url, BUYERS);
  const buyers = await Promise.all(
    fans.map(async (fan, index) => {
      const { token } = await enter(system.url, fan, 'killed');
      await call(system.url, `/api/v1/users/${fan.userId}/balance`, { body: { amount: 1000 }, queue: token });
      const held = await call(system.url, '/api/v1/reservations', {
        body: { scheduleId: 'd1', seatIds: [`A-1-${index + 1}`] },
        queue: token,
      });
      expect(held.status).toBe(201);
      return { fan, token, reservationId: held.body.reservationId as string };
    }),
  );
  const answered: string[] = [];
  const { promise: half, resolve: reachedHalf } = Promise.withResolvers<void>();
  const calls = buyers.map(async ({ token, reservationId }) => {
    const answer = await call(system.url, '/api/v1/payments', {
      body: { reservationId },
      queue: token,
      headers: { 'idempotency-key': reservationId },
    }).catch(() => null);
    if (answer?.status === 201) answered.push(answer.body.paymentId);
    if (answered.length >= BUYERS / 4) reachedHalf();
    return answer;
  });
  await Promise.race([half, Promise.all(calls)]);
  await system.kill9();
  const answers = await Promise.all(calls);
  expect(
    answers.some((answer) => answer === null),
    'it was killed in the middle',
  ).toBe(true);

  system = await startSystem(env());
  // Whoever got no answer repeats with the same key and gets one payment.
  for (const [index, { token, reservationId }] of buyers.entries()) {
    if (answers[index]) continue;
    const again = await call(system.url, '/api/v1/payments', {
      body: { reservationId },
      queue: token,
      headers: { 'idempotency-key': reservationId },
    });
    expect([200, 201]).toContain(again.status);
  }
  await until(async () => (await operatorCall(system.url, '/concerts/killed/stats')).body.outboxLag === 0, {
    timeoutMs: 30_000,
    everyMs: 100,
  });
  const sql = new Client({ connectionString: databaseUrl });
  await sql.connect();
  const { rows } = await sql.query("select payment_id from payments where concert_id = 'killed'");
  await sql.end();
  expect(rows).toHaveLength(BUYERS);
  expect(rows.map((row) => row.payment_id)).toEqual(expect.arrayContaining(answered));
  await until(async () => (await operatorCall(system.url, '/audit')).body.clean === true, {
    timeoutMs: 40_000,
    everyMs: 1000,
  });
  for (const { fan } of buyers) {
    expect(
      (await call(system.url, `/api/v1/users/${fan.userId}/balance`, { bearer: fan.accessToken })).body.balance,
    ).toBe(0);
  }
});
