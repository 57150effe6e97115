import { describe, expect, test } from 'vitest';
import type { QueueClaims } from '../auth/tokens.ts';
import { testRedis } from '../testing/connect.ts';
import { until } from '../testing/until.ts';
import {
  admit,
  agePlace,
  enter,
  holdSeats,
  join,
  joinAll,
  leave,
  logOf,
  markPaid,
  newQueueId,
  openRoom,
  placeOf,
  redisNow,
  type TestRoom,
  touch,
} from '../testing/waiting-room.ts';
import { admitScript } from './admit.script.ts';

const redis = await testRedis();

async function crowd(room: TestRoom, size: number): Promise<string[]> {
  const joiners = Array.from({ length: size }, (_, i) => ({ userId: `u${i}`, queueId: newQueueId() }));
  for (let i = 0; i < size; i += 200) await joinAll(room, joiners.slice(i, i + 200));
  return joiners.map(({ queueId }) => queueId);
}

async function joinInTurn(room: TestRoom, userIds: readonly string[]): Promise<QueueClaims[]> {
  const claims: QueueClaims[] = [];
  for (const userId of userIds) claims.push(await join(room, userId));
  return claims;
}

const idle = (waiting: number, active: number) => ({
  outcome: 'ADMITTED',
  admitted: 0,
  ended: 0,
  more: false,
  waiting,
  active,
  waitsMs: [],
});

describe('ADMITTED', () => {
  test('lets in those in front, unclaimed, and tells of it', async () => {
    const room = await openRoom(redis, { capacity: 2, claimSeconds: 30 });
    const [ann, bob, cat] = await joinInTurn(room, ['ann', 'bob', 'cat']);
    const before = await redisNow(redis);
    const answer = await admit(room);
    expect(answer).toMatchObject({
      admitted: 2,
      ended: 0,
      more: false,
      waitsMs: [expect.any(Number), expect.any(Number)],
    });
    const place = await placeOf(room, ann?.queueId ?? '');
    expect(place).toMatchObject({ status: 'A', sequence: 1, sessionEndMs: 0, paid: false });
    expect(place?.deadlineMs).toBeGreaterThanOrEqual(before + 30_000);
    const queueIds = [ann?.queueId, bob?.queueId];
    for (const queueId of queueIds)
      expect(await redis.zscore(room.keys.active, String(queueId))).toBe(String(place?.deadlineMs));
    expect(await redis.zrange(room.keys.waiting, '0', '-1')).toEqual([cat?.queueId]);
    expect(await redis.hgetall(room.keys.members)).toEqual({
      'a:ann': ann?.queueId,
      'a:bob': bob?.queueId,
      'w:cat': cat?.queueId,
    });
    expect(await redis.hmget(room.keys.room, 'frontier', 'admitted')).toEqual(['2', '2']);
    expect(await logOf(room)).toEqual([{ n: 1, k: 'A', q: queueIds.join(' ') }]);
  });

  test('capacity counts places above the time, swept or not', async () => {
    const room = await openRoom(redis, { capacity: 1 });
    const [ann] = await joinInTurn(room, ['ann', 'bob']);
    expect(await admit(room)).toMatchObject({ admitted: 1 });
    expect(await admit(room)).toEqual(idle(1, 1));
    await agePlace(room, ann?.queueId ?? '');
    expect(await admit(room)).toMatchObject({ admitted: 1, ended: 1, more: false });
  });

  test('a capacity below those inside admits nobody', async () => {
    const room = await openRoom(redis);
    await enter(room, 'ann');
    await enter(room, 'bob');
    await redis.hset(room.keys.room, 'capacity', 1);
    await join(room, 'cat');
    expect(await admit(room)).toEqual(idle(1, 2));
  });

  test.each([
    { name: 'a new bucket is full', bucket: {}, admitted: 10 },
    { name: 'no more than a second is kept', bucket: { tokens: 0, ageMs: 3_600_000 }, admitted: 10 },
    { name: 'a part of an admission stays in it', bucket: { tokens: 3_500, ageMs: 0 }, admitted: 3, left: '500' },
    { name: 'an empty one admits nobody', bucket: { tokens: 999, ageMs: 0 }, admitted: 0 },
    {
      name: 'a clock that went back adds nothing',
      bucket: { tokens: 2_000, ageMs: -3_600_000 },
      admitted: 2,
      left: '0',
    },
  ])('rate: $name', async ({ bucket, admitted, left }) => {
    const room = await openRoom(redis, { admitPerSecond: 10 });
    await crowd(room, 20);
    if (bucket.tokens !== undefined) {
      // An age of 0 is written as one minute ahead: whatever the test takes, no time has passed.
      const at = (await redisNow(redis)) - (bucket.ageMs === 0 ? -60_000 : (bucket.ageMs ?? 0));
      await redis.hset(room.keys.room, { tokens: bucket.tokens, tokens_at: at });
    }
    expect(await admit(room)).toMatchObject({ admitted });
    if (left) expect(await redis.hget(room.keys.room, 'tokens')).toBe(left);
  });

  test('a rate of 0 and a capacity of 0 admit nobody', async () => {
    for (const settings of [{ admitPerSecond: 0 }, { capacity: 0 }]) {
      const room = await openRoom(redis, settings);
      await join(room, 'ann');
      expect(await admit(room)).toEqual(idle(1, 0));
    }
  });

  test('at most 500 of each in one call, then again until nothing is left', async () => {
    const room = await openRoom(redis);
    const queueIds = await crowd(room, 700);
    expect(await admit(room)).toMatchObject({ admitted: 500, more: true });
    expect(await admit(room)).toMatchObject({ admitted: 200, more: false });
    for (const queueId of queueIds) await agePlace(room, queueId);
    expect(await admit(room)).toMatchObject({ ended: 500, more: true });
    expect(await admit(room)).toMatchObject({ ended: 200, more: false });
    expect(await redis.zcard(room.keys.active)).toBe(0);
    expect(await redis.zcard(room.keys.ended)).toBe(700);
  });

  test('a passed deadline ends a place: UNCLAIMED, SESSION_OVER, PAID', async () => {
    const room = await openRoom(redis);
    const [ann, bob, cat] = await joinInTurn(room, ['ann', 'bob', 'cat']);
    await admit(room);
    for (const claims of [bob, cat]) await touch(room, claims?.queueId ?? '');
    await markPaid(room, cat?.queueId ?? '');
    const since = (await logOf(room)).length;
    for (const claims of [ann, bob, cat]) await agePlace(room, claims?.queueId ?? '');
    const before = await redisNow(redis);
    expect(await admit(room)).toMatchObject({ ended: 3 });
    const places = await Promise.all([ann, bob, cat].map((claims) => placeOf(room, claims?.queueId ?? '')));
    expect(places).toMatchObject([
      { status: 'E', reason: 'UNCLAIMED' },
      { status: 'E', reason: 'SESSION_OVER' },
      { status: 'U', reason: 'PAID' },
    ]);
    expect(places[0]?.endedMs).toBeGreaterThanOrEqual(before);
    expect(await redis.hgetall(room.keys.members)).toEqual({});
    expect(await redis.hmget(room.keys.room, 'no_shows', 'expired', 'used')).toEqual(['1', '1', '1']);
    const told = (await logOf(room, since)).map(({ k, u }) => `${k} ${u}`);
    expect(told.sort()).toEqual(['E ann', 'E bob', 'E cat']);
  });

  test('nobody is admitted while PAUSED or CLOSED, deadlines go on', async () => {
    for (const state of ['PAUSED', 'CLOSED'] as const) {
      const room = await openRoom(redis);
      const { queueId } = await enter(room, 'ann');
      await join(room, 'bob');
      await redis.hset(room.keys.room, 'state', state);
      await agePlace(room, queueId);
      expect(await admit(room)).toMatchObject({ admitted: 0, ended: 1 });
      expect(await redis.hget(room.keys.room, 'state')).toBe(state);
    }
  });

  test('a CLOSED room whose time has come is OPEN from then on, and can be closed again', async () => {
    const room = await openRoom(redis);
    await join(room, 'ann');
    await redis.hset(room.keys.room, { state: 'CLOSED', opens_at: 1 });
    expect(await admit(room)).toMatchObject({ admitted: 1 });
    expect(await redis.hmget(room.keys.room, 'state', 'opens_at')).toEqual(['OPEN', '']);
  });

  test('writes nothing while there is nothing to do', async () => {
    const room = await openRoom(redis, { capacity: 0 });
    await join(room, 'ann');
    const before = await redis.hgetall(room.keys.room);
    expect(await admit(room)).toEqual(idle(1, 0));
    expect(await redis.hgetall(room.keys.room)).toEqual(before);
  });

  test('trims `left` up to the frontier', async () => {
    const room = await openRoom(redis, { capacity: 1 });
    const [, bob, , dan] = await joinInTurn(room, ['ann', 'bob', 'cat', 'dan']);
    await leave(room, bob?.queueId ?? '');
    await leave(room, dan?.queueId ?? '');
    await admit(room);
    expect(await redis.zrange(room.keys.left, '0', '-1')).toEqual(['2', '4']);
    await redis.hset(room.keys.room, 'capacity', 9);
    expect(await admit(room)).toMatchObject({ admitted: 1 });
    expect(await redis.hget(room.keys.room, 'frontier')).toBe('3');
    expect(await redis.zrange(room.keys.left, '0', '-1')).toEqual(['4']);
  });

  test('the measured rate is that of about the last minute, and at most what the room is set to', async () => {
    const room = await openRoom(redis);
    await crowd(room, 30);
    await admit(room);
    const last = await join(room, 'late');
    // As if admission had just begun, also where the machine is slow.
    await redis.hset(room.keys.room, 'rate_since', (await redisNow(redis)) + 60_000);
    const [answer] = await joinAll(room, [{ userId: last.userId, queueId: newQueueId() }]);
    // 30 within the first second, which counts as a whole one.
    expect(answer).toMatchObject({ word: 'EXISTS', row: { room: { ratePerSecond: 30, admitted: 30 } } });
    // Set to less since then, it cannot go on like that.
    for (const set of [4, 0]) {
      await redis.hset(room.keys.room, 'admit_per_second', set);
      const [slower] = await joinAll(room, [{ userId: last.userId, queueId: newQueueId() }]);
      expect(slower).toMatchObject({ row: { room: { ratePerSecond: set } } });
    }
    const minuteAgo = Math.floor((await redisNow(redis)) / 10_000) - 8;
    for (let i = 0; i < 7; i++) await redis.hset(room.keys.room, `rate_${i}`, `${minuteAgo} 30`);
    const [later] = await joinAll(room, [{ userId: last.userId, queueId: newQueueId() }]);
    expect(later).toMatchObject({ row: { room: { ratePerSecond: 0 } } });
  });
});

describe('supersede', () => {
  test('the newer place enters claimed and the older is over', async () => {
    const room = await openRoom(redis, { reentry: 'supersede', sessionSeconds: 100 });
    const older = await enter(room, 'ann');
    await touch(room, older.queueId);
    const newer = await join(room, 'ann');
    const since = (await logOf(room)).length;
    const before = await redisNow(redis);
    expect(await admit(room)).toMatchObject({ admitted: 1, more: true });
    expect(await placeOf(room, older.queueId)).toMatchObject({ status: 'E', reason: 'SUPERSEDED' });
    const place = await placeOf(room, newer.queueId);
    expect(place?.status).toBe('A');
    expect(place?.sessionEndMs).toBeGreaterThanOrEqual(before + 100_000);
    expect(place?.deadlineMs).toBe(place?.sessionEndMs);
    expect(await redis.hgetall(room.keys.members)).toEqual({ 'a:ann': newer.queueId });
    expect(await redis.zrange(room.keys.active, '0', '-1')).toEqual([newer.queueId]);
    expect(await logOf(room, since)).toMatchObject([
      { k: 'E', q: older.queueId, u: 'ann' },
      { k: 'A', q: newer.queueId },
    ]);
  });

  test('its deadline is at least that of the last live hold', async () => {
    const room = await openRoom(redis, { reentry: 'supersede', sessionSeconds: 1 });
    const older = await enter(room, 'ann');
    await touch(room, older.queueId);
    const { deadline } = await holdSeats(room, { userId: 'ann', numbers: [1], forMs: 300_000 });
    await redis.hset(room.keys.places, older.queueId, `A|1|1|${deadline}|1|0|0||ann`);
    const newer = await join(room, 'ann');
    await admit(room);
    expect((await placeOf(room, newer.queueId))?.deadlineMs).toBe(deadline);
  });

  test('an older place past its deadline ends as what it was, and the newer is unclaimed', async () => {
    const room = await openRoom(redis, { reentry: 'supersede' });
    const older = await enter(room, 'ann');
    const newer = await join(room, 'ann');
    await agePlace(room, older.queueId);
    await admit(room);
    expect(await placeOf(room, older.queueId)).toMatchObject({ status: 'E', reason: 'UNCLAIMED' });
    expect(await placeOf(room, newer.queueId)).toMatchObject({ status: 'A', sessionEndMs: 0 });
    expect(await redis.hget(room.keys.members, 'a:ann')).toBe(newer.queueId);
  });
});

test('LEASED: one worker at a time, while its lease lasts', async () => {
  const room = await openRoom(redis, { capacity: 1 });
  await joinInTurn(room, ['ann', 'bob']);
  await admit(room, 'first', 60_000);
  await redis.hset(room.keys.room, 'capacity', 2);
  expect(await admit(room, 'second', 60_000)).toEqual({ outcome: 'LEASED' });
  expect(await admit(room, 'first', 60_000)).toMatchObject({ admitted: 1 });
  await redis.hset(room.keys.room, 'lease_until', 1);
  await join(room, 'cat');
  await redis.hset(room.keys.room, 'capacity', 3);
  expect(await admit(room, 'second')).toMatchObject({ admitted: 1 });
});

test('a clock that went back stops nobody: the bucket fills from the new time on, a lease from the old one binds nobody', async () => {
  const room = await openRoom(redis, { admitPerSecond: 1_000 });
  await joinInTurn(room, ['ann', 'bob']);
  const ahead = (await redisNow(redis)) + 3_600_000;
  await redis.hset(room.keys.room, { tokens: 0, tokens_at: ahead, lease_by: 'dead worker', lease_until: ahead });
  expect(await admit(room)).toMatchObject({ outcome: 'ADMITTED', admitted: 0 });
  await until(async () => {
    const answer = await admit(room);
    return answer.outcome === 'ADMITTED' && answer.waiting === 0;
  });
});

test('NONE: no room is made', async () => {
  const room = await openRoom(redis);
  await redis.del(room.keys.room);
  expect(await admit(room)).toEqual({ outcome: 'NONE' });
  expect(await redis.exists(room.keys.room)).toBe(0);
});

test('runs while Redis is full: it frees places', () => {
  expect(admitScript.source).toMatch(/^#!lua flags=allow-oom\n/);
});
