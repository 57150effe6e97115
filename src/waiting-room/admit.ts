import { LIMITS } from '../limits.ts';
import { metrics } from '../observability/metrics.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { admitScript } from './admit.script.ts';

/**
 * Lets in whoever may enter now and ends the places whose deadline has passed, in calls of at most 500 until nothing is
 * left to do. Safe from many processes; `lease` names this one, and one admits a room at a time.
 * @returns how many were admitted and ended; zeros where another process admits
 */
export async function admitRoom(
  { redis }: { redis: RedisClient },
  { concertId, lease }: { concertId: string; lease: string },
): Promise<{ admitted: number; ended: number }> {
  const total = { admitted: 0, ended: 0 };
  for (let calls = 0; calls < LIMITS.ADMIT_CALLS_A_RUN; calls++) {
    const args = { worker: lease, lease_ms: LIMITS.ADMIT_LEASE_MS };
    const answer = await admitScript.run(redis, { keys: concertKeys(concertId), args });
    measure(concertId, answer);
    if (answer.outcome !== 'ADMITTED') break;
    total.admitted += answer.admitted;
    total.ended += answer.ended;
    if (!answer.more) break;
  }
  return total;
}

/** Counts are told by the process that admits, and by no other at the same time. */
function measure(concert: string, answer: Awaited<ReturnType<typeof admitScript.run>>): void {
  if (answer.outcome !== 'ADMITTED') {
    metrics.waiting.remove({ concert });
    metrics.active.remove({ concert });
    return;
  }
  metrics.waiting.set({ concert }, answer.waiting);
  metrics.active.set({ concert }, answer.active);
  if (answer.admitted > 0) metrics.admitted.inc({ concert }, answer.admitted);
  if (answer.ended > 0) metrics.swept.inc({ kind: 'places' }, answer.ended);
  for (const waitMs of answer.waitsMs) metrics.waitSeconds.observe(waitMs / 1_000);
}
