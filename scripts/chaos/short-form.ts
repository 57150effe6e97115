import { expect, test } from 'vitest';
import type { Case } from './case.ts';

/** A short form ends by its size, after 10 to 15 s; these are for a machine whose start of a fleet alone takes a minute. */
const SHORT_MS = 180_000;
const TEST_MS = 300_000;

/** The same run every time; the long forms take another seed with each. */
const seed = 1;

/** One name in chaos*.test.ts: the case's short form as a test. */
export function shortForm({ name, about, short, run }: Case): void {
  test(`${name}: ${about}`, { timeout: TEST_MS }, async () => {
    const told: string[] = [];
    const verdict = await run({
      size: short,
      deadlineMs: performance.now() + SHORT_MS,
      seed,
      tell: (line) => told.push(line),
    });
    const message = `seed ${seed}; ${verdict.done}\n${told.join('\n')}`;
    expect(
      verdict.checks.flatMap(({ what, violations }) => violations.map((violation) => `${what}: ${violation}`)),
      message,
    ).toEqual([]);
    expect(verdict.runs, message).toBeGreaterThan(0);
    expect(verdict.operations, message).toBeGreaterThan(0);
    for (const { what, looked } of verdict.checks) expect(looked, what).toBeGreaterThan(0);
  });
}
