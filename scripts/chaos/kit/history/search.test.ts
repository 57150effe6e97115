/** The search by itself: a counter that calls add to and read, with deadlines. */
import { expect, test } from 'vitest';
import { linearize, type Model, type Timed } from './search.ts';

type Op = Timed & ({ add: number } | { read: number } | { readBefore: number; deadline: number });

const counter: Model<number, Op> = {
  initial: 0,
  key: String,
  step(state, op, from) {
    if ('add' in op) return [{ state: state + op.add, at: from }];
    if ('read' in op) return op.read === state ? [{ state, at: from }] : [];
    return op.readBefore === state && from < op.deadline ? [{ state, at: from }] : [];
  },
  tell: (state) => `it is ${state}`,
  tellOp: (op) => JSON.stringify(op),
};

const word = (...history: Op[]) => linearize(history, counter).word;

test('one call after the other', () => {
  expect(word({ lo: 0, hi: 1, add: 2 }, { lo: 2, hi: 3, read: 2 })).toBe('POSSIBLE');
  expect(word({ lo: 0, hi: 1, add: 2 }, { lo: 2, hi: 3, read: 0 }), 'a stale read').toBe('IMPOSSIBLE');
});

test('calls that overlap may have happened in any order, but in one', () => {
  const add = { lo: 0, hi: 10, add: 1 };
  expect(word(add, { lo: 1, hi: 2, read: 0 }, { lo: 3, hi: 4, read: 1 })).toBe('POSSIBLE');
  expect(word(add, { lo: 1, hi: 2, read: 1 }, { lo: 3, hi: 4, read: 0 }), 'there and back').toBe('IMPOSSIBLE');
  expect(word({ ...add, hi: 2 }, { lo: 1, hi: 9, read: 1 }, { lo: 0, hi: 8, add: 1 })).toBe('POSSIBLE');
});

test('what was never answered has an effect at any later time, or none', () => {
  const lost: Op = { lo: 0, hi: Number.POSITIVE_INFINITY, add: 1, optional: true };
  expect(word(lost, { lo: 5, hi: 6, read: 0 })).toBe('POSSIBLE');
  expect(word(lost, { lo: 5, hi: 6, read: 0 }, { lo: 7, hi: 8, read: 1 })).toBe('POSSIBLE');
  expect(word(lost, { lo: 5, hi: 6, read: 1 }, { lo: 7, hi: 8, read: 0 })).toBe('IMPOSSIBLE');
  expect(word({ ...lost, lo: 7 }, { lo: 5, hi: 6, read: 1 }), 'before it was asked for').toBe('IMPOSSIBLE');
});

test('time does not go back: what must come after a moment keeps what follows after it, too', () => {
  const late: Op = { lo: 4, hi: 9, add: 1 };
  expect(word(late, { lo: 0, hi: 9, readBefore: 1, deadline: 5 })).toBe('POSSIBLE');
  expect(word(late, { lo: 0, hi: 9, readBefore: 1, deadline: 3 })).toBe('IMPOSSIBLE');
});

test('heavy overlap: 200 calls at once are decided in few steps, and so is one wrong answer among them', () => {
  const history: Op[] = [];
  for (let i = 0; i < 200; i++) history.push({ lo: i, hi: i + 4, add: 1 }, { lo: i + 3, hi: i + 6, read: i + 1 });
  const good = linearize(history, counter);
  expect(good.word).toBe('POSSIBLE');
  expect(good.looked).toBeLessThan(5_000);
  const bad = linearize([...history, { lo: 150, hi: 152, read: 3 }], counter);
  expect(bad).toMatchObject({ word: 'IMPOSSIBLE', stuck: expect.stringContaining('"read":3') });
});
