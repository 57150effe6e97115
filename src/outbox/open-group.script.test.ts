import { afterEach, expect, test } from 'vitest';
import type { Redis } from 'ioredis';
import { concertKeys } from '../redis/keys.ts';
import { onCluster, testRedis } from '../testing/connect.ts';
import { openGroup } from './open-group.script.ts';
import { GROUP } from './outboxes.ts';

const redis = await testRedis();
let concerts = 0;
const newOutbox = () => concertKeys(`group-${++concerts}`).outbox;
const open = (outbox: string) => openGroup.run(redis, { keys: { outbox }, args: {} });
const readNew = (outbox: string) => redis.xreadgroup('GROUP', GROUP, GROUP, 'STREAMS', outbox, '>');
afterEach(async () => {
  if (!onCluster) await (redis as Redis).config('SET', 'maxmemory', 0);
});

test('OPENED: from the beginning of the stream; ALREADY: what was read stays read', async () => {
  const outbox = newOutbox();
  const id = await redis.xadd(outbox, '*', 'e', 'payment');
  expect(await open(outbox)).toEqual({ outcome: 'OPENED' });
  expect(await readNew(outbox)).toEqual([[outbox, [[id, ['e', 'payment']]]]]);
  expect(await open(outbox)).toEqual({ outcome: 'ALREADY' });
  expect(await readNew(outbox)).toBeNull();
  expect((await redis.xpending(outbox, GROUP))[0]).toBe(1);
});

test('OPENED: where there is no stream yet', async () => {
  const outbox = newOutbox();
  expect(await open(outbox)).toEqual({ outcome: 'OPENED' });
  expect([await redis.xlen(outbox), await redis.ttl(outbox)]).toEqual([0, -1]);
});

test.skipIf(onCluster)('while Redis is full, too, which refuses XGROUP', async () => {
  const outbox = newOutbox();
  const id = await redis.xadd(outbox, '*', 'e', 'payment');
  await (redis as Redis).config('SET', 'maxmemory', 1);
  await expect(redis.xgroup('CREATE', outbox, GROUP, '0')).rejects.toThrow('OOM');
  expect(await open(outbox)).toEqual({ outcome: 'OPENED' });
  expect(await readNew(outbox)).toEqual([[outbox, [[id, ['e', 'payment']]]]]);
});

test('a key that is no stream is an error', async () => {
  const outbox = newOutbox();
  await redis.set(outbox, 'x');
  await expect(open(outbox)).rejects.toThrow('WRONGTYPE');
});
