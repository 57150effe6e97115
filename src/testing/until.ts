import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `holds` answers true; fails after `timeoutMs`. Tests never sleep for a fixed time. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  {
    timeoutMs = 20_000,
    everyMs = 10,
    what = 'the condition',
  }: { timeoutMs?: number; everyMs?: number; what?: string } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${timeoutMs} ms`);
    await sleep(everyMs);
  }
}
