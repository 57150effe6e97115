import { describe, expect, test } from 'vitest';
import { testRedis } from '../testing/connect.ts';
import {
  admit,
  agePlace,
  enter,
  holdSeats,
  join,
  joinAll,
  logOf,
  markPaid,
  newQueueId,
  openRoom,
  placeOf,
  redisNow,
} from '../testing/waiting-room.ts';
import { joinAll as joinAtOnce } from './join.script.ts';
import type { TicketRow } from './ticket-row.ts';

const redis = await testRedis();

const rowOf = (answer: { word: string; row?: TicketRow } | undefined) => answer?.row as TicketRow;

describe('JOINED', () => {
  test('takes the next sequence at the end of the room, with the numbers of a ticket', async () => {
    const room = await openRoom(redis, { claimSeconds: 30 });
    const before = await redisNow(redis);
    const first = newQueueId();
    const second = newQueueId();
    const answers = await joinAll(room, [
      { userId: 'ann', queueId: first },
      { userId: 'a|b c', queueId: second },
    ]);
    expect(answers).toMatchObject([
      { word: 'JOINED', row: { queueId: first, position: 1, record: { sequence: 1, status: 'W', userId: 'ann' } } },
      { word: 'JOINED', row: { queueId: second, position: 2, record: { sequence: 2, userId: 'a|b c' } } },
    ]);
    const { record, epoch, room: numbers } = rowOf(answers[1]);
    expect(record.joinedAtMs).toBeGreaterThanOrEqual(before);
    expect(epoch).toBe(await redis.hget(room.keys.room, 'epoch'));
    expect(numbers).toMatchObject({ waiting: 2, admitted: 0, ratePerSecond: 0, state: 'OPEN', claimMs: 30_000 });
    expect(numbers.nowMs).toBe(record.joinedAtMs);
    expect(await redis.zrange(room.keys.waiting, '0', '-1', 'WITHSCORES')).toEqual([first, '1', second, '2']);
    expect(await redis.hgetall(room.keys.members)).toEqual({ 'w:ann': first, 'w:a|b c': second });
    expect(await placeOf(room, second)).toEqual(record);
    expect(await logOf(room)).toEqual([]);
  });

  test('goes on in a room that is PAUSED, and in a CLOSED one whose time has come', async () => {
    for (const settings of [{ state: 'PAUSED' }, { state: 'CLOSED', opensAt: '2020-01-01T00:00:00Z' }] as const) {
      const room = await openRoom(redis, settings);
      expect((await joinAll(room, [{ userId: 'ann', queueId: newQueueId() }]))[0]?.word).toBe('JOINED');
    }
  });

  test('a place that is over keeps nobody from another one', async () => {
    const room = await openRoom(redis);
    const old = await enter(room, 'ann');
    await agePlace(room, old.queueId);
    const [answer] = await joinAll(room, [{ userId: 'ann', queueId: newQueueId() }]);
    expect(answer).toMatchObject({ word: 'JOINED', row: { record: { sequence: 2 }, position: 1 } });
    expect(await placeOf(room, old.queueId)).toMatchObject({ status: 'E', reason: 'UNCLAIMED' });
    expect(await redis.hget(room.keys.members, 'a:ann')).toBeNull();
    expect(await logOf(room, 1)).toEqual([{ n: 2, k: 'E', q: old.queueId, u: 'ann' }]);
    expect(await redis.hget(room.keys.room, 'no_shows')).toBe('1');
  });

  test('a passed deadline after a payment makes the older place USED', async () => {
    const room = await openRoom(redis);
    const old = await enter(room, 'ann');
    await markPaid(room, old.queueId);
    await agePlace(room, old.queueId);
    await join(room, 'ann');
    expect(await placeOf(room, old.queueId)).toMatchObject({ status: 'U', reason: 'PAID' });
  });
});

describe('EXISTS', () => {
  test('names the WAITING place with its position, in one call too', async () => {
    const room = await openRoom(redis);
    await join(room, 'bob');
    const queueId = newQueueId();
    const answers = await joinAll(room, [
      { userId: 'ann', queueId },
      { userId: 'ann', queueId: newQueueId() },
    ]);
    expect(answers).toMatchObject([{ word: 'JOINED' }, { word: 'EXISTS', row: { queueId, position: 2 } }]);
    expect(await redis.hget(room.keys.room, 'seq')).toBe('2');
    expect(await redis.zcard(room.keys.waiting)).toBe(2);
  });

  test('names the ACTIVE place under `reject`', async () => {
    const room = await openRoom(redis);
    const { queueId } = await enter(room, 'ann');
    const [answer] = await joinAll(room, [{ userId: 'ann', queueId: newQueueId() }]);
    expect(answer).toMatchObject({ word: 'EXISTS', row: { queueId, position: 0, record: { status: 'A' } } });
    expect(await redis.hget(room.keys.room, 'seq')).toBe('1');
  });

  test('under `supersede` one WAITING place beside the ACTIVE one, and no more', async () => {
    const room = await openRoom(redis, { reentry: 'supersede' });
    const active = await enter(room, 'ann');
    const newer = await join(room, 'ann');
    const [answer] = await joinAll(room, [{ userId: 'ann', queueId: newQueueId() }]);
    expect(answer).toMatchObject({ word: 'EXISTS', row: { queueId: newer.queueId, position: 1 } });
    expect(await redis.hgetall(room.keys.members)).toEqual({ 'a:ann': active.queueId, 'w:ann': newer.queueId });
  });

  test('a place that lives on for a hold alone is a live place', async () => {
    const room = await openRoom(redis);
    const { queueId } = await enter(room, 'ann');
    const { deadline } = await holdSeats(room, { userId: 'ann', numbers: [1], forMs: 60_000 });
    await redis.hset(room.keys.places, queueId, `A|1|1|${deadline}|1|1|0||ann`);
    const [answer] = await joinAll(room, [{ userId: 'ann', queueId: newQueueId() }]);
    expect(answer).toMatchObject({ word: 'EXISTS', row: { queueId } });
  });
});

test('CLOSED: nobody is taken, and a live place is not told of', async () => {
  const opensAt = '2100-01-01T00:00:00.000Z';
  const room = await openRoom(redis);
  await join(room, 'ann');
  await redis.hset(room.keys.room, { state: 'CLOSED', opens_at: Date.parse(opensAt) });
  const answers = await joinAll(room, [
    { userId: 'ann', queueId: newQueueId() },
    { userId: 'bob', queueId: newQueueId() },
  ]);
  const closed = { word: 'CLOSED', state: 'CLOSED', opensAtMs: Date.parse(opensAt) };
  expect(answers).toEqual([closed, closed]);
  await redis.hset(room.keys.room, 'opens_at', '');
  expect(await joinAll(room, [{ userId: 'bob', queueId: newQueueId() }])).toEqual([{ ...closed, opensAtMs: null }]);
  expect(await redis.hget(room.keys.room, 'seq')).toBe('1');
});

describe('REPEAT and MISMATCH', () => {
  test('the first answer as it was, whatever became of place and room', async () => {
    const room = await openRoom(redis);
    await join(room, 'bob');
    const ann = { userId: 'ann', key: 'k1', fingerprint: 'f1' };
    const [first] = await joinAll(room, [{ ...ann, queueId: newQueueId() }]);
    expect(first?.word).toBe('JOINED');
    await admit(room);
    await redis.hset(room.keys.room, 'state', 'CLOSED');
    const [again, other] = await joinAll(room, [
      { ...ann, queueId: newQueueId() },
      { ...ann, queueId: newQueueId(), fingerprint: 'f2' },
    ]);
    expect(again).toEqual({ word: 'REPEAT', row: rowOf(first) });
    expect(other).toEqual({ word: 'MISMATCH' });
    expect(await redis.hget(room.keys.room, 'seq')).toBe('2');
    const ttl = await redis.pttl(room.keys.idempotency('ann', 'join', 'k1'));
    expect(ttl).toBeGreaterThan(23 * 3_600_000);
    expect(ttl).toBeLessThanOrEqual(24 * 3_600_000);
  });

  test('a refusal is not stored: the same key succeeds later', async () => {
    const room = await openRoom(redis, { state: 'CLOSED' });
    const ann = { userId: 'ann', key: 'k1', fingerprint: 'f1' };
    expect((await joinAll(room, [{ ...ann, queueId: newQueueId() }]))[0]?.word).toBe('CLOSED');
    expect(await redis.exists(room.keys.idempotency('ann', 'join', 'k1'))).toBe(0);
    await redis.hset(room.keys.room, 'state', 'OPEN');
    expect((await joinAll(room, [{ ...ann, queueId: newQueueId() }]))[0]?.word).toBe('JOINED');
  });

  test('without a key nothing is stored', async () => {
    const room = await openRoom(redis);
    await join(room, 'ann');
    expect(await redis.exists(room.keys.noIdempotency)).toBe(0);
  });
});

test('NONE: no room is made by a join', async () => {
  const room = await openRoom(redis);
  await redis.del(room.keys.room);
  expect(await joinAtOnce(redis, room.keys, [{ userId: 'ann', queueId: newQueueId(), idempotency: null }])).toBeNull();
  expect(await redis.exists(room.keys.room, room.keys.places, room.keys.waiting)).toBe(0);
});

test('in one call each gets what they would have got alone, in their order', async () => {
  const room = await openRoom(redis);
  const old = await enter(room, 'old');
  await agePlace(room, old.queueId);
  const bob = await join(room, 'bob');
  const ann = { userId: 'ann', queueId: newQueueId(), key: 'k1', fingerprint: 'f1' };
  const eve = { userId: 'eve', queueId: newQueueId(), key: 'k1', fingerprint: 'f1' };
  const newcomer = (userId: string) => ({ userId, queueId: newQueueId() });
  const answers = await joinAll(room, [
    newcomer('cat'),
    ann,
    newcomer('bob'),
    { ...ann, queueId: newQueueId() },
    newcomer('ann'),
    { ...ann, queueId: newQueueId(), fingerprint: 'f2' },
    newcomer('old'),
    eve,
    newcomer('old'),
    newcomer('eve'),
  ]);
  expect(answers).toMatchObject([
    { word: 'JOINED', row: { position: 2, record: { sequence: 3, userId: 'cat' }, room: { waiting: 2 } } },
    { word: 'JOINED', row: { queueId: ann.queueId, position: 3, record: { sequence: 4 } } },
    { word: 'EXISTS', row: { queueId: bob.queueId, position: 1, room: { waiting: 3 } } },
    { word: 'REPEAT', row: rowOf(answers[1]) },
    { word: 'EXISTS', row: { queueId: ann.queueId, position: 3, room: { waiting: 3 } } },
    { word: 'MISMATCH' },
    { word: 'JOINED', row: { position: 4, record: { sequence: 5, userId: 'old' } } },
    { word: 'JOINED', row: { queueId: eve.queueId, position: 5, record: { sequence: 6 } } },
    { word: 'EXISTS', row: { position: 4, record: { userId: 'old' } } },
    { word: 'EXISTS', row: { queueId: eve.queueId, position: 5 } },
  ]);
  expect(await redis.hget(room.keys.room, 'seq')).toBe('6');
  const waiting = await redis.zrange(room.keys.waiting, '0', '-1', 'WITHSCORES');
  expect(waiting.filter((_, i) => i % 2)).toEqual(['2', '3', '4', '5', '6']);
  expect(await placeOf(room, old.queueId)).toMatchObject({ status: 'E', reason: 'UNCLAIMED' });
  const members = { 'w:ann': ann.queueId, 'w:bob': bob.queueId, 'w:eve': eve.queueId };
  expect(await redis.hgetall(room.keys.members)).toMatchObject(members);
  expect(await placeOf(room, ann.queueId)).toEqual(rowOf(answers[1]).record);
});

test('200 joiners in one call stand in their order', async () => {
  const room = await openRoom(redis);
  const joiners = Array.from({ length: 200 }, (_, i) => ({ userId: `u${i}`, queueId: newQueueId() }));
  const answers = await joinAll(room, joiners);
  expect(answers.map((answer) => rowOf(answer).position)).toEqual(joiners.map((_, i) => i + 1));
  expect(await redis.zrange(room.keys.waiting, '0', '-1')).toEqual(joiners.map(({ queueId }) => queueId));
});
