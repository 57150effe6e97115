/** kill -9 in the middle of 100 payments, then start: nothing that was answered is lost, nothing is half done. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDatabase } from '../testing/connect.ts';
import { type Answer, call, concertInput, enter, newFans, operatorCall, putConcert } from '../testing/fan.ts';
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

/** Repeats with one key what was answered 503, as clients do: a machine that stands still answers that of itself. */
async function surely(path: string, queue: string, body: object, key: string = randomUUID()): Promise<Answer> {
  let answer: Answer | undefined;
  await until(
    async () => {
      answer = await call(system.url, path, { body, queue, headers: { 'idempotency-key': key } });
      return answer.status !== 503;
    },
    { everyMs: 200 },
  );
  return answer as Answer;
}

test('kill -9 of the server in the middle of 100 payments: audit clean, every payment answered 201 is in PostgreSQL', {
  timeout: 120_000,
}, async () => {
  await putConcert(system.url, 'killed', concertInput({ seats: BUYERS }));
  const fans = await newFans(system.url, BUYERS);
  const buyers = await Promise.all(
    fans.map(async (fan, index) => {
      const { token } = await enter(system.url, fan, 'killed');
      await surely(`/api/v1/users/${fan.userId}/balance`, token, { amount: 1000 });
      const seat = { scheduleId: 'd1', seatIds: [`A-1-${index + 1}`] };
      const held = await surely('/api/v1/reservations', token, seat);
      expect(held.status).toBe(201);
      return { fan, token, reservationId: held.body.reservationId as string };
    }),
  );
  const answered: string[] = [];
  const answers: (Awaited<ReturnType<typeof call>> | null)[] = buyers.map(() => null);
  const { promise: some, resolve: reachedSome } = Promise.withResolvers<void>();
  // Ten at a time, so that the kill finds some answered, some under way and some not sent.
  const waiting = [...buyers.entries()];
  const payer = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, { token, reservationId }] = next;
      const options = { body: { reservationId }, queue: token, headers: { 'idempotency-key': reservationId } };
      const answer = await call(system.url, '/api/v1/payments', options).catch(() => null);
      answers[index] = answer;
      if (answer?.status === 201) answered.push(answer.body.paymentId);
      if (answered.length >= BUYERS / 5) reachedSome();
    }
  };
  const payers = Promise.all(Array.from({ length: 10 }, payer));
  await Promise.race([some, payers]);
  await system.kill9();
  await payers;
  expect(answered.length, 'it was killed in the middle').toBeLessThan(BUYERS);

  system = await startSystem(env());
  // Whoever was not told 201 repeats with the same key and gets one payment.
  for (const [index, { token, reservationId }] of buyers.entries()) {
    if (answers[index]?.status === 201) continue;
    const again = await surely('/api/v1/payments', token, { reservationId }, reservationId);
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
