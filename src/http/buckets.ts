/** Token buckets in process memory, bounded: whoever is forgotten starts with a full one. */
import { createRecent } from '../auth/recent.ts';
import { LIMITS } from '../limits.ts';

interface Bucket {
  tokens: number;
  /** when `tokens` was right, ms of the monotonic clock */
  atMs: number;
  /** how long one token takes to come back, ms */
  refillMs: number;
}

export interface Buckets {
  /** Takes a token. 0: it was there. Else: in so many seconds there will be one. */
  take(name: string): number;
  /** From now on a token of this bucket comes back every so many ms. */
  pace(name: string, refillMs: number): void;
}

export interface BucketSize {
  /** 0: no limit */
  burst: number;
  /** how long one token takes to come back, ms, unless `pace` says otherwise */
  refillMs: number;
}

export function createBuckets({ burst, refillMs }: BucketSize, now: () => number = () => performance.now()): Buckets {
  if (burst === 0 || refillMs === Infinity) return { take: () => 0, pace: () => {} };
  const buckets = createRecent<Bucket>(LIMITS.RATE_BUCKETS_KEPT);

  /** The bucket as of now. */
  function settle(name: string): Bucket {
    const atMs = now();
    let bucket = buckets.get(name);
    if (!bucket) {
      bucket = { tokens: burst, atMs, refillMs };
      buckets.set(name, bucket);
    }
    bucket.tokens = Math.min(burst, bucket.tokens + (atMs - bucket.atMs) / bucket.refillMs);
    bucket.atMs = atMs;
    return bucket;
  }

  return {
    take(name) {
      const bucket = settle(name);
      if (bucket.tokens < 1) return ((1 - bucket.tokens) * bucket.refillMs) / 1000;
      bucket.tokens -= 1;
      return 0;
    },
    pace(name, paceMs) {
      settle(name).refillMs = paceMs;
    },
  };
}
