/** What no request and no script tells of: how late the sweepers are. */
import { metrics } from '../observability/metrics.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';

export interface ObserveDeps {
  redis: RedisClient;
}

/** How late the sweep of a concert's holds is. The admission loop tells its depth. */
export async function observeConcert({ redis }: ObserveDeps, concertId: string): Promise<void> {
  const [, oldest] = await redis.zrange(concertKeys(concertId).holds, '0', '0', 'WITHSCORES');
  const [seconds] = await redis.time(); // on a cluster any node's will do for a gauge
  const late = oldest === undefined ? 0 : Number(seconds) - Number(oldest) / 1000;
  metrics.sweepLagSeconds.set({ concert: concertId }, Math.max(0, late));
}
