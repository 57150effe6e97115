/** What no request and no script tells of: how late the sweepers are, and how the sale goes. */
import { metrics } from '../observability/metrics.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';

export interface ObserveDeps {
  redis: RedisClient;
}

/**
 * How late the sweep of a concert's holds is, and its counters. The admission loop tells the room's depth. Not by the
 * script of the statistics: that counts a byte a seat, 5 ms for 200,000, which a sale has better uses for.
 */
export async function observeConcert({ redis }: ObserveDeps, concertId: string): Promise<void> {
  const keys = concertKeys(concertId);
  const [[, oldest], [seconds], [noShows], [sold, revenue]] = await Promise.all([
    redis.zrange(keys.holds, '0', '0', 'WITHSCORES'),
    redis.time(), // on a cluster any node's will do for a gauge
    redis.hmget(keys.room, 'no_shows'),
    redis.hmget(keys.stock, 'sold', 'revenue'),
  ]);
  const late = oldest === undefined ? 0 : Number(seconds) - Number(oldest) / 1000;
  const concert = concertId;
  metrics.sweepLagSeconds.set({ concert }, Math.max(0, late));
  metrics.noShows.set({ concert }, Number(noShows ?? 0));
  metrics.soldSeats.set({ concert }, Number(sold ?? 0));
  metrics.revenue.set({ concert }, Number(revenue ?? 0));
}
