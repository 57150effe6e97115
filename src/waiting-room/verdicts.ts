import { createRecent } from '../recent.ts';
import type { Refusal } from '../errors.ts';
import { LIMITS } from '../limits.ts';

/** What the guard of reads found out about a place: null lets it pass. */
export type Verdict = Refusal | null;

/**
 * Verdicts of the last 500 ms, so that a page of reads asks Redis once; those who ask at once share one question. An
 * ACTIVE verdict is never trusted past the place's deadline.
 */
export interface Verdicts {
  /** `ask` answers for how long its verdict holds at most, counted from when it was asked */
  of(queueId: string, ask: () => Promise<{ verdict: Verdict; forMs: number }>): Promise<Verdict>;
  /** True where an ACTIVE verdict is known and holds. */
  passes(queueId: string): boolean;
  forget(queueId: string): void;
}

export function createVerdicts(): Verdicts {
  const known = createRecent<{ untilMs: number; passes: boolean; verdict: Promise<Verdict> }>(LIMITS.VERDICTS_KEPT);
  return {
    of(queueId, ask) {
      const kept = known.get(queueId);
      const askedMs = performance.now();
      if (kept && kept.untilMs > askedMs) return kept.verdict;
      const untilMs = askedMs + LIMITS.VERDICT_TRUSTED_MS;
      const entry = { untilMs, passes: false, verdict: Promise.resolve<Verdict>(null) };
      entry.verdict = ask().then(
        ({ verdict, forMs }) => {
          entry.untilMs = askedMs + Math.min(forMs, LIMITS.VERDICT_TRUSTED_MS);
          entry.passes = verdict === null;
          return verdict;
        },
        (error: unknown) => {
          entry.untilMs = 0;
          throw error;
        },
      );
      known.set(queueId, entry);
      return entry.verdict;
    },
    passes(queueId) {
      const kept = known.get(queueId);
      return kept !== undefined && kept.passes && kept.untilMs > performance.now();
    },
    forget: (queueId) => known.delete(queueId),
  };
}
