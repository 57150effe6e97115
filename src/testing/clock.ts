import { onTestFinished, vi } from 'vitest';

export interface StoppedClock {
  pass(ms: number): void;
  /** before the end of the test: it is the machine's again */
  goOn(): void;
}

/** The monotonic clock of this process stands still until the end of the test, however long the machine takes, or is told. */
export function stopClock(): StoppedClock {
  let nowMs = Math.ceil(performance.now()); // sums of whole ones are exact
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  const goOn = () => spy.mockRestore();
  onTestFinished(goOn);
  return { pass: (ms) => void (nowMs += ms), goOn };
}
