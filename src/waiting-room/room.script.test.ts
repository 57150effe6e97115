import { describe, expect, test } from 'vitest';
import { onEveryMaster } from '../redis/client.ts';
import { testRedis } from '../testing/connect.ts';
import {
  admit,
  enter,
  holdSeats,
  join,
  joinAll,
  leave,
  newQueueId,
  openRoom,
  placeOf,
  redisNow,
  type TestRoom,
  touch,
} from '../testing/waiting-room.ts';
import { changeRoomScript } from './change-room.script.ts';
import { resetRoomScript } from './reset-room.script.ts';
import { tidyScript } from './tidy.script.ts';

const redis = await testRedis();

describe('change-room', () => {
  const change = ({ keys }: TestRoom, ...moreArgs: string[]) =>
    changeRoomScript.run(redis, { keys, args: {}, moreArgs });

  test('CHANGED: what is named, and nothing else', async () => {
    const room = await openRoom(redis, { capacity: 5 });
    const before = await redis.hgetall(room.keys.room);
    expect(await change(room, 'capacity', '9', 'reentry', 'supersede')).toEqual({ outcome: 'CHANGED' });
    expect(await redis.hgetall(room.keys.room)).toEqual({ ...before, capacity: '9', reentry: 'supersede' });
    expect(await change(room)).toEqual({ outcome: 'CHANGED' });
  });

  test('a room that has opened by itself can be closed', async () => {
    const room = await openRoom(redis, { state: 'CLOSED', opensAt: '2020-01-01T00:00:00Z' });
    await change(room, 'state', 'CLOSED');
    expect(await redis.hmget(room.keys.room, 'state', 'opens_at')).toEqual(['CLOSED', '']);
    const later = String((await redisNow(redis)) + 60_000);
    await change(room, 'opens_at', later);
    await change(room, 'state', 'CLOSED');
    expect(await redis.hget(room.keys.room, 'opens_at')).toBe(later);
    await change(room, 'state', 'CLOSED', 'opens_at', '5');
    expect(await redis.hget(room.keys.room, 'opens_at')).toBe('5');
  });

  test('NONE: no room is made', async () => {
    const room = await openRoom(redis);
    await redis.del(room.keys.room);
    expect(await change(room, 'capacity', '9')).toEqual({ outcome: 'NONE' });
    expect(await redis.exists(room.keys.room)).toBe(0);
  });
});

describe('reset-room', () => {
  test('RESET: a new epoch without places; settings, holds and the numbering of the log stay', async () => {
    const room = await openRoom(redis, { capacity: 1, sessionSeconds: 77 });
    const ann = await enter(room, 'ann');
    await leave(room, (await join(room, 'bob')).queueId);
    await join(room, 'cat');
    const { reservationId } = await holdSeats(room, { userId: 'ann', numbers: [1], forMs: 60_000 });
    const log = await redis.hget(room.keys.room, 'log');
    expect(await resetRoomScript.run(redis, { keys: room.keys, args: { epoch: 'newer', by: '' } })).toEqual({
      outcome: 'RESET',
    });
    const { places, waiting, active, members, ended, left } = room.keys;
    expect(await redis.exists(places, waiting, active, members, ended, left)).toBe(0);
    const fields = await redis.hmget(
      room.keys.room,
      'epoch',
      'seq',
      'frontier',
      'admitted',
      'session_ms',
      'log',
      'tokens',
    );
    expect(fields).toEqual(['newer', '0', '0', '0', '77000', log, null]);
    expect(await redis.hget(room.keys.reservation(reservationId), 'status')).toBe('HELD');
    expect(await touch(room, ann.queueId)).toEqual({ outcome: 'NONE' });
    const again = await enter(room, 'ann');
    expect(again).toMatchObject({ sequence: 1, epoch: 'newer' });
  });

  test('sent again, since its answer was lost: RESET, and whoever has joined since stays', async () => {
    const room = await openRoom(redis);
    const reset = (epoch: string, by: string) => resetRoomScript.run(redis, { keys: room.keys, args: { epoch, by } });
    await reset('second', 'one');
    const { queueId } = await join(room, 'ann');
    expect(await reset('third', 'one')).toEqual({ outcome: 'RESET' });
    expect(await redis.hget(room.keys.room, 'epoch')).toBe('second');
    expect(await placeOf(room, queueId)).not.toBeNull();
    await reset('third', 'two');
    expect(await redis.hget(room.keys.room, 'epoch')).toBe('third');
  });

  test('NONE', async () => {
    const room = await openRoom(redis);
    await redis.del(room.keys.room);
    expect(await resetRoomScript.run(redis, { keys: room.keys, args: { epoch: 'newer', by: '' } })).toEqual({
      outcome: 'NONE',
    });
    expect(await redis.exists(room.keys.room)).toBe(0);
  });
});

describe('tidy', () => {
  test('TIDIED: places that ended long ago, at most so many', async () => {
    const room = await openRoom(redis);
    const over = [];
    for (const userId of ['ann', 'bob', 'cat', 'dan']) over.push(await join(room, userId));
    for (const { queueId } of over) await leave(room, queueId);
    const eve = await join(room, 'eve');
    const [ann, bob, cat, dan] = over.map(({ queueId }) => queueId);
    for (const queueId of [ann, bob, cat]) await redis.zadd(room.keys.ended, 'XX', 1, String(queueId));
    const tidy = (max: number) => tidyScript.run(redis, { keys: room.keys, args: { kept_ms: 43_200_000, max } });
    expect(await tidy(2)).toEqual({ outcome: 'TIDIED', count: 2 });
    expect(await tidy(2)).toEqual({ outcome: 'TIDIED', count: 1 });
    expect(await tidy(2)).toEqual({ outcome: 'TIDIED', count: 0 });
    expect((await redis.hkeys(room.keys.places)).sort()).toEqual([String(dan), eve.queueId].sort());
    expect(await redis.zrange(room.keys.ended, '0', '-1')).toEqual([dan]);
  });
});

test('while Redis is full, what frees it runs, and a join is refused before it has done anything', async () => {
  const room = await openRoom(redis);
  const [ann, bob] = [await enter(room, 'ann'), await enter(room, 'bob')];
  await join(room, 'cat');
  await holdSeats(room, { userId: 'ann', numbers: [1], forMs: 60_000 });
  const before = await redis.hgetall(room.keys.room);
  await onEveryMaster(redis, async (node) => void (await node.config('SET', 'maxmemory', '1mb')));
  try {
    await expect(joinAll(room, [{ userId: 'dan', queueId: newQueueId() }])).rejects.toThrow('OOM');
    expect(await redis.hgetall(room.keys.room)).toEqual(before);
    expect(await leave(room, ann.queueId)).toMatchObject({ outcome: 'LEFT' });
    expect(await touch(room, bob.queueId)).toMatchObject({ outcome: 'ACTIVE' });
    expect(await admit(room)).toMatchObject({ outcome: 'ADMITTED', admitted: 1 });
    expect(await tidyScript.run(redis, { keys: room.keys, args: { kept_ms: 0, max: 9 } })).toMatchObject({ count: 1 });
    const reset = { keys: room.keys, args: { epoch: 'newer', by: '' } };
    expect(await resetRoomScript.run(redis, reset)).toEqual({ outcome: 'RESET' });
  } finally {
    await onEveryMaster(redis, async (node) => void (await node.config('SET', 'maxmemory', '0')));
  }
  expect(await placeOf(room, bob.queueId)).toBeNull();
});
