/** Token buckets in process memory, bounded: whoever is forgotten starts with a full one. */
import { createRecent } from '../recent.ts';
import { LIMITS } from '../limits.ts';

export interface Bucket {
  /** Takes a token. 0: it was there. Else: in so many seconds there will be one. */
  take(): number;
  /** From now on a token of this bucket comes back every so many ms. */
  pace(refillMs: number): void;
}

export interface Buckets {
  /** The bucket of that name; may be kept by whoever needs it often. */
  of(name: string): Bucket;
}

export interface BucketSize {
  /** 0: no limit */
  burst: number;
  /** how long one token takes to come back, ms, unless `pace` says otherwise */
  refillMs: number;
}

const NO_LIMIT: Bucket = { take: () => 0, pace: () => {} };

export function createBuckets({ burst, refillMs }: BucketSize, now: () => number = () => performance.now()): Buckets {
  if (burst === 0 || refillMs === Infinity) return { of: () => NO_LIMIT };
  const buckets = createRecent<Bucket>(LIMITS.RATE_BUCKETS_KEPT);
  return {
    of(name) {
      let bucket = buckets.get(name);
      if (!bucket) buckets.set(name, (bucket = new TokenBucket({ burst, refillMs }, now)));
      return bucket;
    },
  };
}

class TokenBucket implements Bucket {
  readonly #burst: number;
  readonly #now: () => number;
  #refillMs: number;
  #tokens: number;
  /** when `#tokens` was right, ms of the monotonic clock */
  #atMs: number;

  constructor({ burst, refillMs }: BucketSize, now: () => number) {
    this.#burst = burst;
    this.#now = now;
    this.#refillMs = refillMs;
    this.#tokens = burst;
    this.#atMs = now();
  }

  take(): number {
    this.#settle();
    if (this.#tokens < 1) return ((1 - this.#tokens) * this.#refillMs) / 1000;
    this.#tokens -= 1;
    return 0;
  }

  pace(refillMs: number): void {
    this.#settle();
    this.#refillMs = refillMs;
  }

  #settle(): void {
    const nowMs = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) / this.#refillMs);
    this.#atMs = nowMs;
  }
}
