/** Repeats a call that changes something until its outcome is known. */
import { REPEATABLE } from './api.ts';
import { backOffMs, notBeforeMs, sleep } from './wait.ts';

/** What `repeat` looks at of an answer. */
interface Outcome {
  ok: boolean;
  code?: string;
  retryAfterSeconds: number | null;
}

/** Outcomes that time may change. */
type Passing = 'NO_ANSWER' | (typeof REPEATABLE)[number];

const FOR_MS = 60_000;
const SLOW_MS = 3_000;
const BACK_OFF = { firstMs: 250, maxMs: 5_000 };

export interface RepeatOptions {
  /** a minute unless given */
  forMs?: number;
  signal?: AbortSignal;
  /** called once where there is no outcome after 3 s: the tries go on */
  onSlow?: () => void;
}

/**
 * Calls until there is an answer that a further try would not change, each time with the same `Idempotency-Key`: what
 * took effect though its answer was lost is then told, and not done twice. Waits between tries as `Retry-After` says.
 * Answers what came last once `forMs` are over or the signal is aborted.
 */
export async function repeat<A extends Outcome>(
  call: (idempotencyKey: string) => Promise<A>,
  { forMs = FOR_MS, signal, onSlow }: RepeatOptions = {},
): Promise<A> {
  const slow = onSlow && setTimeout(onSlow, SLOW_MS);
  try {
    return await tryUntil(call, performance.now() + forMs, signal);
  } finally {
    clearTimeout(slow);
  }
}

async function tryUntil<A extends Outcome>(
  call: (idempotencyKey: string) => Promise<A>,
  endMs: number,
  signal: AbortSignal | undefined,
): Promise<A> {
  const idempotencyKey = newKey();
  for (let attempt = 1; ; attempt++) {
    const answer = await call(idempotencyKey);
    if (!mayRepeat(answer)) return answer;
    const pauseMs = Math.max(backOffMs(attempt, BACK_OFF), notBeforeMs(answer.retryAfterSeconds ?? 0));
    if (signal?.aborted || performance.now() + pauseMs > endMs) return answer;
    await sleep(pauseMs, signal);
    if (signal?.aborted) return answer;
  }
}

/** Whether the same call may have another answer without a change by the caller. */
export function mayRepeat<A extends Outcome>(answer: A): answer is Extract<A, { code: Passing }> {
  const passing: readonly string[] = REPEATABLE;
  return !answer.ok && (answer.code === 'NO_ANSWER' || passing.includes(answer.code ?? ''));
}

/** 128 random bits. Not `randomUUID`, which browsers have on pages of https alone. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
