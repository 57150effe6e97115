import { Redis } from 'ioredis';
import { afterAll, expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { startRedis } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { watchMemory } from './memory.ts';

const server = await startRedis();
const redis = new Redis(server.url);
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

test('as Redis fills, first joins and holds are refused, then payments and charges; and all come back', async () => {
  // Small ones: the buffer of a large command counts too, and then shrinks.
  for (let i = 0; i < 400; i++) await redis.set(`filler-${i}`, 'x'.repeat(10_000));
  const used = Number((await redis.info('memory')).match(/^used_memory:(\d+)/m)?.[1]);
  const watch = watchMemory(redis);
  try {
    const between = (LIMITS.MEMORY_REFUSE_SHARE + LIMITS.MEMORY_REFUSE_MONEY_SHARE) / 2;
    for (const [share, full, brimful] of [
      [0.5, false, false],
      [between, true, false],
      [0.96, true, true],
      [0.5, false, false],
    ] as const) {
      await redis.config('SET', 'maxmemory', Math.round(used / share));
      await until(() => Math.abs(watch.share() - share) < 0.03, { what: `a share of ${share}` });
      expect([watch.full(), watch.brimful()], `at ${share}`).toEqual([full, brimful]);
    }
    await redis.config('SET', 'maxmemory', 0);
    await until(() => watch.share() === 0);
    expect([watch.full(), watch.brimful()]).toEqual([false, false]);
  } finally {
    watch.stop();
  }
});
