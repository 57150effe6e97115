/** Gauges that no request and no script tells of: queue depth, active places, and how late the sweepers are. */
import type { Gauge } from 'prom-client';
import { metrics } from '../observability/metrics.ts';
import { concertKeys } from '../redis/keys.ts';
import type { MemoryWatch } from '../redis/memory.ts';
import type { RedisClient } from '../redis/script.ts';

export interface ObserveDeps {
  redis: RedisClient;
  memory: MemoryWatch;
}

/** Reads one concert's depth and lag. Plain reads, no guard needs them to be one moment. */
export async function observeConcert({ redis }: ObserveDeps, concertId: string): Promise<void> {
  const keys = concertKeys(concertId);
  const [waiting, active, [, oldest]] = await Promise.all([
    redis.zcard(keys.waiting),
    redis.zcard(keys.active),
    redis.zrange(keys.holds, '0', '0', 'WITHSCORES'),
  ]);
  const set = (gauge: Gauge<'concert'>, value: number) => gauge.set({ concert: concertId }, value);
  set(metrics.waiting, waiting);
  set(metrics.active, active);
  const [seconds] = await redis.time(); // on a cluster any node's will do for a gauge
  const late = oldest === undefined ? 0 : Number(seconds) - Number(oldest) / 1000;
  set(metrics.sweepLagSeconds, Math.max(0, late));
}
