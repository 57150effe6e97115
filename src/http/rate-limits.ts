/** The limits of the contract that are counted per process. Failed logins are counted in Redis (users/). */
import { type Refusal, refuse } from '../errors.ts';
import { type Buckets, createBuckets } from './buckets.ts';

export interface RateLimits {
  /** sign-up and login, by address */
  address: Buckets;
  /** changing calls and lists, by user */
  user: Buckets;
  /** polls of one place, by queue id; refilled once per half of what the last ticket told its owner */
  polls: Buckets;
}

export interface RateSettings {
  loginPerSecond: number;
  loginBurst: number;
  userPerSecond: number;
  userBurst: number;
  pollBurst: number;
}

/** The shortest `pollAfterSeconds` is 1. */
const POLL_REFILL_MS = 500;

/** 0 for a rate or its burst turns that limit off. */
export function createRateLimits(settings: RateSettings): RateLimits {
  return {
    address: createBuckets({ burst: settings.loginBurst, refillMs: 1000 / settings.loginPerSecond }),
    user: createBuckets({ burst: settings.userBurst, refillMs: 1000 / settings.userPerSecond }),
    polls: createBuckets({ burst: settings.pollBurst, refillMs: POLL_REFILL_MS }),
  };
}

/** A refusal where a bucket says how long to wait. */
export function overLimit(retryAfterSeconds: number): Refusal | null {
  return retryAfterSeconds > 0 ? refuse('RATE_LIMITED', { retryAfterSeconds }) : null;
}
