import { expect, test } from 'vitest';
import type { Case } from './case.ts';

/** A short form takes 10 to 15 s where the machine is not busy with something else. */
const SHORT_MS = 60_000;
const TEST_MS = 120_000;

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
