import { describe, expect, test } from 'vitest';
import { entryPrefix } from '../wallet/entry.ts';
import { partitionKeys, walletKeys, walletPartition } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { GROUP } from './outboxes.ts';
import { settleEntries } from './settle-entries.script.ts';

const redis = await testRedis();
let users = 0;

/** A wallet with entries 1 … count, all pending in its partition's outbox. */
async function walletOf(count: number) {
  users += 1;
  const userId = `settled user|${users}`;
  const keys = walletKeys(userId);
  const partition = partitionKeys(walletPartition(userId));
  const ids: string[] = [];
  await redis.hset(keys.wallet, { entries: count, first: 1, recorded: 0 });
  for (let n = 1; n <= count; n++) {
    await redis.rpush(keys.history, `${n}|CHARGE|1|${n}|0|${entryPrefix(userId)}`);
    ids.push((await redis.xadd(keys.outbox, '*', 'e', 'entry', 'n', n)) ?? '');
  }
  await redis.xgroup('CREATE', keys.outbox, GROUP, '0', 'MKSTREAM').catch(() => {}); // another wallet of the partition made it
  await redis.xreadgroup('GROUP', GROUP, GROUP, 'COUNT', 1000, 'STREAMS', keys.outbox, '>');
  const settle = (numbers: number[], kept = 100) =>
    settleEntries.run(redis, {
      keys: partition,
      args: { kept },
      moreArgs: numbers.flatMap((n) => [ids[n - 1] ?? '', userId, n]),
    });
  const state = async () => {
    const [recorded, first] = await redis.hmget(keys.wallet, 'recorded', 'first');
    const gap = await redis.zrange(keys.gap, '0', '-1');
    return { recorded: Number(recorded), first: Number(first), gap: gap.map(Number) };
  };
  const history = async () => (await redis.lrange(keys.history, 0, -1)).map((packed) => Number(packed.split('|')[0]));
  return { userId, keys, ids, settle, state, history };
}

describe('SETTLED', () => {
  test('takes the entries out and counts on', async () => {
    const { settle, state, keys, ids } = await walletOf(3);
    expect(await settle([1, 2])).toMatchObject({ outcome: 'SETTLED', count: 2 });
    expect(await state()).toEqual({ recorded: 2, first: 1, gap: [] });
    expect((await redis.xrange(keys.outbox, '-', '+')).map(([id]) => id)).toEqual([ids[2]]);
    expect(await redis.xpending(keys.outbox, GROUP, '-', '+', 10)).toHaveLength(1);
  });

  test('numbers ahead of their turn wait in the gap', async () => {
    const { settle, state, keys } = await walletOf(6);
    await settle([5, 6]);
    expect(await state()).toEqual({ recorded: 0, first: 1, gap: [5, 6] });
    await settle([3, 1]);
    expect(await state()).toEqual({ recorded: 1, first: 1, gap: [3, 5, 6] });
    await settle([2]);
    expect(await state()).toEqual({ recorded: 3, first: 1, gap: [5, 6] });
    await settle([4]);
    expect(await state()).toEqual({ recorded: 6, first: 1, gap: [] });
    expect(await redis.exists(keys.gap)).toBe(0);
  });

  test('a number of the gap that comes again with the one before it does not stay there', async () => {
    const { settle, state } = await walletOf(5);
    await settle([2, 4]);
    await settle([2, 1]);
    expect(await state()).toEqual({ recorded: 2, first: 1, gap: [4] });
    await settle([3, 5]);
    expect(await state()).toEqual({ recorded: 5, first: 1, gap: [] });
  });

  test('a gap of hundreds closes at once', async () => {
    const { settle, state } = await walletOf(350);
    await settle(Array.from({ length: 349 }, (_, i) => i + 2));
    expect((await state()).recorded).toBe(0);
    await settle([1]);
    expect(await state()).toEqual({ recorded: 350, first: 251, gap: [] });
  });

  test('again: nothing more', async () => {
    const { settle, state } = await walletOf(3);
    await settle([1, 3]);
    expect(await settle([1, 3])).toMatchObject({ count: 0 });
    expect(await state()).toEqual({ recorded: 1, first: 1, gap: [3] });
  });

  test('of the recorded entries the last few stay, and every unrecorded one', async () => {
    const { settle, state, history } = await walletOf(10);
    await settle([1, 2, 3, 4, 5, 6], 2);
    expect(await state()).toEqual({ recorded: 6, first: 5, gap: [] });
    expect(await history()).toEqual([5, 6, 7, 8, 9, 10]);
    await settle([7, 9], 2);
    expect(await history()).toEqual([6, 7, 8, 9, 10]);
  });

  test('a dead letter leaves the outbox, and the count stays before it', async () => {
    const { settle, state, ids, keys } = await walletOf(3);
    await settleEntries.run(redis, { keys, args: { kept: 100 }, moreArgs: [ids[1] ?? '', '', ''] });
    await settle([1, 3]);
    expect(await state()).toEqual({ recorded: 1, first: 1, gap: [3] });
    expect(await redis.xlen(keys.outbox)).toBe(0);
  });

  test('makes up no wallet', async () => {
    const { settle, keys } = await walletOf(2);
    await redis.del(keys.wallet, keys.history);
    await settle([1, 2]);
    expect(await redis.exists(keys.wallet, keys.history, keys.gap)).toBe(0);
  });

  test('a whole chunk of 500 of many users', async () => {
    const { keys } = await walletOf(0);
    const partition = walletPartition(`settled user|${users}`);
    const crowd = Array.from({ length: 20_000 }, (_, i) => `crowd ${i}`)
      .filter((userId) => walletPartition(userId) === partition)
      .slice(0, 250);
    const moreArgs: (string | number)[] = [];
    for (const userId of crowd) {
      await redis.hset(walletKeys(userId).wallet, { entries: 2, first: 1, recorded: 0 });
      for (const n of [1, 2]) moreArgs.push((await redis.xadd(keys.outbox, '*', 'e', 'entry')) ?? '', userId, n);
    }
    expect(await settleEntries.run(redis, { keys, args: { kept: 100 }, moreArgs })).toMatchObject({ count: 500 });
    expect(await redis.hget(walletKeys(crowd[249] ?? '').wallet, 'recorded')).toBe('2');
  });
});
