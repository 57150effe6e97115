/** A Redis at its maxmemory, where BullMQ is refused, and a PostgreSQL that goes. Servers of the tests' own. */
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { migrate } from '../postgres/migrate.ts';
import { closePool, openPool } from '../postgres/pool.ts';
import { openRedis } from '../redis/client.ts';
import { concertKeys, walletKeys, walletPartition } from '../redis/keys.ts';
import { entryEvent, paymentEvent } from '../testing/ledger.ts';
import { startPostgres } from '../testing/postgres-server.ts';
import { startRedis } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { jobDataOf, jobIdOf, openQueue, QUEUE } from './jobs.ts';
import { concertOutbox, GROUP, partitionOutbox } from './outboxes.ts';
import { startRecorder } from './recorder.ts';
import { createRelay } from './relay.ts';
import { readNew } from './stream.ts';

const CONCERT = 'night';
const keys = concertKeys(CONCERT);
const USERS = ['u_1', 'u_2', 'u_3'];

let server: Awaited<ReturnType<typeof startRedis>>;
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let databaseUrl: string;
let redis: Redis;
let lines: { level: number; msg: string }[];
let stops: (() => Promise<unknown>)[];

beforeEach(async () => {
  [server, postgres] = await Promise.all([startRedis(), startPostgres()]);
  databaseUrl = await postgres.createDatabase();
  redis = new Redis(server.url);
  lines = [];
  stops = [];
});
afterEach(async () => {
  for (const stop of stops.toReversed()) await stop();
  redis.disconnect();
  await Promise.all([server.stop(), postgres.stop()]);
});

const log = pino({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line)) });
const told = (text: string) => lines.filter(({ msg }) => msg.includes(text)).length;
/** One byte: every command that may need memory is refused from now on. */
const fill = () => redis.config('SET', 'maxmemory', 1);
const makeRoom = () => redis.config('SET', 'maxmemory', 0);

function startWorkerSide() {
  const hot = openRedis({ url: server.url, cluster: false }, 'hot');
  void hot.connect();
  const config = { redisUrl: server.url, redisCluster: false, databaseUrl };
  const recorder = startRecorder({ redis: hot, config, log });
  const relay = createRelay({ redis: hot, config, log, whileFull: recorder.whileFull });
  let stopped = false;
  const loop = (async () => {
    while (!stopped) {
      await relay.run([CONCERT]).catch(() => {}); // the loop tries again
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  stops.push(async () => {
    stopped = true;
    await Promise.all([loop, recorder.stop()]);
    await relay.stop();
    hot.disconnect();
  });
  return recorder;
}

/** So many confirmed payments, and as many entries of each wallet from number `from` on, in their outboxes. */
async function sell(count: number, from = 1) {
  const pipeline = redis.pipeline();
  for (let i = 0; i < count; i++) {
    const event = paymentEvent(CONCERT, [`A-${from}-${i + 1}`]);
    pipeline.xadd(keys.outbox, '*', ...Object.entries(event).flat());
    pipeline.hset(keys.reservation(event.reservationId ?? ''), { status: 'CONFIRMED' });
    for (const userId of USERS) {
      pipeline.xadd(walletKeys(userId).outbox, '*', ...Object.entries(entryEvent(userId, from + i)).flat());
      if (from + i === 1) pipeline.hset(walletKeys(userId).wallet, { entries: 1, first: 1, recorded: 0 });
    }
  }
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
}

const OUTBOXES = [keys.outbox, ...USERS.map((userId) => walletKeys(userId).outbox)];
const waiting = async () =>
  (await Promise.all(OUTBOXES.map((key) => redis.xlen(key)))).reduce((sum, length) => sum + length, 0);
const drained = () => until(async () => (await waiting()) === 0, { timeoutMs: 20_000, what: 'empty outboxes' });

async function rowCounts(): Promise<number[]> {
  const pool = openPool(databaseUrl, { max: 1 });
  const tables = ['payments', 'wallet_entries', 'dead_letters'];
  const counts = [];
  for (const table of tables) counts.push(Number((await pool.query(`SELECT count(*) FROM ${table}`)).rows[0].count));
  await closePool(pool, { withinMs: 500 });
  return counts;
}

/** How many of these commands Redis was asked a second, over so long or longer: a pause of the machine makes it less. */
async function callsASecond(commands: string[], forMs: number): Promise<number> {
  const calls = async () => {
    const stats = await redis.info('commandstats');
    const callsOf = (name: string) => Number(stats.match(new RegExp(`cmdstat_${name}:calls=(\\d+)`))?.[1] ?? 0);
    return commands.reduce((sum, name) => sum + callsOf(name), 0);
  };
  const [at, before] = [performance.now(), await calls()];
  await until(() => performance.now() - at > forMs);
  const after = await calls();
  return (1_000 * (after - before)) / (performance.now() - at);
}

test('full before any relay has looked: outboxes without a group drain, and then BullMQ has them again', async () => {
  await sell(1_200);
  await fill();
  const recorder = startWorkerSide();
  await drained();
  expect(await rowCounts()).toEqual([1_200, 3_600, 0]);
  expect(await redis.hget(walletKeys('u_2').wallet, 'recorded')).toBe('1200');
  expect(recorder.whileFull.isOn()).toBe(true);
  expect(told('Redis is full')).toBe(1);

  await makeRoom();
  let sold = 1_200;
  const jobsAgain = async () => {
    await sell(1, ++sold);
    await drained();
    return !recorder.whileFull.isOn();
  };
  await until(jobsAgain, { everyMs: 300, timeoutMs: 15_000, what: 'jobs again' });
  expect([told('Redis is full'), told('room again')]).toEqual([1, 1]);
  expect(await rowCounts()).toEqual([sold, 3 * sold, 0]);
});

test('full while PostgreSQL is away and jobs wait for it: it drains once PostgreSQL is back', async () => {
  const recorder = startWorkerSide();
  await until(() => recorder.healthy());
  await sell(1);
  await drained();
  await postgres.kill9();
  await sell(2_999, 2);
  await until(() => !recorder.healthy());
  // All that were sold are jobs; of each wallet's entries one chunk, and the rest is not read.
  await until(async () => Number((await redis.xpending(keys.outbox, GROUP))[0]) === 2_999);
  await fill();
  expect(await waiting()).toBe(4 * 2_999);
  await postgres.restart();
  await drained();
  expect(await rowCounts()).toEqual([3_000, 9_000, 0]);
  expect(told('Redis is full')).toBe(1);
});

test('a worker that is refused its jobs neither ends nor asks without a pause; they run once there is room', async () => {
  await migrate(databaseUrl, log);
  await sell(20);
  const connection = openRedis({ url: server.url, cluster: false }, 'producer');
  await connection.connect();
  const queue = openQueue(connection);
  onTestFinished(async () => {
    await queue.close();
    connection.disconnect();
  });
  const outboxes = [concertOutbox(CONCERT), ...USERS.map((userId) => partitionOutbox(walletPartition(userId)))];
  for (const outbox of outboxes) {
    await redis.xgroup('CREATE', outbox.stream, GROUP, '0');
    const chunk = { outbox, entries: await readNew(redis, outbox) };
    await queue.add(QUEUE, jobDataOf(chunk), { jobId: jobIdOf(chunk) });
  }
  await fill();
  const hot = openRedis({ url: server.url, cluster: false }, 'hot');
  await hot.connect();
  const recorder = startRecorder({
    redis: hot,
    config: { redisUrl: server.url, redisCluster: false, databaseUrl },
    log,
  });
  stops.push(async () => {
    await recorder.stop();
    hot.disconnect();
  });
  await until(() => recorder.whileFull.isOn());
  expect(await callsASecond(['evalsha', 'eval'], 2_500)).toBeLessThan(20);
  expect(await waiting()).toBe(80);
  await makeRoom();
  await drained();
  expect(await rowCounts()).toEqual([20, 60, 0]);
});

test('full and without PostgreSQL: it is asked about once a second, and a stop does not wait', async () => {
  const recorder = startWorkerSide();
  await sell(1);
  await drained();
  await fill();
  await postgres.kill9();
  await makeRoom();
  await sell(600, 2);
  await fill();
  await until(() => recorder.whileFull.waits());
  expect(await callsASecond(['xreadgroup'], 2_200)).toBeLessThan(27);
  const stopping = performance.now();
  await stops.pop()?.();
  expect(performance.now() - stopping).toBeLessThan(6_000);
  expect(await waiting()).toBe(2_400);
});
