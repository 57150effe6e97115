/** What the answers under way, the drain, the audit and the end of the servers may take at worst. */
const AFTERWARDS_MS = 120_000;

/** Until when a case may do harm so that it ends by its deadline with its books read. By `performance.now()`. */
export function harmUntil(deadlineMs: number): number {
  return deadlineMs - Math.min(AFTERWARDS_MS, (deadlineMs - performance.now()) / 2);
}
