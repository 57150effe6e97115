/** What is sent when: tickets, room frames, and the positions that clients derive from them. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { QueueClaims } from '../auth/tokens.ts';
import { LIMITS } from '../limits.ts';
import { stopClock } from '../testing/clock.ts';
import { testRedis } from '../testing/connect.ts';
import { type Client, startOwnRedis, startSocketServer } from '../testing/sockets.ts';
import { until } from '../testing/until.ts';
import {
  admit,
  agePlace,
  enter,
  join,
  leave,
  openRoom,
  placeOf,
  type TestRoom,
  touch,
} from '../testing/waiting-room.ts';
import { newEpoch } from '../waiting-room/settings.ts';
import { resetRoomScript } from '../waiting-room/reset-room.script.ts';

const redis = await testRedis();

async function serve(options: Parameters<typeof startSocketServer>[1] = {}, client = redis) {
  const server = await startSocketServer(client, options);
  onTestFinished(() => server.stop());
  return server;
}

async function joinMany(room: TestRoom, count: number, name = 'u'): Promise<QueueClaims[]> {
  const claims: QueueClaims[] = [];
  for (let i = 0; i < count; i++) claims.push(await join(room, `${name}${i}`));
  return claims;
}

/** Lets so many more in. */
async function letIn(room: TestRoom, count: number): Promise<void> {
  const active = await room.redis.zcard(room.keys.active);
  await room.redis.hset(room.keys.room, 'capacity', active + count);
  await admit(room);
}

const statusIs = (status: string) => (message: { ticket: { status: string } }) => message.ticket.status === status;

describe('the room frame', () => {
  test('is one for all who wait, when something moved, and nothing while nothing moves', async () => {
    const server = await serve();
    const room = await openRoom(redis, { capacity: 0 });
    const claims = await joinMany(room, 4);
    const clients = await Promise.all(claims.slice(1).map((each) => server.enter(each)));
    await Promise.all(clients.map((client) => client.next('ticket')));
    const witness = await openRoom(redis, { capacity: 0 });
    await letIn(room, 1);
    const frames = await Promise.all(clients.map((client) => client.next('room', (m) => m.room.admitted === 1)));
    expect(new Set(frames.map((frame) => JSON.stringify(frame))).size).toBe(1);
    expect(frames[0]?.room).toMatchObject({ concertId: room.concertId, waiting: 3, active: 1, frontier: 1 });
    expect(clients.map((client) => client.position())).toEqual([1, 2, 3]);

    // Three more ticks of another room, in which nothing moved here.
    for (let i = 0; i < 3; i++) {
      const other = await server.enter(await join(witness, `w${i}`));
      await other.next('ticket');
      await join(witness, `x${i}`);
      await other.next('room', (m) => m.room.waiting >= 2 * i + 2);
      await other.close();
    }
    for (const client of clients) {
      const told = client.messages.flatMap((m) => (m.type === 'room' && m.room.admitted === 1 ? [m] : []));
      expect(told).toHaveLength(1);
    }
  });

  test('comes to those who wait only', async () => {
    const server = await serve();
    const room = await openRoom(redis, { capacity: 1 });
    const inside = await server.enter(await enter(room, 'ann'));
    await inside.next('ticket', statusIs('ACTIVE'));
    const waiting = await server.enter(await join(room, 'bob'));
    await waiting.next('ticket');
    await join(room, 'carl');
    await waiting.next('room', (m) => m.room.waiting === 2);
    expect(inside.messages.filter(({ type }) => type === 'room')).toEqual([]);
    await Promise.all([inside.close(), waiting.close()]);
  });

  test('tells of the operator as well', async () => {
    const server = await serve();
    const room = await openRoom(redis, { capacity: 0 });
    const client = await server.enter(await join(room, 'ann'));
    await client.next('ticket');
    await redis.hset(room.keys.room, 'state', 'PAUSED');
    const frame = await client.next('room', (m) => m.room.state === 'PAUSED');
    expect(frame.room).toMatchObject({ ratePerSecond: 0, waiting: 1 });
    await client.close();
  });

  test('comes at most once a second in a crowd, and the last one is not lost', async () => {
    const server = await serve({ limits: { WS_CROWD_SOCKETS: 3 } });
    const room = await openRoom(redis, { capacity: 0 });
    const claims = await joinMany(room, 40);
    const clients = await Promise.all(claims.slice(-5).map((each) => server.enter(each)));
    await Promise.all(clients.map((client) => client.next('ticket')));
    // When they were sent: read they may be later.
    const times: number[] = [];
    const count = server.told.set.bind(server.told);
    vi.spyOn(server.told, 'set').mockImplementation((what, total) => {
      if (what === 'room') times.push(performance.now());
      return count(what, total);
    });
    for (let i = 0; i < 12; i++) {
      await letIn(room, 1);
      await until(async () => ((await server.rooms.view(room.concertId))?.admitted ?? 0) > i);
    }
    await Promise.all(clients.map((client) => client.next('room', (m) => m.room.admitted === 12)));
    for (const [i, time] of times.entries()) if (i > 0) expect(time - (times[i - 1] ?? 0)).toBeGreaterThan(900);
    expect(times.length).toBeGreaterThan(1);
    await Promise.all(clients.map((client) => client.close()));
  });
});

describe('a ticket', () => {
  test('comes on every change of status or deadline, on every socket that carries the place', async () => {
    const server = await serve();
    const room = await openRoom(redis, { sessionSeconds: 600, claimSeconds: 60 });
    const claims = await join(room, 'ann');
    const clients = [await server.enter(claims), await server.enter(claims)];
    await Promise.all(clients.map((client) => client.next('ticket', statusIs('WAITING'))));
    await admit(room);
    await Promise.all(clients.map((client) => client.next('ticket', statusIs('ACTIVE'))));
    await until(async () => ((await placeOf(room, claims.queueId))?.sessionEndMs ?? 0) > 0);
    const { deadlineMs = 0 } = (await placeOf(room, claims.queueId)) ?? {};
    const expiresAt = new Date(deadlineMs).toISOString();
    await Promise.all(clients.map((client) => client.next('ticket', (m) => m.ticket.expiresAt === expiresAt)));
    await agePlace(room, claims.queueId);
    await admit(room);
    for (const client of clients) {
      const { ticket } = await client.next('ticket', statusIs('EXPIRED'));
      expect(ticket).toMatchObject({ reason: 'SESSION_OVER', expiresAt: null, position: null });
      const told = client.messages.filter(({ type }) => type === 'ticket');
      expect(told.map((m) => m.type === 'ticket' && m.ticket.status)).toEqual([
        'WAITING',
        'ACTIVE',
        'ACTIVE',
        'EXPIRED',
      ]);
    }
  });

  test('tells of a removal by an operator', async () => {
    const server = await serve();
    const room = await openRoom(redis, { capacity: 0 });
    const claims = await join(room, 'ann');
    const client = await server.enter(claims);
    await client.next('ticket');
    await leave(room, claims.queueId, 'REMOVED');
    expect((await client.next('ticket', statusIs('LEFT'))).ticket.reason).toBe('REMOVED');
    await client.close();
  });

  test('tells both of a place that is superseded and of the one that came after it', async () => {
    const server = await serve();
    const room = await openRoom(redis, { reentry: 'supersede' });
    const older = await enter(room, 'ann');
    await touch(room, older.queueId);
    const newer = await join(room, 'ann');
    const client = await server.enter(older);
    client.send({ type: 'auth', token: server.tokens.signQueue(newer) });
    await client.all('ticket', 2);
    await admit(room);
    const over = await client.next('ticket', statusIs('EXPIRED'));
    expect(over.ticket).toMatchObject({ queueId: older.queueId, reason: 'SUPERSEDED' });
    await client.next('ticket', (m) => m.ticket.queueId === newer.queueId && m.ticket.status === 'ACTIVE');
    expect(server.sockets.count()).toBe(1);
    await client.close();
  });

  test('comes to all of many who are admitted at once', async () => {
    const server = await serve({ limits: { WS_READ_PLACES_MAX: 7 } });
    const room = await openRoom(redis, { capacity: 0 });
    const claims = await joinMany(room, 60);
    const clients = await Promise.all(claims.map((each) => server.enter(each)));
    await Promise.all(clients.map((client) => client.next('ticket')));
    await letIn(room, 60);
    await Promise.all(clients.map((client) => client.next('ticket', statusIs('ACTIVE'))));
    await until(async () => {
      const places = await Promise.all(claims.map(({ queueId }) => placeOf(room, queueId)));
      return places.every((place) => (place?.sessionEndMs ?? 0) > 0);
    });
    for (const client of clients) expect(client.position()).toBeNull();
    await Promise.all(clients.map((client) => client.close()));
  });

  test('of a lost epoch is an error, and the socket is closed', async () => {
    const server = await serve({ limits: { WS_CLOSE_AFTER_OVER_MS: 100 } });
    const room = await openRoom(redis, { capacity: 1 });
    const active = await server.enter(await enter(room, 'ann'));
    const waiting = await server.enter(await join(room, 'bob'));
    await Promise.all([active.next('ticket'), waiting.next('ticket')]);
    await resetRoomScript.run(redis, { keys: room.keys, args: { epoch: newEpoch(), by: '' } });
    for (const client of [active, waiting]) {
      expect((await client.next('error')).problem.code).toBe('QUEUE_NOT_FOUND');
      expect(await client.closed).toBe(4403);
    }
  });

  test('of a lost epoch is told again to whoever authenticates again, and that socket is closed too', async () => {
    const server = await serve({ limits: { WS_CLOSE_AFTER_OVER_MS: 300 } });
    const room = await openRoom(redis, { capacity: 0 });
    const claims = await join(room, 'ann');
    const client = await server.enter(claims);
    await client.next('ticket');
    const clock = stopClock();
    await resetRoomScript.run(redis, { keys: room.keys, args: { epoch: newEpoch(), by: '' } });
    await client.next('error');
    client.send({ type: 'auth', token: server.tokens.signQueue(claims) });
    const errors = await client.all('error', 2);
    expect(errors.map(({ problem }) => problem.code)).toEqual(['QUEUE_NOT_FOUND', 'QUEUE_NOT_FOUND']);
    clock.pass(300);
    expect(await client.closed).toBe(4403);
  });

  test('comes all the same where this process fell behind the log of the room', async () => {
    const server = await serve();
    const room = await openRoom(redis, { capacity: 0 });
    const claims = await joinMany(room, 6);
    const clients = await Promise.all(claims.map((each) => server.enter(each)));
    await Promise.all(clients.map((client) => client.next('ticket')));
    await server.rooms.stop();
    await letIn(room, 2);
    await leave(room, claims[2]?.queueId ?? '');
    await redis.xtrim(room.keys.log, 'MAXLEN', 0);
    server.rooms.start();
    await Promise.all(clients.slice(0, 2).map((client) => client.next('ticket', statusIs('ACTIVE'))));
    await clients[2]?.next('ticket', statusIs('LEFT'));
    await until(() => clients.slice(3).every((client, i) => client.position() === i + 1));
    expect(server.told.get('error')).toBeUndefined();
    await Promise.all(clients.map((client) => client.close()));
  });
});

describe('while Redis is away', () => {
  test('sockets stay open, say so, and go on by themselves when it is back', async () => {
    const own = await startOwnRedis();
    onTestFinished(() => own.stop());
    const server = await serve({}, own.redis);
    const room = await openRoom(own.redis, { capacity: 0 });
    const claims = await joinMany(room, 3);
    const [first, second] = claims;
    if (!first || !second) throw new Error('nobody joined');
    const client = await server.enter(first);
    await client.next('ticket');
    await letIn(room, 1);
    await client.next('ticket', statusIs('ACTIVE'));
    await own.kill9();
    await until(() => server.rooms.peek(room.concertId) === undefined, { what: 'the end of what memory may answer' });
    const late = await server.enter(second);
    expect((await late.next('error')).problem).toMatchObject({ code: 'UNAVAILABLE', retryAfterSeconds: 1 });
    client.send({ type: 'leave', queueId: first.queueId });
    expect((await client.next('error')).problem.code).toBe('UNAVAILABLE');
    expect(server.sockets.count()).toBe(2);
    await own.restart();
    // The ticket that could not be sent comes without another word.
    expect((await late.next('ticket')).ticket).toMatchObject({ queueId: second.queueId, position: 1 });
    await letIn(room, 1);
    await late.next('ticket', statusIs('ACTIVE'));
    expect(server.told.get(4400)).toBeUndefined();
    await Promise.all([client.close(), late.close()]);
  });
});

/** Who waits, and at which position, as Redis has it. */
async function truth({ keys }: TestRoom): Promise<Map<string, number>> {
  return new Map((await redis.zrange(keys.waiting, '0', '-1')).map((queueId, i) => [queueId, i + 1]));
}

/** of the room, which are the clock here, 200 ms each: as long as it takes to be wrong for more than 5 s */
const TICKS = 40;

describe('positions under random joins, leaves and admissions', () => {
  test('are exact within 5 s and never grow', async () => {
    const server = await serve();
    const room = await openRoom(redis, { capacity: 0 });
    let ticks = 0;
    const clock = stopClock();
    const tick = () => {
      ticks++;
      clock.pass(LIMITS.TICK_MS);
    };
    onTestFinished(server.rooms.subscribe(room.concertId, tick));
    const claims = await joinMany(room, 150, 'first');
    const watched = claims.filter((_, i) => i % 4 === 0);
    const clients = new Map<string, Client>();
    for (const each of watched) clients.set(each.queueId, await server.enter(each));
    await Promise.all([...clients.values()].map((client) => client.next('ticket')));

    /** true positions over time */
    const timeline: { atMs: number; positions: Map<string, number> }[] = [];
    const note = async () => {
      const positions = await truth(room);
      timeline.push({ atMs: performance.now(), positions });
      return positions;
    };
    const shown = new Map<string, number>();
    const wrong: string[] = [];
    /** What every client shows now must be true now, or have been within the last 5 s; and not be more than before. */
    const check = () => {
      const now = performance.now();
      const present = timeline.findLast(({ atMs }) => atMs <= now)?.positions;
      const past = timeline.findLast(({ atMs }) => atMs <= now - 5_000)?.positions ?? timeline[0]?.positions;
      for (const [queueId, client] of clients) {
        const position = client.position(queueId);
        const [low, high] = [present?.get(queueId), past?.get(queueId)];
        if (position === null || low === undefined || high === undefined) continue;
        if (position < low) wrong.push(`${queueId} shows ${position} and is ${low}`);
        if (position > high) wrong.push(`${queueId} shows ${position} and was ${high} 5 s ago`);
        if (position > (shown.get(queueId) ?? position)) wrong.push(`${queueId} grew to ${position}`);
        shown.set(queueId, position);
      }
    };

    const random = (below: number) => Math.floor(Math.random() * below);
    await note();
    for (let step = 0; step < TICKS; step++) {
      const before = ticks;
      for (let joins = random(5); joins > 0; joins--) await join(room, `later${step}-${joins}`);
      const waiting = [...(await note()).keys()];
      for (let leavers = random(5); leavers > 0; leavers--) await leave(room, waiting[random(waiting.length)] ?? '');
      if (random(2) > 0) await letIn(room, random(3));
      await note();
      await until(() => {
        check();
        return ticks > before;
      });
    }
    const final = await note();
    await until(
      () => [...clients].every(([queueId, client]) => client.position(queueId) === (final.get(queueId) ?? null)),
      {
        timeoutMs: 5_000,
        what: 'exact positions',
      },
    );
    expect(wrong).toEqual([]);
    expect(final.size).toBeGreaterThan(10);
    for (const client of clients.values()) {
      const told = client.messages.flatMap((m) =>
        m.type === 'ticket' && m.ticket.status === 'WAITING' ? [m.ticket] : [],
      );
      for (const [i, { serverTime }] of told.entries())
        if (i > 1) expect(Date.parse(serverTime) - Date.parse(told[i - 1]?.serverTime ?? '')).toBeGreaterThan(2_000);
    }
    await Promise.all([...clients.values()].map((client) => client.close()));
  });
});
