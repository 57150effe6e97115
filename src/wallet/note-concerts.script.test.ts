import { expect, test } from 'vitest';
import { walletKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { noteConcerts as script } from './note-concerts.script.ts';
import { concertsOf, noteConcerts } from './note-concerts.ts';

const redis = await testRedis();

test('NOTED: many users over all partitions, safe to repeat', async () => {
  const notes = Array.from({ length: 300 }, (_, i) => ({ userId: `u_${i % 100}`, concertId: `c${i % 3}` }));
  await noteConcerts({ redis }, notes);
  await noteConcerts({ redis }, notes);
  expect((await concertsOf({ redis }, 'u_0')).sort()).toEqual(['c0', 'c1', 'c2']);
  expect(await redis.pttl(walletKeys('u_0').concerts)).toBe(-1);
  await noteConcerts({ redis }, []);
  expect(await concertsOf({ redis }, 'u_none')).toEqual([]);
});

test('NOTED: one concert for each key', async () => {
  const { concerts } = walletKeys('u_twice');
  const call = { keys: {}, args: {}, moreKeys: [concerts, concerts], moreArgs: ['a', 'b'] };
  expect(await script.run(redis, call)).toEqual({ outcome: 'NOTED' });
  expect((await redis.smembers(concerts)).toSorted()).toEqual(['a', 'b']);
});
