import { expect, test } from 'vitest';
import { gatherCalls } from './gather-calls.ts';

test('one call a key for all of a turn, in the order of arrival, and a further one beyond the most', async () => {
  const calls: [string, readonly number[]][] = [];
  const ask = gatherCalls<number, string>({
    most: 3,
    async call(key, questions) {
      calls.push([key, [...questions]]);
      return questions.map((question) => `${key}${question}`);
    },
  });
  const answers = await Promise.all([ask('a', 1), ask('b', 2), ask('a', 3), ask('a', 4), ask('a', 5), ask('b', 6)]);
  expect(answers).toEqual(['a1', 'b2', 'a3', 'a4', 'a5', 'b6']);
  expect(calls).toEqual([
    ['a', [1, 3, 4]],
    ['b', [2, 6]],
    ['a', [5]],
  ]);
  expect(await ask('a', 7)).toBe('a7');
  expect(calls).toHaveLength(4);
});

test('a call that throws or rejects fails those who are in it, and nobody else', async () => {
  const ask = gatherCalls<string, string>({
    most: 10,
    call(key, questions) {
      if (key === 'throws') throw new Error('thrown');
      if (key === 'rejects') return Promise.reject(new Error('rejected'));
      return Promise.resolve([...questions]);
    },
  });
  const outcomes = await Promise.allSettled([ask('throws', 'x'), ask('good', 'y'), ask('rejects', 'z')]);
  expect(outcomes.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
    'Error: thrown',
    'y',
    'Error: rejected',
  ]);
});
