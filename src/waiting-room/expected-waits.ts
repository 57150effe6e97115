import { createRecent } from '../recent.ts';
import { LIMITS } from '../limits.ts';

/** Estimates given at the join, kept until the place is admitted: how far they were off is a metric. */
export interface ExpectedWaits {
  /** a null estimate (nobody is admitted) is not kept */
  expect(queueId: string, estimate: { seconds: number | null; joinedAtMs: number }): void;
  admitted(queueIds: readonly string[], nowMs: number): void;
  forget(queueId: string): void;
}

/** Told of the estimate and of the real wait, both in seconds. */
export type WaitObserver = (estimateSeconds: number, realSeconds: number) => void;

export function createExpectedWaits(observe: WaitObserver): ExpectedWaits {
  const estimates = createRecent<{ seconds: number; joinedAtMs: number }>(LIMITS.EXPECTED_WAITS_KEPT);
  return {
    expect(queueId, { seconds, joinedAtMs }) {
      if (seconds !== null) estimates.set(queueId, { seconds, joinedAtMs });
    },
    admitted(queueIds, nowMs) {
      for (const queueId of queueIds) {
        const estimate = estimates.get(queueId);
        if (!estimate) continue;
        estimates.delete(queueId);
        observe(estimate.seconds, Math.max(0, nowMs - estimate.joinedAtMs) / 1_000);
      }
    },
    forget: (queueId) => estimates.delete(queueId),
  };
}
