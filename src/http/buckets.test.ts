import { expect, test } from 'vitest';
import { createBuckets } from './buckets.ts';

test('a bucket lasts for a burst, then for one call each time a token comes back', () => {
  let now = 0;
  const buckets = createBuckets({ burst: 3, refillMs: 100 }, () => now);
  for (let i = 0; i < 3; i++) expect(buckets.of('ann').take()).toBe(0);
  expect(buckets.of('ann').take()).toBeCloseTo(0.1);
  expect(buckets.of('bob').take()).toBe(0);
  now = 50;
  expect(buckets.of('ann').take()).toBeCloseTo(0.05);
  now = 100;
  expect(buckets.of('ann').take()).toBe(0);
  expect(buckets.of('ann').take()).toBeGreaterThan(0);
  now = 1_000_000;
  for (let i = 0; i < 3; i++) expect(buckets.of('ann').take()).toBe(0);
  expect(buckets.of('ann').take()).toBeGreaterThan(0);
});

test('whoever polls as slowly as told meets no limit, whatever the pace becomes', () => {
  let now = 0;
  const buckets = createBuckets({ burst: 8, refillMs: 500 }, () => now);
  for (const pollAfterSeconds of [...Array(50).fill(20), ...Array(50).fill(1), ...Array(50).fill(10)]) {
    expect(buckets.of('q').take()).toBe(0);
    buckets.of('q').pace((pollAfterSeconds * 1000) / 2);
    now += pollAfterSeconds * 1000;
  }
});

test('a place that is polled twice as often runs dry', () => {
  let now = 0;
  const buckets = createBuckets({ burst: 8, refillMs: 500 }, () => now);
  const refused: number[] = [];
  for (let i = 0; i < 100; i++) {
    refused.push(buckets.of('q').take());
    buckets.of('q').pace(5_000);
    now += 2_500;
  }
  expect(refused.filter((seconds) => seconds > 0).length).toBeGreaterThan(30);
});

test('0 turns a limit off', () => {
  for (const size of [
    { burst: 0, refillMs: 100 },
    { burst: 5, refillMs: Infinity },
  ]) {
    const buckets = createBuckets(size);
    for (let i = 0; i < 100; i++) expect(buckets.of('ann').take()).toBe(0);
  }
});

test('one that is kept is the one of that name', () => {
  const buckets = createBuckets({ burst: 2, refillMs: 100 }, () => 0);
  const kept = buckets.of('ann');
  kept.take();
  expect([buckets.of('ann').take(), kept.take() > 0]).toEqual([0, true]);
});
