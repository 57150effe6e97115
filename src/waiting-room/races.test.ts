/** Many processes at once: nobody gets two places, no slot two people, no place is lost. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { isRefusal } from '../errors.ts';
import { testRedis } from '../testing/connect.ts';
import { until } from '../testing/until.ts';
import {
  admit,
  agePlace,
  enter,
  join,
  joinAll,
  leave,
  logOf,
  newQueueId,
  openRoom,
  type TestRoom,
  touch,
} from '../testing/waiting-room.ts';
import { admitRoom } from './admit.ts';
import { joinRoom } from './join.ts';
import { createRoomViews } from './room-views.ts';

const processes = [await testRedis(), await testRedis(), await testRedis()] as const;
const [redis] = processes;
const log = { warn: () => {}, info: () => {} };
const tokens = { signQueue: () => 't' };

async function crowd(room: TestRoom, size: number): Promise<string[]> {
  const joiners = Array.from({ length: size }, (_, i) => ({ userId: `u${i}`, queueId: newQueueId() }));
  for (let i = 0; i < size; i += 200) await joinAll(room, joiners.slice(i, i + 200));
  return joiners.map(({ queueId }) => queueId);
}

/** Everybody who was admitted, in the order in which it was told. */
async function admittedOf(room: TestRoom): Promise<string[]> {
  return (await logOf(room)).filter(({ k }) => k === 'A').flatMap(({ q }) => String(q).split(' '));
}

test('one user, 60 joins at once from three processes: one place', async () => {
  const room = await openRoom(redis);
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, i) => {
      const own = processes[i % 3] ?? redis;
      const deps = { redis: own, log, tokens, rooms: createRoomViews({ redis: own, log }) };
      return joinRoom(deps, { concertId: room.concertId, userId: 'ann', idempotency: null });
    }),
  );
  expect(answers.filter((answer) => !isRefusal(answer))).toHaveLength(1);
  const told = answers.map((answer) => (isRefusal(answer) ? answer.members.ticket : answer.ticket)) as {
    queueId: string;
  }[];
  expect(new Set(told.map(({ queueId }) => queueId)).size).toBe(1);
  expect(await redis.hget(room.keys.room, 'seq')).toBe('1');
});

test('one key, 30 repeats at once from three processes: one place, the same answer', async () => {
  const room = await openRoom(redis);
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, i) => {
      const own = processes[i % 3] ?? redis;
      const deps = { redis: own, log, tokens, rooms: createRoomViews({ redis: own, log }) };
      const idempotency = { key: 'k', fingerprint: 'f' };
      return joinRoom(deps, { concertId: room.concertId, userId: 'ann', idempotency });
    }),
  );
  const tickets = answers.map((answer) => (isRefusal(answer) ? answer.refused : JSON.stringify(answer.ticket)));
  expect(new Set(tickets).size).toBe(1);
  expect(answers.filter((answer) => !isRefusal(answer) && !answer.repeated)).toHaveLength(1);
});

describe('three workers that admit without regard to leases', () => {
  const admitAll = async (room: TestRoom) => {
    await Promise.all(
      processes.map(async (own) => {
        for (let calls = 0; calls < 40; calls++) {
          await redis.hset(room.keys.room, 'lease_until', 0);
          await admit({ ...room, redis: own }, `worker ${calls} of ${processes.indexOf(own)}`);
        }
      }),
    );
  };

  test('never admit more than the capacity, in order, nobody twice', async () => {
    const room = await openRoom(redis, { capacity: 0 });
    const queueIds = await crowd(room, 1_500);
    let admitted = 0;
    for (const capacity of [1, 7, 600]) {
      await redis.hset(room.keys.room, 'capacity', capacity);
      await admitAll(room);
      const inside = await redis.zrange(room.keys.active, '0', '-1');
      expect(inside).toHaveLength(capacity);
      admitted += capacity;
      expect(await admittedOf(room)).toEqual(queueIds.slice(0, admitted));
      for (const queueId of inside) await agePlace(room, queueId);
    }
    expect(await redis.hmget(room.keys.room, 'admitted', 'frontier')).toEqual([String(admitted), String(admitted)]);
  });

  test('lose nobody while people join, leave, claim and go', async () => {
    const room = await openRoom(redis, { capacity: 40 });
    const queueIds = await crowd(room, 600);
    const left = new Set<string>();
    const busy = processes.map(async (own, i) => {
      for (const queueId of queueIds.filter((_, j) => j % 3 === i)) {
        const { outcome } = await touch({ ...room, redis: own }, queueId);
        if (outcome === 'ACTIVE' || Number.parseInt(queueId.slice(-1), 16) < 4) {
          await leave({ ...room, redis: own }, queueId);
          left.add(queueId);
        }
      }
    });
    await Promise.all([admitAll(room), ...busy]);
    await admitRoom({ redis }, { concertId: room.concertId, lease: 'last' });
    const waiting = await redis.zrange(room.keys.waiting, '0', '-1');
    const active = await redis.zrange(room.keys.active, '0', '-1');
    expect([...waiting, ...active, ...left].sort()).toEqual([...queueIds].sort());
    expect(active.length).toBe(Math.min(40, 600 - left.size));
    const admitted = await admittedOf(room);
    expect(new Set(admitted).size).toBe(admitted.length);
    expect(admitted).toEqual(queueIds.filter((queueId) => new Set(admitted).has(queueId)));
  });
});

test('leaving and being admitted at once: over, and the slot goes on', async () => {
  const room = await openRoom(redis, { capacity: 1 });
  for (let round = 0; round < 30; round++) {
    const [ann, bob] = [await join(room, `ann ${round}`), await join(room, `bob ${round}`)];
    await Promise.all([
      leave({ ...room, redis: processes[1] }, ann.queueId),
      admitRoom({ redis }, { concertId: room.concertId, lease: 'one' }),
      touch({ ...room, redis: processes[2] }, ann.queueId),
    ]);
    await admitRoom({ redis }, { concertId: room.concertId, lease: 'one' });
    expect(await redis.zrange(room.keys.active, '0', '-1')).toEqual([bob.queueId]);
    await leave(room, bob.queueId);
  }
});

test('two processes that tick agree on everybody who waits', { timeout: 30_000 }, async () => {
  const room = await openRoom(redis, { capacity: 5 });
  const views = processes.slice(0, 2).map((own) => createRoomViews({ redis: own, log }));
  for (const each of views) {
    onTestFinished(() => each.stop());
    onTestFinished(each.subscribe(room.concertId, () => {}));
    each.start();
  }
  const queueIds = await crowd(room, 400);
  for (const [i, queueId] of queueIds.entries()) if (i % 7 === 3) await leave(room, queueId);
  await admitRoom({ redis }, { concertId: room.concertId, lease: 'one' });
  const order = await redis.zrange(room.keys.waiting, '0', '-1', 'WITHSCORES');
  const sequences = order.filter((_, i) => i % 2 === 1).map(Number);
  for (const each of views) {
    await until(() => each.peek(room.concertId)?.waiting === sequences.length);
    const view = each.peek(room.concertId);
    expect(sequences.map((sequence) => view?.positionOf(sequence))).toEqual(sequences.map((_, i) => i + 1));
  }
});

test('a place taken by one who is admitted elsewhere at that moment: never two ACTIVE places', async () => {
  const room = await openRoom(redis, { reentry: 'supersede' });
  for (let round = 0; round < 20; round++) {
    const userId = `ann ${round}`;
    await enter(room, userId);
    await Promise.all([
      joinAll({ ...room, redis: processes[1] }, [{ userId, queueId: newQueueId() }]),
      joinAll({ ...room, redis: processes[2] }, [{ userId, queueId: newQueueId() }]),
      admitRoom({ redis }, { concertId: room.concertId, lease: 'test' }),
    ]);
    await admitRoom({ redis }, { concertId: room.concertId, lease: 'test' });
    const records = await Promise.all(
      (await redis.zrange(room.keys.active, '0', '-1')).map((queueId) => redis.hget(room.keys.places, queueId)),
    );
    expect(records.filter((record) => record?.endsWith(`|${userId}`))).toHaveLength(1);
  }
});
