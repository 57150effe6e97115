import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Unavailable } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { openRedis } from '../redis/client.ts';
import { stopClock } from '../testing/clock.ts';
import { testRedis } from '../testing/connect.ts';
import { startRedis } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import {
  admit,
  commandsOf,
  enter,
  holdSeats,
  join,
  joinAll,
  leave,
  newQueueId,
  openRoom,
  type TestRoom,
  touch,
} from '../testing/waiting-room.ts';
import { resetRoom } from './room.ts';
import { createRoomViews, type RoomTick, type RoomViews, type RoomViewsOptions } from './room-views.ts';

const redis = await testRedis();
const log = { warn: () => {}, info: () => {} };

afterEach(() => void vi.restoreAllMocks());

function newViews(options: Partial<RoomViewsOptions> = {}): RoomViews {
  const views = createRoomViews({ redis, log, ...options });
  onTestFinished(() => views.stop());
  return views;
}

/** Collects the ticks of a room; `next` waits for one that fits. */
function follow(views: RoomViews, concertId: string) {
  const ticks: RoomTick[] = [];
  onTestFinished(views.subscribe(concertId, (tick) => ticks.push(tick)));
  const changes = () => ticks.flatMap((tick) => tick.changes);
  return { ticks, changes };
}

/** A room made over a connection that waits for as long as Redis takes. */
async function openRoomAt(url: string): Promise<string> {
  const patient = openRedis({ url, cluster: false }, 'patient');
  const { concertId } = await openRoom(patient);
  patient.disconnect();
  return concertId;
}

/** How long the shortest of these looks is refused, one after the other: the machine may pause in any one of them. */
async function shortestRefusal(looks: (() => Promise<unknown>)[]): Promise<number> {
  let least = Infinity;
  for (const look of looks) {
    const asked = Date.now(); // also while the other clock stands still
    await expect(look()).rejects.toThrow(Unavailable);
    least = Math.min(least, Date.now() - asked);
  }
  return least;
}

async function expectTrue({ keys, concertId }: TestRoom, views: RoomViews): Promise<void> {
  const view = await views.refresh(concertId);
  const order = await redis.zrange(keys.waiting, '0', '-1', 'WITHSCORES');
  const sequences = order.filter((_, i) => i % 2 === 1).map(Number);
  expect(sequences.map((sequence) => view?.positionOf(sequence))).toEqual(sequences.map((_, i) => i + 1));
  expect(sequences.filter((sequence) => view?.needsRead(sequence))).toEqual([]);
}

describe('positions', () => {
  test('are ZRANK + 1 in two processes, under joins, leaves, admissions, trims and restarts', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('join'), n: fc.integer({ min: 1, max: 20 }) }) },
      { weight: 6, arbitrary: fc.record({ do: fc.constant('leave'), n: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('admit'), n: fc.nat(5) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('trim'), n: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('restart'), n: fc.nat(1) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('read'), n: fc.nat(1) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 80 }), async (steps) => {
        const room = await openRoom(redis, { capacity: 0 });
        const views = [createRoomViews({ redis, log }), createRoomViews({ redis, log })];
        const viewsOf = (n: number) => views[n] as RoomViews;
        for (const { do: what, n } of steps) {
          if (what === 'join')
            await joinAll(
              room,
              Array.from({ length: n }, () => ({ userId: newQueueId(), queueId: newQueueId() })),
            );
          else if (what === 'leave') {
            const order = await redis.zrange(room.keys.waiting, '0', '-1');
            if (order.length > 0) await leave(room, String(order[n % order.length]));
          } else if (what === 'admit') {
            await redis.hset(room.keys.room, 'capacity', (await redis.zcard(room.keys.active)) + n);
            await admit(room);
          } else if (what === 'trim') await redis.xtrim(room.keys.log, 'MAXLEN', '=', n);
          else if (what === 'restart') views[n] = createRoomViews({ redis, log });
          else await expectTrue(room, viewsOf(n));
        }
        await expectTrue(room, viewsOf(0));
        await expectTrue(room, viewsOf(1));
        expect(viewsOf(0).peek(room.concertId)?.waiting).toBe(viewsOf(1).peek(room.concertId)?.waiting);
      }),
      { numRuns: 40 },
    );
  });

  test('are right from the first view of a process that starts among 12,000 who left, while more leave', async () => {
    const room = await openRoom(redis, { capacity: 0 });
    const count = 12_100;
    const claims = Array.from({ length: count }, (_, i) => ({ userId: `u${i}`, queueId: newQueueId() }));
    for (let i = 0; i < count; i += LIMITS.JOINS_A_CALL) await joinAll(room, claims.slice(i, i + LIMITS.JOINS_A_CALL));
    const leavers = claims.filter((_, i) => i % 100 !== 7).map(({ queueId }) => queueId);
    const late = leavers.splice(5_000, 60);
    for (let i = 0; i < leavers.length; i += 500)
      await Promise.all(leavers.slice(i, i + 500).map((queueId) => leave(room, queueId)));
    expect(await redis.zcard(room.keys.left)).toBeGreaterThan(2 * LIMITS.LEFT_SLICE);
    const views = newViews();
    const [commands] = await Promise.all([
      commandsOf(redis, () => views.view(room.concertId)),
      Promise.all(late.map((queueId) => leave(room, queueId))),
    ]);
    expect(commands).toBeGreaterThanOrEqual(3);
    await expectTrue(room, views);
  });

  test('a view is of one moment: the next one does not change it', async () => {
    const room = await openRoom(redis, { capacity: 0 });
    const [ann, bob] = [await join(room, 'ann'), await join(room, 'bob')];
    const views = newViews();
    const before = await views.view(room.concertId);
    await leave(room, ann.queueId);
    const after = await views.refresh(room.concertId);
    expect([before?.positionOf(bob.sequence), after?.positionOf(bob.sequence)]).toEqual([2, 1]);
    expect([before?.waiting, after?.waiting]).toEqual([2, 1]);
  });
});

describe('what is asked of Redis', () => {
  test('the first questions are one reading, the next ones none', async () => {
    const { concertId } = await openRoom(redis);
    const views = newViews();
    stopClock();
    const ask = () => Promise.all(Array.from({ length: 20 }, () => views.view(concertId)));
    expect(await commandsOf(redis, ask)).toBe(1);
    expect(await commandsOf(redis, ask)).toBe(0);
    expect(views.peek(concertId)?.concertId).toBe(concertId);
    expect(views.peek('another')).toBeUndefined();
  });

  test('a room that nobody asks about any more is not read; with a subscriber it is', async () => {
    const [asked, followed] = [await openRoom(redis), await openRoom(redis)];
    const views = newViews();
    await views.view(asked.concertId);
    const { ticks } = follow(views, followed.concertId);
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + LIMITS.ROOM_UNREAD_AFTER_MS + 1);
    const sent = vi.spyOn(redis, 'sendCommand');
    views.start();
    await until(() => ticks.length >= 3);
    const keysRead = sent.mock.calls.map(([command]) => String(command.args[2]));
    expect(new Set(keysRead)).toEqual(new Set([followed.keys.room]));
  });

  test('an id that no concert has leaves nothing behind', async () => {
    const views = newViews();
    expect(await views.view('no-such-concert')).toBeNull();
    expect(await views.refresh('no-such-concert')).toBeNull();
    const sent = vi.spyOn(redis, 'sendCommand');
    const room = await openRoom(redis);
    const { ticks } = follow(views, room.concertId);
    views.start();
    await until(() => ticks.length >= 2);
    expect(sent.mock.calls.filter(([command]) => String(command.args[2]).includes('no-such'))).toEqual([]);
  });

  test('refresh sees what was written before it, whatever reading is under way', async () => {
    const room = await openRoom(redis);
    const views = newViews();
    await views.view(room.concertId);
    const late = Promise.withResolvers<void>();
    const evalsha = redis.evalsha.bind(redis) as (...params: unknown[]) => Promise<unknown>;
    const answered = Promise.withResolvers<void>();
    vi.spyOn(redis, 'evalsha').mockImplementationOnce(async (...params: unknown[]) => {
      const reply = await evalsha(...params);
      answered.resolve();
      await late.promise;
      return reply;
    });
    const underWay = views.refresh(room.concertId);
    await answered.promise;
    await join(room, 'ann');
    const asked = [views.refresh(room.concertId), views.refresh(room.concertId)];
    late.resolve();
    expect((await underWay)?.waiting).toBe(0);
    for (const view of await Promise.all(asked)) expect(view?.waiting).toBe(1);
  });

  test('a place that this process has changed is asked about until the next reading', async () => {
    const room = await openRoom(redis);
    const claims = await join(room, 'ann');
    const views = newViews();
    const view = await views.view(room.concertId);
    await leave(room, claims.queueId);
    expect(view?.needsRead(claims.sequence)).toBe(false);
    views.changed(room.concertId, claims);
    expect(view?.needsRead(claims.sequence)).toBe(true);
    expect((await views.refresh(room.concertId))?.needsRead(claims.sequence)).toBe(true); // it is among those who left
    expect(view?.needsRead(claims.sequence)).toBe(false);
  });
});

describe('ticks', () => {
  test('tell in order what others changed', async () => {
    const room = await openRoom(redis);
    const views = newViews();
    const { ticks, changes } = follow(views, room.concertId);
    await until(() => ticks.length === 1);
    expect(ticks[0]).toMatchObject({ before: null, changes: [], reset: true });
    views.start();
    const ann = await enter(room, 'ann');
    const bob = await join(room, 'bob');
    await touch(room, ann.queueId);
    const { reservationId } = await holdSeats(room, { userId: 'ann', numbers: [1], forMs: 60_000 });
    await leave(room, bob.queueId);
    await leave(room, ann.queueId);
    await until(() => changes().length >= 5);
    expect(changes()).toEqual([
      { kind: 'ADMITTED', queueIds: [ann.queueId] },
      { kind: 'DEADLINE', queueId: ann.queueId },
      { kind: 'LEFT_WAITING', queueId: bob.queueId, sequence: 2, userId: 'bob' },
      { kind: 'RESERVATION', reservationId, userId: 'ann' },
      { kind: 'ENDED', queueId: ann.queueId, userId: 'ann' },
    ]);
    expect(ticks.slice(1).every(({ reset, before }) => !reset && before !== null)).toBe(true);
    expect(ticks.at(-1)?.view).toMatchObject({ stock: new Map([['d1', { version: 2, free: 0 }]]), seatsLeft: 0 });
  });

  test('a follower that has missed changes is told to read anew: log trimmed, new epoch', async () => {
    const room = await openRoom(redis, { capacity: 0 });
    const views = newViews();
    const { ticks } = follow(views, room.concertId);
    await until(() => ticks.length === 1);
    for (const userId of ['ann', 'bob']) await leave(room, (await join(room, userId)).queueId);
    await redis.xtrim(room.keys.log, 'MAXLEN', '=', 1);
    await views.refresh(room.concertId);
    expect(ticks.at(-1)).toMatchObject({ reset: true, changes: [] });
    await views.refresh(room.concertId);
    expect(ticks.at(-1)?.reset).toBe(false);
    await resetRoom({ redis, rooms: views }, { concertId: room.concertId });
    expect(ticks.at(-1)?.reset).toBe(true);
    expect(ticks.at(-1)?.view.epoch).not.toBe(ticks.at(-1)?.before?.epoch);
  });

  test('a follower that throws keeps no other from its tick', async () => {
    const { concertId } = await openRoom(redis);
    const warn = vi.fn<(...args: unknown[]) => void>();
    const views = newViews({ log: { ...log, warn } });
    onTestFinished(
      views.subscribe(concertId, () => {
        throw new Error('a bug');
      }),
    );
    const { ticks } = follow(views, concertId);
    await until(() => ticks.length > 0);
    expect(warn).toHaveBeenCalledOnce();
  });

  test('no more of them after the end of a subscription, or of the views', async () => {
    const { concertId } = await openRoom(redis);
    const views = newViews();
    let ticks = 0;
    const end = views.subscribe(concertId, () => void ticks++);
    const other = follow(views, concertId);
    await until(() => other.ticks.length > 0);
    end();
    const seen = ticks;
    views.start();
    await until(() => other.ticks.length > 3);
    expect(ticks).toBe(seen);
    await views.stop();
    const sent = vi.spyOn(redis, 'sendCommand');
    await new Promise(setImmediate);
    expect(sent).not.toHaveBeenCalled();
  });

  test('come to 300 rooms, of every process', async () => {
    const rooms = await Promise.all(Array.from({ length: 300 }, () => openRoom(redis)));
    const processes = [newViews(), newViews()].map((views) => {
      views.start();
      return rooms.map(({ concertId }) => follow(views, concertId));
    });
    for (const followers of processes) {
      await until(() => followers.every(({ ticks }) => ticks.length >= 3));
      expect(followers.map(({ ticks }) => ticks[0]?.view.concertId)).toEqual(rooms.map(({ concertId }) => concertId));
    }
  });
});

test('503 before the first reading and a second after the last good one; back by itself', async () => {
  const server = await startRedis({ appendonly: true });
  onTestFinished(() => server.stop());
  const own = openRedis({ url: server.url, cluster: false }, 'hot');
  onTestFinished(() => own.disconnect());
  await own.connect();
  const concertId = await openRoomAt(server.url);
  const [warn, info] = [vi.fn<(...args: unknown[]) => void>(), vi.fn<(...args: unknown[]) => void>()];
  const views = newViews({ redis: own, log: { warn, info } });
  const late = newViews({ redis: own });
  const { ticks } = follow(views, concertId);
  const clock = stopClock(); // every reading from here on is of this moment
  views.start();
  await until(() => ticks.length > 1);
  await server.kill9();
  const threeTimes = (of: RoomViews) => Array.from({ length: 3 }, () => () => of.view(concertId));
  expect(await shortestRefusal(threeTimes(late))).toBeLessThan(1_000);
  clock.pass(LIMITS.TICK_STALE_MS);
  expect(await views.view(concertId)).toMatchObject({ concertId });
  clock.pass(1);
  expect(await shortestRefusal(threeTimes(views))).toBeLessThan(1_000);
  expect(views.peek(concertId)).toBeUndefined();
  // Once an outage: there may have been a short one before, where the machine is slow.
  const told = () => warn.mock.calls.length - info.mock.calls.length;
  expect(told()).toBe(1);
  clock.goOn();
  const seen = ticks.length;
  await server.restart();
  await until(() => ticks.length > seen);
  for (const each of [views, late])
    await until(async () => (await each.view(concertId).catch(() => null))?.concertId === concertId);
  await until(() => told() === 0);
});

test('503 within a second where Redis accepts and does not answer', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  // Each look over a connection of its own: one that has been silent for long is replaced, and refuses meanwhile.
  const clients = Array.from({ length: 3 }, () => openRedis({ url: server.url, cluster: false }, 'hot'));
  onTestFinished(() => clients.forEach((client) => client.disconnect()));
  await Promise.all(clients.map((client) => client.connect()));
  const concertId = await openRoomAt(server.url);
  const processes = clients.map((client) => newViews({ redis: client }));
  process.kill(server.pid, 'SIGSTOP');
  onTestFinished(() => void process.kill(server.pid, 'SIGCONT'));
  // 800 ms of it are the command's timeout.
  const shortest = await shortestRefusal(processes.map((views) => () => views.view(concertId)));
  expect(shortest).toBeLessThan(1_000);
  process.kill(server.pid, 'SIGCONT');
  for (const views of processes) await until(async () => (await views.view(concertId).catch(() => null)) !== null);
});

test('a concert that a client has made up is forgotten at once, also while Redis does not answer about it', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const away = openRedis({ url: server.url, cluster: false }, 'patient');
  onTestFinished(() => away.disconnect());
  await away.connect();
  await away.call('ACL', 'SETUSER', 'default', '-eval', '-evalsha', '-evalsha_ro', '-eval_ro');
  const rejected = async () => {
    const stats = await away.info('commandstats');
    return [...stats.matchAll(/rejected_calls=(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const views = newViews({ redis: away });
  views.start();
  await expect(views.view('made-up')).rejects.toThrow();
  const before = await rejected();
  expect(before).toBeGreaterThan(0);
  await sleep(5 * LIMITS.TICK_MS);
  expect(await rejected()).toBe(before);
});
