import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, inject } from 'vitest';
import { createDatabase } from '../local/postgres-process.ts';
import { startCluster } from './redis-cluster.ts';
import { startRedis } from './redis-server.ts';

/** Whether this run tests against a Redis Cluster, which refuses keys of several slots in one script. */
export const onCluster = process.env.TEST_REDIS === 'cluster';

interface RedisNodes {
  /** `redis://` address, or those of all nodes, separated by commas. */
  readonly url: string;
  readonly nodes: readonly { host: string; port: number }[];
}

// A worker runs many test files. What it has started is kept where every file's modules find it, and ends with the
// worker (leash.ts).
const worker = globalThis as typeof globalThis & Record<`onsale-redis-${boolean}`, Promise<RedisNodes> | undefined>;

async function startWorkersRedis(): Promise<RedisNodes> {
  if (onCluster) return startCluster();
  const { url, port } = await startRedis();
  return { url, nodes: [{ host: '127.0.0.1', port }] };
}

/** Where this worker's own Redis is, for the configuration of a server under test. */
export function testRedisUrl(): Promise<RedisNodes> {
  return (worker[`onsale-redis-${onCluster}`] ??= startWorkersRedis());
}

// A command whose reply is lost is never sent again, and one that cannot be sent fails at once.
const SAFE = { maxRetriesPerRequest: 0, enableOfflineQueue: false, commandTimeout: 10_000 };

async function connect({ nodes }: RedisNodes): Promise<Redis | Cluster> {
  const redis = onCluster
    ? new Cluster([...nodes], { redisOptions: SAFE, lazyConnect: true, enableOfflineQueue: false })
    : new Redis({ ...SAFE, ...nodes[0], lazyConnect: true });
  await redis.connect();
  return redis;
}

/**
 * A connection to this worker's own Redis, or Redis Cluster where TEST_REDIS=cluster; closed at the end of the test
 * file. To be called at the top of a test file, `const redis = await testRedis()`: Redis is empty when the file's
 * first test starts.
 */
export async function testRedis(): Promise<Redis | Cluster> {
  const redis = await connect(await testRedisUrl());
  beforeAll(() => flush(redis));
  afterAll(() => redis.disconnect());
  return redis;
}

/** Empties Redis; known scripts stay known. */
export async function flush(redis: Redis | Cluster): Promise<void> {
  const masters = redis instanceof Cluster ? redis.nodes('master') : [redis];
  await Promise.all(masters.map((master) => master.flushall()));
}

async function isInUse(client: Client, database: string): Promise<boolean> {
  const { rows } = await client.query('SELECT 1 FROM pg_stat_activity WHERE datname = $1 LIMIT 1', [database]);
  return rows.length > 0;
}

/**
 * A new, empty PostgreSQL database, dropped at the end of the test file. To be called at the top of a test file.
 * @returns its url
 */
export async function testDatabase(): Promise<string> {
  const server = inject('postgresUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await createDatabase(server, name);
  afterAll(async () => {
    const client = new Client({ connectionString: server });
    await client.connect();
    // A pool that was ended has said so, but its connections may be there still: whoever is thrown out of one of them
    // would fail the run. What is there after that nobody has closed.
    for (let left = 100; left > 0 && (await isInUse(client, name)); left--) await sleep(20);
    await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await client.end();
  });
  return Object.assign(new URL(server), { pathname: `/${name}` }).href;
}
