/** The recorder and the relay when Redis goes and comes back, and on a cluster. Servers of the tests' own. */
import { Cluster } from 'ioredis';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { closePool, openPool } from '../postgres/pool.ts';
import { openRedis } from '../redis/client.ts';
import { concertKeys } from '../redis/keys.ts';
import { testDatabase } from '../testing/connect.ts';
import { paymentEvent } from '../testing/ledger.ts';
import { startCluster } from '../testing/redis-cluster.ts';
import { startRedis } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { startRecorder } from './recorder.ts';
import { createRelay } from './relay.ts';

const databaseUrl = await testDatabase();
const log = pino({ level: 'silent' });
const CONCERTS = ['north', 'south', 'east'];

/** Relay and recorder as a worker runs them, on a hot connection of their own. */
function startWorkerSide(redisUrl: string, { cluster }: { cluster: boolean }) {
  const redis = openRedis({ url: redisUrl, cluster }, 'hot');
  void redis.connect().catch(() => {}); // it goes on trying
  const config = { redisUrl, redisCluster: cluster, databaseUrl };
  const recorder = startRecorder({ redis, config, log });
  const relay = createRelay({ redis, config, log, whileFull: recorder.whileFull });
  let stopped = false;
  const loop = (async () => {
    while (!stopped) {
      await relay.run(CONCERTS).catch(() => {}); // the loop tries again
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  // The test's own, for which a busy machine may take its time.
  const tool = openRedis({ url: redisUrl, cluster }, 'producer');
  void tool.connect().catch(() => {}); // it goes on trying, too
  onTestFinished(async () => {
    stopped = true;
    await loop;
    await relay.stop();
    await recorder.stop();
    for (const client of [redis, tool]) client.disconnect();
  });
  const confirm = async (concertId: string, seat: string) => {
    const fields = Object.entries(paymentEvent(concertId, [seat])).flat();
    await tool.xadd(concertKeys(concertId).outbox, '*', ...fields);
  };
  const settled = () =>
    until(
      async () => {
        const lengths = await Promise.all(CONCERTS.map((id) => tool.xlen(concertKeys(id).outbox))).catch(() => [1]);
        return lengths.every((length) => length === 0);
      },
      { timeoutMs: 15_000, what: 'empty outboxes' },
    );
  return { tool, confirm, settled };
}

async function rowsOf(concertId: string): Promise<number> {
  const pool = openPool(databaseUrl, { max: 1 });
  try {
    return Number((await pool.query('SELECT count(*) FROM payments WHERE concert_id = $1', [concertId])).rows[0].count);
  } finally {
    await closePool(pool, { withinMs: 500 });
  }
}

test('Redis is killed before the start, and again in the middle', async () => {
  const server = await startRedis({ appendonly: true });
  onTestFinished(() => server.stop());
  await server.kill9();
  const { tool, confirm, settled } = startWorkerSide(server.url, { cluster: false });
  await server.restart();
  await until(() => tool.status === 'ready');
  for (let i = 0; i < 20; i++) await confirm('north', `A-1-${i}`);
  await settled();
  expect(await rowsOf('north')).toBe(20);

  const acknowledged: string[] = [];
  const selling = (async () => {
    for (let i = 0; i < 300; i++) {
      await confirm('north', `B-1-${i}`).then(
        () => acknowledged.push(`B-1-${i}`),
        () => {}, // not answered: not promised
      );
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  await until(() => acknowledged.length > 50);
  await server.kill9();
  await server.restart();
  await selling;
  await settled();
  expect(await rowsOf('north')).toBeGreaterThanOrEqual(20 + acknowledged.length);
});

test('on a cluster: outboxes, jobs and settles are in many slots', async () => {
  const cluster = await startCluster();
  onTestFinished(() => cluster.stop());
  const { tool, confirm, settled } = startWorkerSide(cluster.url, { cluster: true });
  const isReady = ({ status }: { status: string }) => status === 'ready';
  await until(() => isReady(tool) && tool instanceof Cluster && tool.nodes('master').every(isReady));
  for (const concertId of ['south', 'east']) await confirm(concertId, 'A-1-1');
  await settled();
  expect([await rowsOf('south'), await rowsOf('east')]).toEqual([1, 1]);
});
