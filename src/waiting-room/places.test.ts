/** Tickets, the guard, leaving: what becomes of a place once it is taken. */
import { describe, expect, test } from 'vitest';
import type { QueueClaims } from '../auth/tokens.ts';
import { LIMITS } from '../limits.ts';
import { metrics } from '../observability/metrics.ts';
import { stopClock } from '../testing/clock.ts';
import { testRedis } from '../testing/connect.ts';
import { until } from '../testing/until.ts';
import {
  admit,
  agePlace,
  commandsOf,
  enter,
  holdSeats,
  join,
  openRoom,
  placeOf,
  redisNow,
  SCHEDULE,
  type TestRoom,
} from '../testing/waiting-room.ts';
import { admitRoom } from './admit.ts';
import { claimPlace, requireActive } from './guard.ts';
import { leaveRoom, removePlace } from './leave.ts';
import { inspectPlace } from './places.ts';
import { readTicket, readTickets } from './read-ticket.ts';
import { changeRoom, resetRoom, roomOf } from './room.ts';
import { createRoomViews } from './room-views.ts';
import { tidyPlaces } from './tidy.ts';

const redis = await testRedis();
const log = { warn: () => {}, info: () => {} };
const tokens = { signQueue: ({ queueId }: QueueClaims) => `token of ${queueId}` };

/** One process, which does not tick: it reads when it is asked or told to. */
function process() {
  return { redis, log, tokens, rooms: createRoomViews({ redis, log }) };
}

async function enterAll(room: TestRoom) {
  await admitRoom({ redis }, { concertId: room.concertId, lease: 'test' });
}

describe('a ticket', () => {
  test('of a WAITING place costs no command, of any other one', async () => {
    const deps = process();
    const room = await openRoom(redis, { capacity: 1 });
    const [ann, bob, cat] = [await join(room, 'ann'), await join(room, 'bob'), await join(room, 'cat')];
    stopClock();
    await readTicket(deps, ann);
    expect(await commandsOf(redis, () => Promise.all([ann, bob, cat].map((claims) => readTicket(deps, claims))))).toBe(
      0,
    );
    await enterAll(room);
    await leaveRoom(process(), { claims: bob });
    await deps.rooms.refresh(room.concertId);
    await readTicket(deps, ann); // Redis knows the script from here on
    expect(await commandsOf(redis, () => readTicket(deps, cat))).toBe(0);
    expect(await commandsOf(redis, () => readTicket(deps, ann))).toBe(1);
    expect(await readTicket(deps, ann)).toMatchObject({
      status: 'ACTIVE',
      position: null,
      expiresAt: expect.any(String),
    });
    expect(await readTicket(deps, bob)).toMatchObject({ status: 'LEFT', reason: 'LEFT', waiting: 1, admitted: 1 });
    expect(await readTicket(deps, cat)).toMatchObject({
      status: 'WAITING',
      position: 1,
      token: `token of ${cat.queueId}`,
    });
    expect(await readTicket(deps, cat, 'the one that was sent')).toMatchObject({ token: 'the one that was sent' });
    const many = await commandsOf(redis, async () => {
      const tickets = await readTickets(deps, [cat, bob, ann, bob]);
      expect(tickets).toMatchObject([
        { status: 'WAITING' },
        { status: 'LEFT' },
        { status: 'ACTIVE' },
        { status: 'LEFT' },
      ]);
    });
    expect(many).toBe(1);
  });

  test('of an ACTIVE place is judged by the time, to the millisecond', async () => {
    const deps = process();
    const room = await openRoom(redis);
    const claims = await enter(room, 'ann');
    await agePlace(room, claims.queueId);
    expect(await readTicket(deps, claims)).toMatchObject({ status: 'EXPIRED', reason: 'UNCLAIMED', expiresAt: null });
    expect(await placeOf(room, claims.queueId)).toMatchObject({ status: 'A' });
  });

  test('of another epoch is QUEUE_NOT_FOUND, of a newer one than this process knows it is read', async () => {
    const [here, there] = [process(), process()];
    const room = await openRoom(redis);
    const old = await join(room, 'ann');
    stopClock();
    await Promise.all([here, there].map(({ rooms }) => rooms.view(room.concertId)));
    expect(await resetRoom(there, { concertId: room.concertId })).toMatchObject({
      waiting: 0,
      admitted: 0,
      frontier: 0,
    });
    const claims = await join(room, 'ann');
    expect(claims).toMatchObject({ sequence: old.sequence });
    expect(await readTicket(here, claims)).toMatchObject({ status: 'WAITING', position: 1 });
    for (const deps of [here, there]) {
      expect(await readTicket(deps, old)).toMatchObject({ refused: 'QUEUE_NOT_FOUND' });
      expect(await readTickets(deps, [old, claims])).toMatchObject([{ refused: 'QUEUE_NOT_FOUND' }, { position: 1 }]);
      expect(await requireActive(deps, { claims: old, concertId: room.concertId })).toMatchObject({
        refused: 'QUEUE_NOT_FOUND',
      });
      expect(await leaveRoom(deps, { claims: old })).toMatchObject({ refused: 'QUEUE_NOT_FOUND' });
      expect(await claimPlace(deps, old)).toMatchObject({ refused: 'QUEUE_NOT_FOUND' });
    }
    expect(await commandsOf(redis, () => readTicket(here, old))).toBe(0);
  });

  test('whose record is gone, or whose concert is, is QUEUE_NOT_FOUND', async () => {
    const deps = process();
    const room = await openRoom(redis);
    const claims = await join(room, 'ann');
    await leaveRoom(deps, { claims });
    await redis.zadd(room.keys.ended, 'XX', 1, claims.queueId);
    expect(await tidyPlaces(deps, room.concertId)).toBe(1);
    expect(await readTicket(deps, claims)).toMatchObject({ refused: 'QUEUE_NOT_FOUND' });
    expect(await readTicket(deps, { ...claims, concertId: 'gone' })).toMatchObject({ refused: 'QUEUE_NOT_FOUND' });
  });
});

describe('the guard of reads', () => {
  test('lets an ACTIVE place in, claims it, and asks once in half a second', async () => {
    const deps = process();
    const room = await openRoom(redis, { sessionSeconds: 600 });
    const claims = await enter(room, 'ann');
    const { concertId } = room;
    await deps.rooms.view(concertId);
    const ask = () => requireActive(deps, { claims, concertId });
    const asked = performance.now();
    let commands = 0;
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([null, null, null]);
    const place = await placeOf(room, claims.queueId);
    expect((place?.sessionEndMs ?? 0) - (await redisNow(redis))).toBeGreaterThan(590_000);
    await until(async () => {
      commands += await commandsOf(redis, ask);
      return commands > 0;
    });
    expect(performance.now() - asked).toBeGreaterThanOrEqual(LIMITS.VERDICT_TRUSTED_MS);
    expect(commands).toBeLessThanOrEqual(2); // the touch, and a reading of the room where its view is too old
  });

  test('never trusts past the deadline', async () => {
    const deps = process();
    const room = await openRoom(redis);
    const claims = await enter(room, 'ann');
    const { concertId } = room;
    let deadline = 0;
    // Again where the machine was so slow that the place was over before anybody asked.
    await until(async () => {
      deps.rooms.verdicts.forget(claims.queueId);
      deadline = (await redisNow(redis)) + LIMITS.VERDICT_TRUSTED_MS - 100;
      await redis.hset(room.keys.places, claims.queueId, `A|1|1|${deadline}|${deadline}|0|0||ann`);
      await redis.zadd(room.keys.active, deadline, claims.queueId);
      return (await requireActive(deps, { claims, concertId })) === null;
    });
    let seenOpenAt = 0;
    await until(
      async () => {
        const before = await redisNow(redis);
        const verdict = await requireActive(deps, { claims, concertId });
        if (verdict === null) seenOpenAt = before;
        else expect(verdict).toMatchObject({ refused: 'NOT_ACTIVE', members: { status: 'EXPIRED', position: null } });
        return verdict !== null;
      },
      { everyMs: 1 },
    );
    expect(seenOpenAt).toBeLessThan(deadline);
  });

  test('refuses with what the place is', async () => {
    const deps = process();
    const [room, other] = [await openRoom(redis), await openRoom(redis)];
    const [ann, bob] = [await join(room, 'ann'), await join(room, 'bob')];
    const { concertId } = room;
    const active = (claims: QueueClaims | null, where = concertId) => requireActive(deps, { claims, concertId: where });
    const refusal = (status: string | null, position: number | null) => ({
      refused: 'NOT_ACTIVE',
      members: { status, position },
    });
    expect(await active(bob)).toEqual(refusal('WAITING', 2));
    expect(await active(null)).toEqual(refusal(null, null));
    expect(await active(ann, other.concertId)).toEqual(refusal(null, null));
    expect(await active(ann, 'no-such-concert')).toMatchObject({ refused: 'CONCERT_NOT_FOUND' });
    await leaveRoom(deps, { claims: ann });
    expect(await active(ann)).toEqual(refusal('LEFT', null));
    const gone = { ...ann, queueId: 'q_of_nobody' };
    expect(await active(gone)).toMatchObject({ refused: 'QUEUE_NOT_FOUND' });
  });

  test('sees its own leave at once, and an admission by another process as soon as this one is told', async () => {
    const deps = process();
    const room = await openRoom(redis);
    const claims = await join(room, 'ann');
    const ask = () => requireActive(deps, { claims, concertId: room.concertId });
    expect(await ask()).toMatchObject({ members: { status: 'WAITING' } });
    await admit(room);
    await deps.rooms.refresh(room.concertId);
    expect(await ask()).toBeNull();
    await leaveRoom(deps, { claims });
    expect(await ask()).toMatchObject({ members: { status: 'LEFT' } });
  });

  test('a question that failed is asked again', async () => {
    const deps = process();
    const room = await openRoom(redis);
    const claims = await enter(room, 'ann');
    const ask = () => requireActive(deps, { claims, concertId: room.concertId });
    await deps.rooms.view(room.concertId);
    await redis.rename(room.keys.places, `${room.keys.places}-kept`);
    await redis.set(room.keys.places, 'no hash');
    await expect(ask()).rejects.toThrow('WRONGTYPE');
    await redis.rename(`${room.keys.places}-kept`, room.keys.places);
    expect(await ask()).toBeNull();
  });

  test('a socket claims; a poll does not', async () => {
    const deps = process();
    const room = await openRoom(redis);
    const claims = await enter(room, 'ann');
    await readTicket(deps, claims);
    expect(await placeOf(room, claims.queueId)).toMatchObject({ sessionEndMs: 0 });
    const ticket = await claimPlace(deps, claims);
    const place = await placeOf(room, claims.queueId);
    expect(ticket).toMatchObject({ status: 'ACTIVE', expiresAt: new Date(place?.sessionEndMs ?? 0).toISOString() });
    expect(await claimPlace(deps, await join(room, 'bob'))).toMatchObject({ status: 'WAITING', position: 1 });
  });
});

describe('leaving', () => {
  test('shows at once to the one who left, and again', async () => {
    const deps = process();
    const room = await openRoom(redis, { capacity: 0 });
    const claims = await join(room, 'ann');
    await deps.rooms.view(room.concertId);
    expect(await leaveRoom(deps, { claims })).toBeNull();
    expect(await readTicket(deps, claims)).toMatchObject({ status: 'LEFT', reason: 'LEFT', position: null });
    expect(await leaveRoom(deps, { claims })).toBeNull();
  });

  test('an operator removes a place, with the holds of its user where it is ACTIVE', async () => {
    const deps = process();
    const room = await openRoom(redis);
    const { concertId } = room;
    const claims = await enter(room, 'ann');
    const { queueId } = claims;
    const { reservationId, deadline } = await holdSeats(room, { userId: 'ann', numbers: [1, 2], forMs: 60_000 });
    expect(await inspectPlace(deps, { concertId, queueId })).toEqual({
      ticket: expect.objectContaining({ queueId, status: 'ACTIVE', sequence: 1 }),
      userId: 'ann',
      holds: [{ reservationId, seats: 2, expiresAt: new Date(deadline).toISOString() }],
    });
    expect(await removePlace(deps, { concertId, queueId })).toBeNull();
    expect(await readTicket(deps, claims)).toMatchObject({ status: 'LEFT', reason: 'REMOVED' });
    expect(await redis.get(room.keys.status(SCHEDULE))).toBe('AA');
    const seen = await inspectPlace(deps, { concertId, queueId });
    expect(seen).toMatchObject({ ticket: { status: 'LEFT' }, holds: [] });
    expect(seen).not.toHaveProperty('ticket.token');
    for (const call of [removePlace, inspectPlace]) {
      expect(await call(deps, { concertId, queueId: 'q_of_nobody' })).toMatchObject({ refused: 'QUEUE_NOT_FOUND' });
      expect(await call(deps, { concertId: 'gone', queueId })).toMatchObject({ refused: 'CONCERT_NOT_FOUND' });
    }
  });
});

describe('the room', () => {
  test('shows a change by its own answer', async () => {
    const deps = process();
    const { concertId, keys } = await openRoom(redis);
    await redis.hset(keys.stock, { 'v:d1': 1, 'f:d1': 30, 'v:d2': 1, 'f:d2': 12 });
    expect(await roomOf(deps, concertId)).toMatchObject({ concertId, state: 'OPEN', seatsLeft: 42, opensAt: null });
    const opensAt = '2100-01-01T00:00:00.000Z';
    const change = { state: 'CLOSED', opensAt, capacity: 7 } as const;
    expect(await changeRoom(deps, { concertId, change })).toMatchObject({ state: 'CLOSED', opensAt, capacity: 7 });
    expect(await changeRoom(deps, { concertId, change: {} })).toMatchObject(change);
    expect(await changeRoom(deps, { concertId, change: { opensAt: '9999-12-31T23:59:59-10:00' } })).toMatchObject({
      refused: 'VALIDATION',
    });
    expect(await changeRoom(deps, { concertId: 'gone', change })).toMatchObject({ refused: 'CONCERT_NOT_FOUND' });
    expect(await redis.exists('{c:gone}:room')).toBe(0);
    expect(await resetRoom(deps, { concertId: 'gone' })).toMatchObject({ refused: 'CONCERT_NOT_FOUND' });
    expect(await roomOf(deps, 'gone')).toMatchObject({ refused: 'CONCERT_NOT_FOUND' });
  });

  test('is measured by the process that admits, until another one does', async () => {
    const { concertId, keys, ...room } = await openRoom(redis, { capacity: 2 });
    for (const userId of ['ann', 'bob', 'cat']) await join({ concertId, keys, ...room }, userId);
    const of = async (gauge: typeof metrics.waiting) => {
      const { values } = await gauge.get();
      return values.find(({ labels }) => labels.concert === concertId)?.value;
    };
    expect(await admitRoom({ redis }, { concertId, lease: 'one' })).toEqual({ admitted: 2, ended: 0 });
    expect([await of(metrics.waiting), await of(metrics.active)]).toEqual([1, 2]);
    await until(async () => {
      const leaseUntil = (await redisNow(redis)) + LIMITS.ADMIT_LEASE_MS; // as long as a lease may be
      await redis.hset(keys.room, { lease_by: 'another', lease_until: leaseUntil });
      expect(await admitRoom({ redis }, { concertId, lease: 'one' })).toEqual({ admitted: 0, ended: 0 });
      return (await of(metrics.waiting)) === undefined && (await of(metrics.active)) === undefined;
    });
  });
});
