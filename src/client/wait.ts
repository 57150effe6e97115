/** How long to wait before the next attempt, and the waiting itself. */

/** The `attempt`-th (from 1) pause: doubling up to `maxMs`, and anywhere in its upper half, so that crowds do not step together. */
export function backOffMs(attempt: number, { firstMs, maxMs }: { firstMs: number; maxMs: number }): number {
  const wholeMs = Math.min(maxMs, firstMs * 2 ** (attempt - 1));
  return wholeMs * (0.5 + Math.random() / 2);
}

/** Never before `seconds`, and up to half as long again: all who were told the same time would come back at once. */
export function notBeforeMs(seconds: number): number {
  return seconds * 1000 * (1 + Math.random() / 2);
}

/** Resolves early where the signal is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
