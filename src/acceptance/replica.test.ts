/** DURABILITY=replica: money and seats are answered once a replica has them, and not as safe where none has. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDatabase } from '../testing/connect.ts';
import { call, concertInput, enter, newFan, putConcert } from '../testing/fan.ts';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { startSystem, type System } from '../testing/system.ts';
import { until } from '../testing/until.ts';

const databaseUrl = await testDatabase();
let master: RedisServer;
let replica: RedisServer;
let system: System;

beforeAll(async () => {
  master = await startRedis({ appendonly: true });
  replica = await startRedis({ settings: { replicaof: `127.0.0.1 ${master.port}` } });
  const link = new Redis(replica.url);
  await until(async () => (await link.info('replication')).includes('master_link_status:up'));
  link.disconnect();
  system = await startSystem({ REDIS_URL: master.url, DATABASE_URL: databaseUrl, DURABILITY: 'replica' });
});

afterAll(async () => {
  await system?.stop();
  await Promise.all([master?.stop(), replica?.stop()]);
});

test('what was answered is on the replica; without one, money and seats get 503, and a repeat has one effect', async () => {
  const { url } = system;
  await putConcert(url, 'copied', concertInput());
  const fan = await newFan(url);
  const { token } = await enter(url, fan, 'copied');
  const balance = `/api/v1/users/${fan.userId}/balance`;
  const charge = (key: string) =>
    call(url, balance, { body: { amount: 500 }, queue: token, headers: { 'idempotency-key': key } });
  const held = await call(url, '/api/v1/reservations', {
    body: { scheduleId: 'd1', seatIds: ['A-1-1'] },
    queue: token,
  });
  expect([held.status, (await charge('one')).body.balance]).toEqual([201, 500]);
  const copy = new Redis(replica.url);
  expect(await copy.hget('{c:copied}:seats:d1', 'A-1-1')).toBe(held.body.reservationId);
  copy.disconnect();

  await replica.kill9();
  const account = { email: 'late@example.com', password: 'correct horse' };
  expect((await call(url, '/api/v1/users', { body: account })).status, 'the account may be lost yet').toBe(503);
  expect((await call(url, '/api/v1/auth/login', { body: account })).status, 'and nobody gets a token for it').toBe(503);
  expect(await charge('two')).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
  await replica.restart();
  await until(async () => (await charge('two')).status === 200, { everyMs: 200 });
  expect((await call(url, balance, { queue: token })).body.balance).toBe(1_000);
});
