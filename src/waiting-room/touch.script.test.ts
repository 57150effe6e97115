import { describe, expect, test } from 'vitest';
import { testRedis } from '../testing/connect.ts';
import {
  agePlace,
  enter,
  holdSeats,
  join,
  leave,
  logOf,
  markPaid,
  openRoom,
  placeOf,
  redisNow,
  touch,
} from '../testing/waiting-room.ts';
import { touchScript } from './touch.script.ts';

const redis = await testRedis();

describe('ACTIVE', () => {
  test('the first touch claims: the session starts, and others are told', async () => {
    const room = await openRoom(redis, { claimSeconds: 10, sessionSeconds: 600 });
    const { queueId } = await enter(room, 'ann');
    const since = (await logOf(room)).length;
    const before = await redisNow(redis);
    const answer = await touch(room, queueId);
    const place = await placeOf(room, queueId);
    expect(answer).toEqual({ outcome: 'ACTIVE', record: place, nowMs: expect.any(Number) });
    expect(place?.sessionEndMs).toBeGreaterThanOrEqual(before + 600_000);
    expect(place?.deadlineMs).toBe(place?.sessionEndMs);
    expect(await redis.zscore(room.keys.active, queueId)).toBe(String(place?.sessionEndMs));
    expect(await logOf(room, since)).toEqual([{ n: since + 1, k: 'D', q: queueId }]);
  });

  test('a later one changes nothing', async () => {
    const room = await openRoom(redis);
    const { queueId } = await enter(room, 'ann');
    const first = await touch(room, queueId);
    const since = (await logOf(room)).length;
    expect(await touch(room, queueId)).toMatchObject({ record: first.outcome === 'ACTIVE' && first.record });
    expect(await logOf(room, since)).toEqual([]);
  });

  test('a session shorter than the claim window starts with the claim all the same', async () => {
    const room = await openRoom(redis, { claimSeconds: 600, sessionSeconds: 5 });
    const { queueId } = await enter(room, 'ann');
    const answer = await touch(room, queueId);
    if (answer.outcome !== 'ACTIVE') throw new Error(answer.outcome);
    expect(answer.record.deadlineMs - answer.nowMs).toBe(5_000);
  });

  test('a live hold of an earlier place carries the deadline', async () => {
    const room = await openRoom(redis, { sessionSeconds: 5 });
    const { deadline } = await holdSeats(room, { userId: 'ann', numbers: [1], forMs: 300_000 });
    const { queueId } = await enter(room, 'ann');
    expect(await touch(room, queueId)).toMatchObject({ outcome: 'ACTIVE', record: { deadlineMs: deadline } });
  });

  test('a place that lives on after a payment, for other holds', async () => {
    const room = await openRoom(redis);
    const { queueId } = await enter(room, 'ann');
    await touch(room, queueId);
    await markPaid(room, queueId);
    expect(await touch(room, queueId)).toMatchObject({ outcome: 'ACTIVE', record: { paid: true } });
  });
});

describe('NOT_ACTIVE', () => {
  test('a WAITING place', async () => {
    const room = await openRoom(redis);
    const { queueId } = await join(room, 'ann');
    expect(await touch(room, queueId)).toMatchObject({ outcome: 'NOT_ACTIVE', record: { status: 'W' } });
  });

  test('a place past its deadline is ended by whoever looks', async () => {
    const room = await openRoom(redis);
    const { queueId } = await enter(room, 'ann');
    await agePlace(room, queueId);
    const expected = { outcome: 'NOT_ACTIVE', record: { status: 'E', reason: 'UNCLAIMED' } };
    expect(await touch(room, queueId)).toMatchObject(expected);
    expect(await placeOf(room, queueId)).toMatchObject({ status: 'E' });
    expect(await redis.zcard(room.keys.active)).toBe(0);
  });

  test('a place that was left', async () => {
    const room = await openRoom(redis);
    const { queueId } = await enter(room, 'ann');
    await leave(room, queueId);
    expect(await touch(room, queueId)).toMatchObject({
      outcome: 'NOT_ACTIVE',
      record: { status: 'L', reason: 'LEFT' },
    });
  });
});

test('NONE', async () => {
  const room = await openRoom(redis);
  const call = { keys: room.keys, args: { queue_id: 'q_of_nobody' } };
  expect(await touchScript.run(redis, call)).toEqual({ outcome: 'NONE' });
});
