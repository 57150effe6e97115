import { Cluster } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { startCluster } from './redis-cluster.ts';

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
