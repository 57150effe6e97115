/** `Idempotency-Key` for operators' calls whose script does not keep it itself: what they change can be changed again. */
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import type { Idempotency } from './idempotency.ts';

const KEPT_SECONDS = 24 * 3600;

/**
 * Runs `act` unless its first success is known by this key: then that is the answer. Only successes are kept, as JSON.
 * Refuses IDEMPOTENCY_MISMATCH.
 */
export async function once<T extends object>(
  redis: RedisClient,
  { concertId, route, idempotency }: { concertId: string; route: string; idempotency: Idempotency },
  act: () => Promise<T | Refusal>,
): Promise<T | Refusal> {
  if (!idempotency) return act();
  const key = concertKeys(concertId).idempotency('operator', route, idempotency.key);
  const stored = await redis.get(key);
  if (stored !== null) {
    const space = stored.indexOf(' ');
    if (stored.slice(0, space) !== idempotency.fingerprint) return refuse('IDEMPOTENCY_MISMATCH');
    return JSON.parse(stored.slice(space + 1)) as T;
  }
  const done = await act();
  if (!isRefusal(done)) await redis.set(key, `${idempotency.fingerprint} ${JSON.stringify(done)}`, 'EX', KEPT_SECONDS);
  return done;
}
