import { expect, test } from 'vitest';
import { createRecent } from './recent.ts';

test('keeps what is used, forgets what is not, and never grows beyond its bound', () => {
  const recent = createRecent<number>(10);
  recent.set('mine', -1);
  for (let i = 0; i < 1000; i++) {
    recent.set(`other ${i}`, i);
    expect(recent.get('mine')).toBe(-1);
    expect(recent.size).toBeLessThanOrEqual(10);
  }
  expect(recent.get('other 1')).toBeUndefined();
  expect(recent.get('other 999')).toBe(999);
});

test('a later value takes the place of an earlier one, whichever generation it is in', () => {
  const recent = createRecent<number>(4);
  recent.set('a', 1);
  recent.set('b', 1);
  recent.set('c', 1);
  recent.set('a', 2);
  expect(recent.get('a')).toBe(2);
  recent.delete('a');
  expect(recent.get('a')).toBeUndefined();
});
