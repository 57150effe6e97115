/** A Redis that is lost comes back from PostgreSQL and the backups. */
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { migrate } from '../postgres/migrate.ts';
import { connectAll, openRedis } from '../redis/client.ts';
import { accountKeys, directoryKeys, walletKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { hold, tryHold } from '../reservations/holding.fixture.ts';
import { flush, testDatabase, testRedis } from '../testing/connect.ts';
import { startCluster } from '../testing/redis-cluster.ts';
import { until } from '../testing/until.ts';
import { enter, join, placeOf } from '../testing/waiting-room.ts';
import { audit } from './audit.ts';
import { checkInstallation } from './installation.ts';
import { log } from './night.fixture.ts';
import { buy, config, type LostNight, openLostNight, shownOf, signUp, toldTo } from './rebuild.fixture.ts';

const redis = await testRedis();
const url = await testDatabase();
// As src/rebuild.ts opens it: one named as ours is taken for a server's.
const sql = new pg.Pool({ connectionString: url, max: 6, allowExitOnIdle: true });
beforeAll(() => migrate(url, log));
afterAll(() => sql.end());

let night: LostNight;
beforeEach(async () => {
  night = await openLostNight({ redis, sql });
});

const differences = async (client: RedisClient = redis) =>
  (await audit({ redis: client, sql, graceMs: 60_000 }, { deadlineMs: 0 })).differences;

/** Everything that anybody is told. */
async function toldToAll({ redis: client, users, sales }: LostNight) {
  const fans = await Promise.all(users.map((userId) => toldTo({ redis: client, sql }, userId)));
  const concerts = await Promise.all(sales.map(shownOf));
  const accounts = await Promise.all(users.map((id) => client.hgetall(accountKeys(`${id}@example.com`).account)));
  return { fans, concerts, accounts };
}

/** Loses everything and rebuilds it: what should be told after that, and what is. */
async function loseAndRebuild(lost: LostNight) {
  await lost.drain();
  await lost.backUp();
  const before = await toldToAll(lost);
  await flush(lost.redis);
  await lost.rebuild();
  // The live hold is lost: its seat is free.
  const concerts = before.concerts.map(({ schedules, ...concert }, i) => ({
    ...concert,
    held: 0,
    schedules: schedules.map(({ free, seats, ...schedule }) => ({
      ...schedule,
      free: String(Number(free) + (i === 0 ? 1 : 0)),
      seats: seats.map((seat) => seat.replace(/H$/, 'A')),
    })),
  }));
  return { expected: { ...before, concerts }, told: await toldToAll(lost) };
}

test('balances, histories, purchases, sold seats, counters and accounts are as they were', async () => {
  const { expected, told } = await loseAndRebuild(night);
  expect(told).toEqual(expected);
  expect(await differences()).toEqual([]);
  expect(await redis.exists(directoryKeys.rebuild)).toBe(0);
  await checkInstallation(redis, { facts: config, sql: night.sql });
  await flush(redis);
  await expect(checkInstallation(redis, { facts: config, sql: night.sql })).rejects.toThrow('would be sold again');
});

test('the same on a cluster', { timeout: 60_000 }, async () => {
  const cluster = await startCluster();
  onTestFinished(() => cluster.stop());
  const client = openRedis({ url: cluster.url, cluster: true }, 'patient');
  onTestFinished(() => client.disconnect());
  await connectAll(client);
  await until(() => client.status === 'ready');
  const { expected, told } = await loseAndRebuild(await openLostNight({ redis: client, sql }));
  expect(told).toEqual(expected);
  expect(await differences(client)).toEqual([]);
});

test('sales go on: old places are over, what was bought counts, sold seats are sold, numbers go on', async () => {
  const [sale] = night.sales;
  const [collector = '', saver = ''] = night.users;
  if (!sale) throw new Error('unreachable');
  const waiting = await join(sale, saver);
  await night.drain();
  await night.backUp();
  await flush(redis);
  await night.rebuild();
  expect(await placeOf(sale, waiting.queueId)).toBeNull();
  expect(await redis.hget(sale.keys.room, 'epoch')).not.toBe(waiting.epoch);
  expect(await tryHold(sale, waiting, { seats: ['A-1-9'] })).toMatchObject({ refused: 'QUEUE_NOT_FOUND' });
  const claims = await enter(sale, collector);
  expect(await tryHold(sale, claims, { seats: ['A-1-11', 'A-1-12', 'A-1-13', 'A-1-14'] })).toMatchObject({
    refused: 'SEAT_LIMIT',
  });
  expect(await tryHold(sale, claims, { seats: ['A-1-3'] })).toMatchObject({ refused: 'SEAT_TAKEN' });
  await hold(sale, claims, ['A-1-9']);
  await buy(sale, saver, ['A-1-10']);
  await night.drain();
  expect(await differences()).toEqual([]);
  const entries = await redis.hget(walletKeys(saver).wallet, 'entries');
  expect(entries).toBe('2');
});

test('money that was set aside when Redis was lost is free again: it was never confirmed', async () => {
  const [sale] = night.sales;
  const userId = await signUp(redis, 900);
  await night.drain();
  await night.backUp();
  await redis.hincrby(walletKeys(userId).wallet, 'available', -400);
  await redis.hincrby(walletKeys(userId).wallet, 'pending', 400);
  await flush(redis);
  await night.rebuild();
  expect(sale && (await redis.hmget(walletKeys(userId).wallet, 'available', 'pending'))).toEqual(['900', '0']);
});

test('a user whose account is not in the backup has books, and is named', async () => {
  await night.backUp();
  const late = await signUp(redis, 500);
  await night.drain();
  await flush(redis);
  const told = await night.rebuild();
  expect(told.join('\n')).toMatch(new RegExp(`1 users have a wallet and no account.*\n +${late}`));
  expect(await redis.hget(walletKeys(late).wallet, 'available')).toBe('500');
  expect(await differences()).toEqual([]);
});

test('nothing at all can be rebuilt, too', async () => {
  await flush(redis);
  await sql.query('TRUNCATE payments, payment_seats, wallet_entries');
  expect((await night.rebuild()).join('\n')).toContain('audit clean: 0 seats sold');
});

test('broken off anywhere, nothing starts on it; called again, it comes to the same end', {
  timeout: 60_000,
}, async () => {
  await night.drain();
  await night.backUp();
  await flush(redis);
  await night.rebuild();
  const whole = await toldToAll(night);
  let broken = 0;
  for (let commands = 1; ; commands = Math.ceil(commands * 1.6)) {
    await flush(redis);
    const done = await night.rebuild({ by: dyingAfter(commands) }).then(
      () => true,
      () => false,
    );
    if (done) break;
    broken++;
    if ((await redis.exists(directoryKeys.rebuild)) === 1)
      await expect(checkInstallation(redis, { facts: config, sql: night.sql })).rejects.toThrow('npm run rebuild');
    await night.rebuild();
    expect(await toldToAll(night), `after ${commands} commands`).toEqual(whole);
    expect(await differences()).toEqual([]);
  }
  expect(broken).toBeGreaterThan(5);
});

/** A client whose process dies after so many commands: the last one is done, its reply is lost. */
function dyingAfter(commands: number): typeof redis {
  let left = commands;
  return new Proxy(redis, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        left--;
        if (left < 0) throw new Error('it is dead');
        const answer = (value as (...given: unknown[]) => unknown).apply(target, args);
        return left === 0 ? Promise.resolve(answer).then(() => Promise.reject(new Error('it died'))) : answer;
      };
    },
  });
}
