/** From XADD to rows: relay, BullMQ, recorder and settle together, on a real Redis and a real PostgreSQL. */
import { Worker } from 'bullmq';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { migrate } from '../postgres/migrate.ts';
import { closePool, openPool } from '../postgres/pool.ts';
import { openRedis } from '../redis/client.ts';
import { concertKeys, walletKeys, walletPartition } from '../redis/keys.ts';
import { flush, onCluster, testDatabase, testRedis, testRedisUrl } from '../testing/connect.ts';
import { entryEvent, paymentEvent } from '../testing/ledger.ts';
import { startPostgres } from '../testing/postgres-server.ts';
import { until } from '../testing/until.ts';
import type { Fields } from './events.ts';
import { jobDataOf, jobIdOf, openQueue, QUEUE, readJob, WORKER_OPTIONS } from './jobs.ts';
import { concertOutbox, GROUP, partitionOutbox } from './outboxes.ts';
import { recordChunk } from './record-chunk.ts';
import { startRecorder } from './recorder.ts';
import { createRelay } from './relay.ts';
import { settle } from './settle.ts';
import { readNew } from './stream.ts';
import { createWhileFull } from './while-full.ts';

const redis = await testRedis();
const { url: redisUrl } = await testRedisUrl();
const databaseUrl = await testDatabase();
const log = pino({ level: 'silent' });
const sql = openPool(databaseUrl, { max: 4 });
afterAll(() => closePool(sql, { withinMs: 1_000 }));

const CONCERT = 'night';
const keys = concertKeys(CONCERT);
const config = { redisUrl, redisCluster: onCluster, databaseUrl };

beforeEach(async () => {
  await flush(redis);
  await migrate(databaseUrl, log);
  await sql.query('TRUNCATE payments, payment_seats, wallet_entries, dead_letters');
});

/** Runs the relay as the loops do, until the end of the test. */
function runRelay({ concertIds = [CONCERT], against = redis } = {}) {
  const whileFull = createWhileFull({ log, record: () => Promise.reject(new Error('Redis is not full here')) });
  const relay = createRelay({ redis: against, config, log, whileFull });
  let stopped = false;
  const done = (async () => {
    while (!stopped) {
      await relay.run(concertIds).catch(() => {}); // the loop tries again
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await relay.stop();
  })();
  const stop = () => {
    stopped = true;
    return done;
  };
  onTestFinished(stop);
  return { stop };
}

function record(url = databaseUrl) {
  const recorder = startRecorder({ redis, config: { ...config, databaseUrl: url }, log });
  onTestFinished(() => recorder.stop());
  return recorder;
}

/** A confirmed reservation and its outbox entry, as payments/confirm writes them. */
async function confirm(seats: string[], changes: Fields = {}) {
  const event = paymentEvent(CONCERT, seats, changes);
  const id = await redis.xadd(keys.outbox, '*', ...Object.entries(event).flat());
  await redis.hset(keys.reservation(event.reservationId ?? ''), { status: 'CONFIRMED', outbox: id });
  return event;
}

/** A wallet with entries 1 … count in its outbox. */
async function charge(userId: string, count: number) {
  const wallet = walletKeys(userId);
  await redis.hset(wallet.wallet, { entries: count, first: 1, recorded: 0 });
  for (let n = 1; n <= count; n++) {
    await redis.xadd(wallet.outbox, '*', ...Object.entries(entryEvent(userId, n)).flat());
    await redis.rpush(wallet.history, `${n}|CHARGE|1000|${1000 * n}|0|x`);
  }
  return wallet;
}

const rowCount = async (table: string, pool = sql) =>
  Number((await pool.query(`SELECT count(*) FROM ${table}`)).rows[0].count);
const recordedAt = (event: Fields) => redis.hget(keys.reservation(event.reservationId ?? ''), 'recorded_at');
const allSettled = () => until(async () => (await redis.xlen(keys.outbox)) === 0, { what: 'an empty outbox' });

describe('the way of an entry', () => {
  test('payments and entries become rows, and their slots know within 2 s', async () => {
    runRelay();
    record();
    await until(async () => (await redis.keys('{onsale-jobs}*')).length > 0 || onCluster);
    const events = [await confirm(['A-1-1', 'A-1-2']), await confirm(['A-1-3'])];
    const wallet = await charge('u_1', 3);
    await allSettled();
    await until(async () => (await redis.hget(wallet.wallet, 'recorded')) === '3');
    expect(
      await Promise.all(['payments', 'payment_seats', 'wallet_entries', 'dead_letters'].map((t) => rowCount(t))),
    ).toEqual([2, 3, 3, 0]);
    for (const event of events) expect(Number(await recordedAt(event))).toBeGreaterThan(Date.now() - 60_000);
    expect((await redis.xpending(keys.outbox, GROUP))[0]).toBe(0);
    expect(await redis.xlen(wallet.outbox)).toBe(0);
    // Wherever the machine pauses one is late: the way itself is not.
    let tookMs = Infinity;
    for (let n = 0; n < 5 && tookMs > 2_000; n++) {
      const started = performance.now();
      const event = await confirm([`B-1-${n}`]);
      await until(async () => (await recordedAt(event)) !== null);
      tookMs = performance.now() - started;
    }
    expect(tookMs).toBeLessThan(2_000);
  });

  test('more than the chunks that may be on their way', async () => {
    for (let i = 0; i < 4_600; i++) void confirm([`A-${i}-1`]);
    await confirm(['B-1-1']);
    runRelay();
    record();
    await allSettled();
    expect(await rowCount('payments')).toBe(4_601);
  });

  test('of a wallet with hundreds of entries the last 100 stay in Redis, all are in PostgreSQL', async () => {
    const wallet = await charge('u_long', 750);
    runRelay();
    record();
    await until(async () => (await redis.hget(wallet.wallet, 'recorded')) === '750');
    expect(await redis.llen(wallet.history)).toBe(100);
    expect(await redis.lindex(wallet.history, 0)).toMatch(/^651\|/);
    expect(await redis.hget(wallet.wallet, 'first')).toBe('651');
    expect(await rowCount('wallet_entries')).toBe(750);
  });

  test('one that contradicts is a dead letter and not recorded; the others of its chunk are', async () => {
    const first = await confirm(['A-1-1']);
    const thief = await confirm(['A-1-1', 'A-1-2']);
    const last = await confirm(['A-1-2', 'A-1-3']);
    runRelay();
    record();
    await allSettled();
    expect([await rowCount('payments'), await rowCount('payment_seats'), await rowCount('dead_letters')]).toEqual([
      2, 3, 1,
    ]);
    expect(await recordedAt(first)).not.toBeNull();
    expect(await recordedAt(last)).not.toBeNull();
    expect(await recordedAt(thief)).toBeNull();
  });
});

describe('at least once', () => {
  test('a worker that was killed between its commit and the settle', async () => {
    const event = await confirm(['A-1-1']);
    const outbox = concertOutbox(CONCERT);
    await redis.xgroup('CREATE', keys.outbox, GROUP, '0');
    await recordChunk(sql, { outbox, entries: await readNew(redis, outbox) });
    expect([await rowCount('payments'), await recordedAt(event)]).toEqual([1, null]);
    runRelay();
    record();
    await allSettled();
    expect([await rowCount('payments'), await rowCount('payment_seats'), await rowCount('dead_letters')]).toEqual([
      1, 1, 0,
    ]);
    expect(await recordedAt(event)).not.toBeNull();
  });

  test('a job that a dead worker holds is taken up again', async () => {
    const connection = openRedis({ url: redisUrl, cluster: onCluster }, 'patient');
    let taken = false;
    // A worker that takes the job and never answers; without renewals its lock runs out, as a dead one's would. One job
    // at a time, or it would be the one that takes it up again.
    const alone = { concurrency: 1, skipLockRenewal: true, skipStalledCheck: true };
    const options = { ...WORKER_OPTIONS, ...alone, lockDuration: 1_000 };
    const hung = Promise.withResolvers<void>();
    const dead = new Worker(
      QUEUE,
      () => {
        taken = true;
        return hung.promise;
      },
      { ...options, connection },
    );
    dead.on('error', () => {});
    onTestFinished(async () => {
      hung.resolve();
      await dead.close();
      connection.disconnect();
    });
    const event = await confirm(['A-1-1']);
    runRelay();
    await until(() => taken);
    record();
    await until(async () => (await recordedAt(event)) !== null, { timeoutMs: 18_000 });
    expect(await rowCount('payments')).toBe(1);
  });

  test('a job that was put off by a worker whose clock is an hour ahead', async () => {
    const event = await confirm(['A-1-1']);
    const outbox = concertOutbox(CONCERT);
    const chunk = { outbox, entries: await readNew(redis, outbox) };
    const connection = openRedis({ url: redisUrl, cluster: onCluster }, 'producer');
    const queue = openQueue(connection);
    const job = await queue.add(QUEUE, jobDataOf(chunk), { jobId: jobIdOf(chunk), delay: 3_600_000 });
    expect(await job.isDelayed()).toBe(true);
    record();
    runRelay();
    await allSettled();
    expect(Number(await recordedAt(event))).toBeGreaterThan(0);
    await queue.close();
    connection.disconnect();
  });

  test('a job that comes twice', async () => {
    const event = await confirm(['A-1-1']);
    const outbox = concertOutbox(CONCERT);
    await redis.xgroup('CREATE', keys.outbox, GROUP, '0');
    const chunk = readJob(JSON.parse(JSON.stringify(jobDataOf({ outbox, entries: await readNew(redis, outbox) }))));
    for (let i = 0; i < 2; i++) await settle(redis, outbox, await recordChunk(sql, chunk));
    expect([await rowCount('payments'), await redis.xlen(keys.outbox)]).toEqual([1, 0]);
    expect(await recordedAt(event)).not.toBeNull();
  });

  test('chunks of a wallet that settle in the wrong order', async () => {
    const userId = 'u_order';
    const wallet = await charge(userId, 6);
    const outbox = partitionOutbox(walletPartition(userId));
    await redis.xgroup('CREATE', wallet.outbox, GROUP, '0');
    const entries = await readNew(redis, outbox);
    await settle(redis, outbox, await recordChunk(sql, { outbox, entries: entries.slice(3) }));
    expect(await redis.hmget(wallet.wallet, 'recorded', 'first')).toEqual(['0', '1']);
    await settle(redis, outbox, await recordChunk(sql, { outbox, entries: entries.slice(0, 3) }));
    expect(await redis.hget(wallet.wallet, 'recorded')).toBe('6');
    expect(await redis.exists(wallet.gap)).toBe(0);
  });

  test('three relays and two recorders at once', async () => {
    for (let i = 0; i < 3; i++) runRelay();
    record();
    record();
    for (let i = 0; i < 3_000; i++) {
      void confirm([`A-${i}-1`]);
      if (i % 200 === 0) await redis.xlen(keys.outbox);
    }
    const wallets = await Promise.all(['u_a', 'u_b', 'u_c'].map((userId) => charge(userId, 50)));
    await allSettled();
    for (const { wallet } of wallets) await until(async () => (await redis.hget(wallet, 'recorded')) === '50');
    expect([await rowCount('payments'), await rowCount('wallet_entries'), await rowCount('dead_letters')]).toEqual([
      3_000, 150, 0,
    ]);
  });
});

describe('a job', () => {
  const outbox = concertOutbox('winter-2026');
  const entries = [{ id: '1-0', fields: { e: 'payment' } }];

  test('is named so that BullMQ takes it, and one chunk is one job', async () => {
    const connection = openRedis({ url: redisUrl, cluster: onCluster }, 'producer');
    await connection.connect();
    const queue = openQueue(connection);
    onTestFinished(async () => {
      await queue.close();
      connection.disconnect();
    });
    for (const chunk of [
      { outbox, entries },
      { outbox: partitionOutbox(7), entries },
    ]) {
      for (let i = 0; i < 2; i++) await queue.add(QUEUE, jobDataOf(chunk), { jobId: jobIdOf(chunk) });
    }
    expect(await queue.getWaitingCount()).toBe(2);
  });

  test.each([
    ['of another version', { version: 2, outbox: 'c.x', entries }],
    ['of no outbox', { version: 1, outbox: 'w.64', entries }],
    ['without entries', { version: 1, outbox: 'w.1', entries: [] }],
    ['with an id that is none', { version: 1, outbox: 'w.1', entries: [{ id: '*', fields: {} }] }],
    ['that is nothing', null],
  ])('%s is refused', (_name, data) => {
    expect(() => readJob(data)).toThrow('a job');
  });
});

describe('PostgreSQL away', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  beforeEach(async () => {
    postgres = await startPostgres();
  });
  afterEach(() => postgres.stop());

  test('at the start and in the middle: the outbox grows, BullMQ does not, then all rows arrive', async () => {
    const url = await postgres.createDatabase();
    await postgres.kill9();
    runRelay();
    const recorder = record(url);
    for (let i = 0; i < 50; i++) await confirm([`A-1-${i}`]);
    await until(() => !recorder.healthy());
    await postgres.restart();
    await allSettled();
    expect(recorder.healthy()).toBe(true);

    await postgres.kill9();
    for (let i = 0; i < 2_600; i++) void confirm([`B-1-${i}`]);
    await confirm(['C-1-1']);
    await until(() => !recorder.healthy());
    await until(async () => Number((await redis.xpending(keys.outbox, GROUP))[0]) > 0);
    expect(Number((await redis.xpending(keys.outbox, GROUP))[0])).toBeLessThanOrEqual(2_000);
    await postgres.restart();
    await until(async () => (await redis.xlen(keys.outbox)) === 0, { timeoutMs: 15_000 });
    const pool = openPool(url, { max: 1 });
    onTestFinished(() => closePool(pool, { withinMs: 500 }));
    expect([await rowCount('payments', pool), await rowCount('dead_letters', pool)]).toEqual([2_651, 0]);
  });

  test('a stop does not wait for it', async () => {
    const url = await postgres.createDatabase();
    const pool = openPool(url, { max: 1 });
    onTestFinished(() => closePool(pool, { withinMs: 0 }));
    await migrate(url, log);
    const lock = await pool.connect();
    await lock.query('BEGIN; LOCK payments IN ACCESS EXCLUSIVE MODE');
    runRelay();
    const recorder = record(url);
    await confirm(['A-1-1']);
    await until(async () => {
      const { rows } = await lock.query('SELECT 1 FROM pg_locks WHERE NOT granted');
      return rows.length > 0;
    });
    const started = performance.now();
    await recorder.stop();
    expect(performance.now() - started).toBeLessThan(6_000);
    await lock.query('ROLLBACK');
    lock.release();
    expect(await redis.xlen(keys.outbox)).toBe(1);
  });
});
