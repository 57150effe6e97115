import { describe, expect, test } from 'vitest';
import { testRedis } from '../testing/connect.ts';
import {
  agePlace,
  enter,
  holdSeats,
  join,
  leave,
  logOf,
  openRoom,
  placeOf,
  redisNow,
  SCHEDULE,
  touch,
} from '../testing/waiting-room.ts';
import { leaveScript } from './leave.script.ts';

const redis = await testRedis();

describe('LEFT', () => {
  test('a WAITING place goes with nothing but itself', async () => {
    const room = await openRoom(redis, { reentry: 'supersede' });
    const older = await enter(room, 'ann');
    const { reservationId } = await holdSeats(room, { userId: 'ann', numbers: [1], forMs: 60_000 });
    const newer = await join(room, 'ann');
    const since = (await logOf(room)).length;
    const before = await redisNow(redis);
    const answer = await leave(room, newer.queueId);
    expect(answer).toMatchObject({ outcome: 'LEFT', record: { status: 'L', reason: 'LEFT', sequence: 2 } });
    expect((await placeOf(room, newer.queueId))?.endedMs).toBeGreaterThanOrEqual(before);
    expect(await redis.zrange(room.keys.left, '0', '-1', 'WITHSCORES')).toEqual(['2', '2']);
    expect(await redis.zcard(room.keys.waiting)).toBe(0);
    expect(await redis.zrange(room.keys.ended, '0', '-1')).toEqual([newer.queueId]);
    expect(await redis.hgetall(room.keys.members)).toEqual({ 'a:ann': older.queueId });
    expect(await redis.hget(room.keys.reservation(reservationId), 'status')).toBe('HELD');
    expect(await redis.hget(room.keys.room, 'left_count')).toBe('1');
    expect(await logOf(room, since)).toEqual([{ n: since + 1, k: 'L', q: newer.queueId, s: '2', u: 'ann' }]);
  });

  test('an ACTIVE place goes with the live holds of its user', async () => {
    const room = await openRoom(redis);
    const ann = await enter(room, 'ann');
    await enter(room, 'bob');
    const first = await holdSeats(room, { userId: 'ann', numbers: [1, 2], forMs: 60_000 });
    const second = await holdSeats(room, { userId: 'ann', numbers: [3], forMs: 60_000 });
    const other = await holdSeats(room, { userId: 'bob', numbers: [4], forMs: 60_000 });
    const stock = await redis.hgetall(room.keys.stock);
    const since = (await logOf(room)).length;
    expect(await leave(room, ann.queueId)).toMatchObject({ outcome: 'LEFT' });
    expect(await redis.get(room.keys.status(SCHEDULE))).toBe('AAAH');
    expect(await redis.hgetall(room.keys.seats(SCHEDULE))).toEqual({ 'A-1-4': other.reservationId });
    for (const { reservationId } of [first, second]) {
      expect(await redis.hget(room.keys.reservation(reservationId), 'status')).toBe('CANCELLED');
    }
    expect(await redis.zrange(room.keys.holds, '0', '-1')).toEqual([other.reservationId]);
    expect(await redis.zcard(room.keys.live('ann'))).toBe(0);
    expect(await redis.hget(room.keys.stock, `f:${SCHEDULE}`)).toBe(String(Number(stock[`f:${SCHEDULE}`]) + 3));
    expect(await redis.hget(room.keys.stock, `v:${SCHEDULE}`)).toBe(String(Number(stock[`v:${SCHEDULE}`]) + 2));
    expect(await redis.zscore(room.keys.active, ann.queueId)).toBeNull();
    expect(await redis.hget(room.keys.members, 'a:ann')).toBeNull();
    const told = (await logOf(room, since)).map(({ k, r, q }) => `${k} ${r ?? q}`);
    expect(told.at(-1)).toBe(`E ${ann.queueId}`);
    // Two holds of one millisecond end in either order.
    expect(new Set(told.slice(0, -1))).toEqual(new Set([`R ${first.reservationId}`, `R ${second.reservationId}`]));
    expect(told).toHaveLength(3);
  });

  test('a seat that another has taken over stays theirs', async () => {
    const room = await openRoom(redis);
    const ann = await enter(room, 'ann');
    await holdSeats(room, { userId: 'ann', numbers: [1, 2], forMs: 60_000 });
    await redis.hset(room.keys.seats(SCHEDULE), 'A-1-1', 'rsv_of_another');
    await leave(room, ann.queueId);
    expect(await redis.hgetall(room.keys.seats(SCHEDULE))).toEqual({ 'A-1-1': 'rsv_of_another' });
    expect(await redis.get(room.keys.status(SCHEDULE))).toBe('HA');
  });

  test('a paid reservation is not given back', async () => {
    const room = await openRoom(redis);
    const ann = await enter(room, 'ann');
    const { reservationId } = await holdSeats(room, { userId: 'ann', numbers: [1], forMs: 60_000 });
    await redis.hset(room.keys.reservation(reservationId), 'status', 'CONFIRMED');
    await leave(room, ann.queueId);
    expect(await redis.hget(room.keys.reservation(reservationId), 'status')).toBe('CONFIRMED');
    expect(await redis.hget(room.keys.seats(SCHEDULE), 'A-1-1')).toBe(reservationId);
  });

  test('removal by an operator says so', async () => {
    const room = await openRoom(redis);
    const { queueId } = await join(room, 'ann');
    expect(await leave(room, queueId, 'REMOVED')).toMatchObject({ outcome: 'LEFT', record: { reason: 'REMOVED' } });
  });

  test('an older place of the same user takes the newer one with it in no case', async () => {
    const room = await openRoom(redis, { reentry: 'supersede' });
    const older = await enter(room, 'ann');
    const newer = await join(room, 'ann');
    await leave(room, older.queueId);
    expect(await redis.hgetall(room.keys.members)).toEqual({ 'w:ann': newer.queueId });
    expect(await redis.zrange(room.keys.waiting, '0', '-1')).toEqual([newer.queueId]);
    // It was ACTIVE: nobody behind it moves up for it.
    expect(await redis.zcard(room.keys.left)).toBe(0);
  });
});

describe('OVER', () => {
  test('a place that was left before, twice the same answer', async () => {
    const room = await openRoom(redis);
    const { queueId } = await join(room, 'ann');
    await leave(room, queueId);
    const since = (await logOf(room)).length;
    const expected = { outcome: 'OVER', record: { status: 'L', reason: 'LEFT' } };
    expect(await leave(room, queueId, 'REMOVED')).toMatchObject(expected);
    expect(await leave(room, queueId)).toMatchObject(expected);
    expect(await logOf(room, since)).toEqual([]);
    expect(await redis.hget(room.keys.room, 'left_count')).toBe('1');
  });

  test('a place whose deadline has passed keeps its reason', async () => {
    const room = await openRoom(redis);
    const { queueId } = await enter(room, 'ann');
    await touch(room, queueId);
    await agePlace(room, queueId);
    expect(await leave(room, queueId)).toMatchObject({
      outcome: 'OVER',
      record: { status: 'E', reason: 'SESSION_OVER' },
    });
  });
});

test('NONE', async () => {
  const room = await openRoom(redis);
  expect(await leave(room, 'q_of_nobody')).toEqual({ outcome: 'NONE' });
  expect(leaveScript.source).toMatch(/^#!lua flags=allow-oom\n/);
});
