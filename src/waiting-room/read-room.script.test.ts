import { describe, expect, test } from 'vitest';
import { testRedis } from '../testing/connect.ts';
import {
  admit,
  agePlace,
  enter,
  holdSeats,
  join,
  leave,
  openRoom,
  redisNow,
  SCHEDULE,
  type TestRoom,
  touch,
} from '../testing/waiting-room.ts';
import { readRoomScript } from './read-room.script.ts';

const redis = await testRedis();

async function read(
  { keys }: TestRoom,
  args: { since?: number; log_max?: number; left_after?: number; left_max?: number } = {},
) {
  const answer = await readRoomScript.run(redis, {
    keys,
    args: { since: -1, log_max: 1_000, left_after: 0, left_max: 5_000, ...args },
  });
  if (answer.outcome === 'NONE') throw new Error('there is no such room');
  return answer.reading;
}

describe('ROOM', () => {
  test('the numbers of a room', async () => {
    const room = await openRoom(redis, {
      capacity: 2,
      claimSeconds: 30,
      state: 'OPEN',
      opensAt: '2020-01-01T00:00:00Z',
    });
    await redis.hset(room.keys.catalogue, 'revision', 7);
    await redis.hset(room.keys.stock, { 'v:d1': 3, 'f:d1': 40, sold: 5, revenue: 500_000 });
    const ann = await join(room, 'ann');
    await join(room, 'bob');
    const cat = await join(room, 'cat');
    await join(room, 'dan');
    await admit(room);
    await leave(room, cat.queueId);
    await agePlace(room, ann.queueId);
    const before = await redisNow(redis);
    await redis.hset(room.keys.room, 'rate_since', before + 60_000); // as if admission had just begun
    const reading = await read(room);
    expect(reading).toMatchObject({
      state: 'OPEN',
      ratePerSecond: 2,
      waiting: 1,
      active: 1,
      revision: 7,
      epoch: await redis.hget(room.keys.room, 'epoch'),
      opensAtMs: Date.parse('2020-01-01T00:00:00Z'),
      capacity: 2,
      claimMs: 30_000,
      frontier: 2,
      admitted: 2,
      expired: 0,
      noShows: 0,
      left: 1,
      used: 0,
      logNumber: 2,
      slice: [3],
      log: [],
    });
    expect(Object.fromEntries(reading.stock)).toEqual({ 'v:d1': '3', 'f:d1': '40', sold: '5', revenue: '500000' });
    expect(reading.nowMs).toBeGreaterThanOrEqual(before);
  });

  test('a CLOSED room whose time has come reads OPEN', async () => {
    const room = await openRoom(redis, { state: 'CLOSED', opensAt: '2020-01-01T00:00:00Z' });
    expect((await read(room)).state).toBe('OPEN');
  });

  test('the log since a number, as changes', async () => {
    const room = await openRoom(redis);
    const ann = await enter(room, 'ann');
    const bob = await join(room, 'bob');
    const since = 1;
    await touch(room, ann.queueId);
    await leave(room, bob.queueId);
    const { reservationId } = await holdSeats(room, { userId: 'ann', numbers: [1], forMs: 60_000 });
    await leave(room, ann.queueId);
    const cat = await enter(room, 'cat');
    const reading = await read(room, { since, left_after: -1 });
    expect(reading.log).toEqual([
      { number: 2, change: { kind: 'DEADLINE', queueId: ann.queueId } },
      { number: 3, change: { kind: 'LEFT_WAITING', queueId: bob.queueId, sequence: 2, userId: 'bob' } },
      { number: 4, change: { kind: 'RESERVATION', reservationId, userId: 'ann' } },
      { number: 5, change: { kind: 'ENDED', queueId: ann.queueId, userId: 'ann' } },
      { number: 6, change: { kind: 'ADMITTED', queueIds: [cat.queueId] } },
    ]);
    expect(reading.slice).toEqual([]);
    expect(reading.logNumber).toBe(6);
    expect((await read(room, { since: 6 })).log).toEqual([]);
    expect((await read(room, { since: 9 })).log).toEqual([]);
    expect((await read(room, { since: 1, log_max: 2 })).log.map(({ number }) => number)).toEqual([2, 3]);
    expect(await redis.get(room.keys.status(SCHEDULE))).toBe('A');
  });

  test('what was trimmed shows as a gap after `since`', async () => {
    const room = await openRoom(redis);
    for (const userId of ['ann', 'bob', 'cat']) await leave(room, (await join(room, userId)).queueId);
    await redis.xtrim(room.keys.log, 'MAXLEN', '=', 1);
    const reading = await read(room, { since: 1 });
    expect(reading.logNumber).toBe(3);
    expect(reading.log.map(({ number }) => number)).toEqual([3]);
  });

  test('`left` in slices, above the frontier only', async () => {
    const room = await openRoom(redis);
    await redis.hset(room.keys.room, 'frontier', 10);
    const sequences = Array.from({ length: 30 }, (_, i) => i + 1);
    await redis.zadd(room.keys.left, ...sequences.flatMap((sequence) => [sequence, sequence]));
    expect((await read(room, { left_max: 8 })).slice).toEqual(sequences.slice(10, 18));
    expect((await read(room, { left_max: 8, left_after: 18 })).slice).toEqual(sequences.slice(18, 26));
    expect((await read(room, { left_max: 8, left_after: 26 })).slice).toEqual(sequences.slice(26));
    expect((await read(room, { left_after: -1 })).slice).toEqual([]);
  });
});

test('NONE, and nothing is written', async () => {
  const room = await openRoom(redis);
  await redis.del(room.keys.room);
  await expect(read(room)).rejects.toThrow('no such room');
  expect(await redis.exists(room.keys.room)).toBe(0);
});
