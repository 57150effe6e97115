/** DURABILITY=replica on a cluster: each shard waits for its own replica, and a repeat waits as the first call did. */
import { Command } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concertKeys, walletKeys } from '../redis/keys.ts';
import { testDatabase } from '../testing/connect.ts';
import { call, concertInput, enter, newFan, operatorCall, putConcert } from '../testing/fan.ts';
import { type RedisCluster, startCluster, withMember } from '../testing/redis-cluster.ts';
import { startSystem, type System } from '../testing/system.ts';
import { until } from '../testing/until.ts';

const databaseUrl = await testDatabase();
let cluster: RedisCluster;
let system: System;

beforeAll(async () => {
  cluster = await startCluster({ replicas: 1, redis: { appendonly: true } });
  const settings = { REDIS_CLUSTER: 'true', DURABILITY: 'replica', LIMIT_POLL_BURST: '0' };
  system = await startSystem({ REDIS_URL: cluster.url, DATABASE_URL: databaseUrl, ...settings });
});

afterAll(async () => {
  await system?.stop();
  await cluster?.stop();
});

/** The shard that serves this key. */
async function shardOf(key: string) {
  const slot = new Command('GET', [key]).getSlot();
  for (const shard of await cluster.shards()) {
    const rows = await withMember(shard.master, (redis) => redis.call('CLUSTER', 'NODES'));
    const own =
      String(rows)
        .split('\n')
        .find((row) => row.includes('myself')) ?? '';
    const serves = own
      .split(' ')
      .slice(8)
      .some((range) => {
        const [from = 0, to = from] = range.split('-').map(Number);
        return from <= slot && slot <= to;
      });
    if (serves) return shard;
  }
  throw new Error(`nobody serves slot ${slot}`);
}

test('a payment whose seats no replica has is not answered, however often it is repeated; polls go on', async () => {
  const { url } = system;
  const concert = await shardOf(concertKeys('copied').room);
  await putConcert(url, 'copied', concertInput());
  let fan = await newFan(url);
  while ((await shardOf(walletKeys(fan.userId).wallet)).master === concert.master) fan = await newFan(url);
  const { token, queueId } = await enter(url, fan, 'copied');
  await call(url, `/api/v1/users/${fan.userId}/balance`, { body: { amount: 5000 }, queue: token });
  const body = { scheduleId: 'd1', seatIds: ['A-1-1'] };
  const held = await call(url, '/api/v1/reservations', { body, queue: token });
  expect(held.status).toBe(201);
  const pay = () =>
    call(url, '/api/v1/payments', {
      body: { reservationId: held.body.reservationId },
      queue: token,
      headers: { 'idempotency-key': 'once' },
    });

  await concert.replicas[0]?.kill9();
  const polls: number[] = [];
  const answers: number[] = [];
  for (let i = 0; i < 4; i++) {
    const paying = pay();
    for (let poll = 0; poll < 4; poll++) {
      polls.push((await call(url, `/api/v1/queue/${queueId}`, { queue: token })).status);
    }
    answers.push((await paying).status);
  }
  expect(answers).toEqual([503, 503, 503, 503]);
  expect(new Set(polls)).toEqual(new Set([200]));

  await concert.replicas[0]?.restart();
  await until(async () => (await pay()).status === 201, { everyMs: 100 });
  const balance = await call(url, `/api/v1/users/${fan.userId}/balance`, { bearer: fan.accessToken });
  expect(balance.body.balance).toBe(4000);
  await until(async () => (await operatorCall(url, '/audit')).body.outbox === 0);
  expect((await operatorCall(url, '/audit')).body).toMatchObject({ clean: true, seatsSold: 1 });
});
