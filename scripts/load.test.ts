/** What of the load tests can be wrong without k6: the plans, the report, the README. The stories run in the smoke. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PLANS, planned, type StoryName } from '../loadtest/shared/plans.ts';
import { ERRORS } from '../src/errors.ts';
import { readmeWithLoad } from './document-load.ts';
import { type Books, countOf, type K6Metrics, makeReport, renderReport } from './load-report.ts';

const root = resolve(import.meta.dirname, '..');
const NAMES = Object.keys(PLANS) as StoryName[];

describe('plans', () => {
  test.each(NAMES)('%s has a file, users for everybody, and rates that follow from its variables', (name) => {
    expect(existsSync(resolve(root, 'loadtest', `${name}.ts`))).toBe(true);
    const plan = PLANS[name] as { fans(v: object): number; rates(v: object): { asked: number }[] };
    for (const env of [{}, { SMOKE: '1' }]) {
      const variables = planned(name, env);
      expect(plan.fans(variables)).toBeGreaterThan(0);
      expect(plan.rates(variables).some(({ asked }) => asked > 0)).toBe(true);
    }
  });

  test('the environment sets a variable; what is no number is refused', () => {
    expect(planned('doors-open', { RATE: '7' }).RATE).toBe(7);
    expect(planned('doors-open', { RATE: '', SMOKE: '1' }).RATE).toBe(100);
    expect(() => planned('doors-open', { RATE: 'many' })).toThrow('RATE: must be a number, but it is "many"');
  });
});

test('every code of the contract is counted', () => {
  const calls = readFileSync(resolve(root, 'loadtest/shared/calls.ts'), 'utf8');
  expect(Object.keys(ERRORS).filter((code) => !calls.includes(`'${code}'`))).toEqual([]);
});

test('the README names every variable; `node scripts/document-load.ts` writes them', () => {
  const readme = readFileSync(resolve(root, 'README.md'), 'utf8');
  expect(readmeWithLoad(readme)).toBe(readme);
});

describe('the report', () => {
  const metrics: K6Metrics = {
    wins: { type: 'counter', values: { count: 40, rate: 1 }, thresholds: { 'count==40': { ok: true } } },
    refused_SEAT_TAKEN: { type: 'counter', values: { count: 9, rate: 1 } },
    ms_hold: { type: 'trend', values: { min: 1, med: 2, 'p(95)': 3, 'p(99)': 4, max: 5.04, count: 49 } },
  };
  const books: Books = { clean: true, differences: [], what: 'seats held', expected: 40, found: 40 };
  const facts = {
    story: 'hold-storm' as const,
    variables: planned('hold-storm', {}),
    metrics,
    loadBefore: 0.04,
    exitCode: 0,
    k6: 'v2.0.0',
    server: 'one',
    generator: 'another',
    cpu: {},
    pauses: [{ kind: 'Scavenge', ms: 21.04, fromMb: 50.2, toMb: 40 }],
    books,
  };

  test('counts counters and spans trends', () => {
    expect(countOf(metrics, 'wins')).toBe(40);
    expect(countOf(metrics, 'ms_hold')).toBe(5.04);
    expect(countOf(metrics, 'ms_hold', 'span')).toBeCloseTo(4.04);
    expect(countOf(metrics, 'nothing')).toBe(0);
  });

  test('says what was asked and reached, and the errors by code', () => {
    const text = renderReport(makeReport(facts));
    expect(text).toContain('| result | passed |');
    expect(text).toContain('| seats won | asked 40, reached 40 |');
    expect(text).toContain('| answers by error code | SEAT_TAKEN 9 |');
    expect(text).toContain('| hold, ms | median 2, p95 3, p99 4, max 5 (49) |');
    expect(text).toContain('| garbage collections over 20 ms | 1, the longest: Scavenge 21 ms (50.2 to 40 MB) |');
    expect(text).toContain('| books | audit clean; seats held: 40 |');
  });

  test.each([
    ['a threshold is broken', { exitCode: 99 }],
    ['the audit is not clean', { books: { ...books, clean: false } }],
    ['another number of seats was sold than won', { books: { ...books, found: 41 } }],
  ])('failed where %s', (_, change) => {
    expect(makeReport({ ...facts, ...change }).passed).toBe(false);
  });
});
