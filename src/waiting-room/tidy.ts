import { LIMITS } from '../limits.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { tidyScript } from './tidy.script.ts';

/** Forgets places that ended more than 12 h ago. @returns how many */
export async function tidyPlaces({ redis }: { redis: RedisClient }, concertId: string): Promise<number> {
  for (let total = 0; ; ) {
    const args = { kept_ms: LIMITS.PLACE_KEPT_MS, max: LIMITS.TIDY_A_CALL };
    const { count } = await tidyScript.run(redis, { keys: concertKeys(concertId), args });
    total += count;
    if (count < LIMITS.TIDY_A_CALL) return total;
  }
}
