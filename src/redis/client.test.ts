import { Command, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type RedisCluster, startCluster, withMember } from '../testing/redis-cluster.ts';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { startProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import { until } from '../testing/until.ts';
import { connectAll, isRedisAway, openRedis, type RedisAddress } from './client.ts';
import type { RedisClient } from './script.ts';

const INCREMENT = "return redis.call('INCR', KEYS[1])";

/** Connected, until the test has ended, in whatever way. */
async function open(address: RedisAddress): Promise<RedisClient> {
  const redis = openRedis(address, 'hot');
  onTestFinished(() => redis.disconnect());
  await connectAll(redis);
  return redis;
}

/** Runs a script whose reply is lost; what it left behind once the client has had time to do it again. */
async function increments(run: () => Promise<unknown>, proxies: TcpProxy[], read: () => Promise<string | null>) {
  for (const proxy of proxies) proxy.dropRepliesMatching(({ request }) => request.includes('INCR'));
  const error = await run().then(
    () => null,
    (reason: unknown) => reason,
  );
  for (const proxy of proxies) proxy.dropRepliesMatching(undefined);
  // Connected again: whatever the client meant to send once more has been sent by then.
  let count: string | null = null;
  await until(async () => (count = await read().catch(() => null)) !== null);
  return { error, count };
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
    const redis = await open({ url: `redis://127.0.0.1:${proxy.port}`, cluster: false });
    const { error, count } = await increments(
      () => redis.eval(INCREMENT, 1, 'n'),
      [proxy],
      () => redis.get('n'),
    );
    expect(isRedisAway(error)).toBe(true);
    expect(count).toBe('1');
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
    // Every node has to have heard of it from every other: the client may ask any of them.
    await until(async () => {
      const views = await Promise.all(cluster.nodes.map(portsKnownTo));
      return views.flat().every((port) => announced.has(port));
    });
    const redis = await open({
      url: through.map((proxy) => `redis://127.0.0.1:${proxy.port}`).join(),
      cluster: true,
    });
    for (const key of ['{a}n', '{b}n', '{c}n']) {
      const { error, count } = await increments(
        () => redis.eval(INCREMENT, 1, key),
        through,
        () => redis.get(key),
      );
      expect(isRedisAway(error), `${key}: ${String(error)}`).toBe(true);
      expect(count, key).toBe('1');
    }
  });
});

test('members that point at each other, as during a failover, are a Redis that is away', async () => {
  const cluster = await startCluster();
  onTestFinished(() => cluster.stop());
  const redis = await open({ url: cluster.url, cluster: true });
  const shards = await cluster.shards();
  const ids = await Promise.all(shards.map(({ master }) => withMember(master, (node) => node.call('CLUSTER', 'MYID'))));
  const slot = new Command('GET', ['{a}']).getSlot();
  for (const [i, { master }] of shards.entries()) {
    const next = String(ids[(i + 1) % ids.length]);
    await withMember(master, (node) => node.call('CLUSTER', 'SETSLOT', slot, 'NODE', next));
  }
  // The client may be learning the slots anew just then: it says that the connection is closed, which is as true.
  const errors: unknown[] = [];
  await until(async () => {
    errors.push(await redis.eval(INCREMENT, 1, '{a}').catch((thrown: unknown) => thrown));
    return String(errors.at(-1)).includes('Too many Cluster redirections');
  });
  expect(errors.filter((error) => !isRedisAway(error))).toEqual([]);
});

describe('a connection that went silent is replaced: nothing tells of one whose other side is gone without a word', () => {
  test('one that a caller waits for, within 3 s', async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const proxy = await startProxy({ target: server.port });
    onTestFinished(() => proxy.stop());
    const redis = await open({ url: `redis://127.0.0.1:${proxy.port}`, cluster: false });
    proxy.decide(() => ({ passBytes: 0, next: 'silence' }));
    const started = performance.now();
    await expect(redis.ping()).rejects.toThrow('Command timed out');
    proxy.decide(undefined); // the silent one stays as it is; a new one would do
    await until(async () => (await redis.ping().catch(() => null)) === 'PONG');
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  test.each([
    ['patient', 15_000],
    ['producer', 15_000],
  ] as const)("BullMQ's %s one after %i ms, which is longer than it blocks", (kind, ms) => {
    const redis = openRedis({ url: 'redis://127.0.0.1:1', cluster: false }, kind) as Redis;
    expect(redis.options.socketTimeout).toBe(ms);
  });
});
