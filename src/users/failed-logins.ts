/** Failed logins by email, counted in Redis so that guessing at many processes is no faster than at one. */
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { accountKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';

export interface FailedLogins {
  /** for how long logins with this email are refused, in seconds; 0: they are not */
  blockedForSeconds(email: string): Promise<number>;
  note(email: string): Promise<void>;
}

const WINDOW_SECONDS = 60;

/** `aMinute` 0: no limit. */
export function createFailedLogins(redis: RedisClient, aMinute: number): FailedLogins {
  if (aMinute === 0) return { blockedForSeconds: async () => 0, note: async () => {} };
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: '',
    points: aMinute,
    duration: WINDOW_SECONDS,
  });
  return {
    async blockedForSeconds(email) {
      const counted = await limiter.get(accountKeys(email).failures);
      return counted && counted.consumedPoints >= aMinute ? Math.max(1, counted.msBeforeNext / 1000) : 0;
    },
    async note(email) {
      await limiter.penalty(accountKeys(email).failures, 1);
    },
  };
}
