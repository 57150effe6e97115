/** The main job on a Redis Cluster of three shards: every script in one slot, every key where it belongs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDatabase } from '../testing/connect.ts';
import { call, concertInput, enter, newFan, operatorCall, putConcert } from '../testing/fan.ts';
import { type RedisCluster, startCluster } from '../testing/redis-cluster.ts';
import { startSystem, type System } from '../testing/system.ts';
import { until } from '../testing/until.ts';

const databaseUrl = await testDatabase();
let cluster: RedisCluster;
let system: System;

beforeAll(async () => {
  cluster = await startCluster();
  system = await startSystem({ REDIS_URL: cluster.url, REDIS_CLUSTER: 'true', DATABASE_URL: databaseUrl });
});

afterAll(async () => {
  await system?.stop();
  await cluster?.stop();
});

test('join, hold, charge, pay, row in PostgreSQL, clean audit, over several concerts and wallets', async () => {
  const { url } = system;
  const concerts = ['c-one', 'c-two', 'c-three'];
  for (const concertId of concerts) expect((await putConcert(url, concertId, concertInput())).status).toBe(201);
  await Promise.all(
    concerts.map(async (concertId) => {
      const fan = await newFan(url);
      const { token } = await enter(url, fan, concertId);
      await call(url, `/api/v1/users/${fan.userId}/balance`, { body: { amount: 5000 }, queue: token });
      const held = await call(url, '/api/v1/reservations', {
        body: { scheduleId: 'd1', seatIds: ['A-1-1', 'A-1-2'] },
        queue: token,
      });
      const paid = await call(url, '/api/v1/payments', {
        body: { reservationId: held.body.reservationId },
        queue: token,
      });
      expect([paid.status, paid.body.balance]).toEqual([201, 3000]);
      const path = `/api/v1/payments/${paid.body.paymentId}`;
      await until(async () => (await call(url, path, { queue: token })).body.recordedAt !== null);
      const listed = await call(url, `/api/v1/users/${fan.userId}/reservations`, { bearer: fan.accessToken });
      expect(listed.body.reservations).toMatchObject([{ status: 'CONFIRMED' }]);
    }),
  );
  const list = await call(url, '/api/v1/concerts');
  expect(list.body.concerts.map((concert: { concertId: string }) => concert.concertId).sort()).toEqual(
    [...concerts].sort(),
  );
  await until(async () => (await operatorCall(url, '/audit')).body.outbox === 0);
  expect((await operatorCall(url, '/audit')).body).toMatchObject({ clean: true, seatsSold: 6, seatsRecorded: 6 });
});
