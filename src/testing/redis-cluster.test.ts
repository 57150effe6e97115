import { Cluster } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { type Shard, startCluster } from './redis-cluster.ts';
import { until } from './until.ts';

test('a cluster serves every slot and refuses a command over two of them', async () => {
  const cluster = await startCluster();
  onTestFinished(() => cluster.stop());
  const redis = new Cluster([...cluster.nodes]);
  onTestFinished(() => redis.disconnect());
  const keys = Array.from({ length: 50 }, (_, i) => `{c:${i}}:seats`);
  for (const key of keys) await redis.set(key, key);
  for (const key of keys) expect(await redis.get(key)).toBe(key);
  await expect(redis.mget(keys)).rejects.toThrow('CROSSSLOT');
});

test('a replica takes over from a master that was killed, and the killed one follows it', async () => {
  const cluster = await startCluster({ replicas: 1, nodeTimeoutMs: 3_000 });
  onTestFinished(() => cluster.stop());
  let before: Shard[] = [];
  await until(async () => {
    before = await cluster.shards();
    return before.length === 3 && before.every(({ replicas }) => replicas.length === 1);
  });
  const { master: killed, replicas } = before[0] as Shard;
  await killed.kill9();
  const shardOf = async (port?: number) => (await cluster.shards()).find(({ master }) => master.port === port);
  await until(async () => (await shardOf(replicas[0]?.port)) !== undefined);
  await killed.restart();
  await until(async () => (await shardOf(replicas[0]?.port))?.replicas[0] === killed);
  await expect.poll(async () => (await cluster.shards()).length).toBe(3);
});
