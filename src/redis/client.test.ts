import { Command, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RedisCluster, startCluster, withMember } from '../testing/redis-cluster.ts';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { startProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import { until } from '../testing/until.ts';
import { connectAll, isRedisAway, openRedis } from './client.ts';

const INCREMENT = "return redis.call('INCR', KEYS[1])";

/** Runs a script whose reply is lost; what it left behind once the client has had time to do it again. */
async function increments(run: () => Promise<unknown>, proxies: TcpProxy[], read: () => Promise<string | null>) {
  for (const proxy of proxies) proxy.dropRepliesMatching(({ request }) => request.includes('INCR'));
  const error = await run().then(
    () => null,
    (reason: unknown) => reason,
  );
  for (const proxy of proxies) proxy.dropRepliesMatching(undefined);
  // Connected again: whatever the client meant to send once more has been sent by then.
  await until(async () => (await read().catch(() => null)) !== null);
  return { error, count: await read() };
}

/** The ports under which a node of a cluster knows all of them. */
async function portsKnownTo({ port, host }: { port: number; host: string }): Promise<number[]> {
  const node = new Redis(port, host);
  const slots = (await node.call('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
  node.disconnect();
  return slots.map(([, , [, known]]) => known);
}

describe('a script whose reply is lost is not sent again: its outcome is unknown, and the caller is told so', () => {
  let single: RedisServer;
  let cluster: RedisCluster;
  const proxies: TcpProxy[] = [];

  beforeAll(async () => {
    [single, cluster] = await Promise.all([startRedis(), startCluster()]);
  });

  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await Promise.all([single?.stop(), cluster?.stop()]);
  });

  test('on one Redis', async () => {
    const proxy = await startProxy({ target: single.port });
    proxies.push(proxy);
    const redis = openRedis({ url: `redis://127.0.0.1:${proxy.port}`, cluster: false }, 'hot');
    await connectAll(redis);
    const { error, count } = await increments(
      () => redis.eval(INCREMENT, 1, 'n'),
      [proxy],
      () => redis.get('n'),
    );
    expect(isRedisAway(error)).toBe(true);
    expect(count).toBe('1');
    redis.disconnect();
  });

  test('on a cluster', async () => {
    // The nodes announce the proxies, so that the client talks to each through one.
    for (const node of cluster.nodes) {
      const proxy = await startProxy({ target: node });
      proxies.push(proxy);
      const direct = new Redis(node.port, node.host);
      await direct.config('SET', 'cluster-announce-port', String(proxy.port));
      direct.disconnect();
    }
    const through = proxies.slice(-cluster.nodes.length);
    const announced = new Set(through.map((proxy) => proxy.port));
    const redis = openRedis(
      { url: through.map((proxy) => `redis://127.0.0.1:${proxy.port}`).join(), cluster: true },
      'hot',
    );
    // Every node has to have heard of it from every other: the client may ask any of them.
    await until(async () => {
      const views = await Promise.all(cluster.nodes.map(portsKnownTo));
      return views.flat().every((port) => announced.has(port));
    });
    await connectAll(redis);
    for (const key of ['{a}n', '{b}n', '{c}n']) {
      const { error, count } = await increments(
        () => redis.eval(INCREMENT, 1, key),
        through,
        () => redis.get(key),
      );
      expect(isRedisAway(error), `${key}: ${String(error)}`).toBe(true);
      expect(count, key).toBe('1');
    }
    redis.disconnect();
  });
});

test('members that point at each other, as during a failover, are a Redis that is away', async () => {
  const cluster = await startCluster();
  const redis = openRedis({ url: cluster.url, cluster: true }, 'hot');
  await connectAll(redis);
  const shards = await cluster.shards();
  const ids = await Promise.all(shards.map(({ master }) => withMember(master, (node) => node.call('CLUSTER', 'MYID'))));
  const slot = new Command('GET', ['{a}']).getSlot();
  for (const [i, { master }] of shards.entries()) {
    const next = String(ids[(i + 1) % ids.length]);
    await withMember(master, (node) => node.call('CLUSTER', 'SETSLOT', slot, 'NODE', next));
  }
  const error = await redis.eval(INCREMENT, 1, '{a}').catch((thrown: unknown) => thrown);
  expect(String(error)).toMatch(/Too many Cluster redirections/);
  expect(isRedisAway(error)).toBe(true);
  redis.disconnect();
  await cluster.stop();
});

describe('a connection that went silent is replaced: nothing tells of one whose other side is gone without a word', () => {
  test('one that a caller waits for, within 3 s', async () => {
    const server = await startRedis();
    const proxy = await startProxy({ target: server.port });
    const redis = openRedis({ url: `redis://127.0.0.1:${proxy.port}`, cluster: false }, 'hot');
    await connectAll(redis);
    proxy.decide(() => ({ passBytes: 0, next: 'silence' }));
    const started = performance.now();
    await expect(redis.ping()).rejects.toThrow('Command timed out');
    proxy.decide(undefined); // the silent one stays as it is; a new one would do
    await until(async () => (await redis.ping().catch(() => null)) === 'PONG');
    expect(performance.now() - started).toBeLessThan(3_000);
    redis.disconnect();
    await proxy.stop();
    await server.stop();
  });

  test.each([
    ['patient', 15_000],
    ['producer', 15_000],
  ] as const)("BullMQ's %s one after %i ms, which is longer than it blocks", (kind, ms) => {
    const redis = openRedis({ url: 'redis://127.0.0.1:1', cluster: false }, kind) as Redis;
    expect(redis.options.socketTimeout).toBe(ms);
  });
});
