import { expect, test } from 'vitest';
import { newId, randomHex } from './ids.ts';

test('an id is its prefix and 32 hexadecimal digits, and no two are alike', () => {
  const ids = Array.from({ length: 10_000 }, () => newId('q'));
  expect(ids.every((id) => /^q_[0-9a-f]{32}$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
});

test('every bit of it is random: each is set in about half of them', () => {
  const counts = Array.from({ length: 128 }, () => 0);
  const all = 4_000;
  for (let i = 0; i < all; i++) {
    const bits = BigInt(`0x${randomHex()}`);
    for (let bit = 0; bit < 128; bit++) if ((bits >> BigInt(bit)) & 1n) counts[bit] = (counts[bit] ?? 0) + 1;
  }
  // Ten times the standard deviation, which is 32.
  for (const count of counts) expect(Math.abs(count - all / 2)).toBeLessThan(320);
});
