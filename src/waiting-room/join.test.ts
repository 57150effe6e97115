import { Compile } from 'typebox/compile';
import { describe, expect, test, vi } from 'vitest';
import { createTokens } from '../auth/tokens.ts';
import { isRefusal } from '../errors.ts';
import { walletKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { until } from '../testing/until.ts';
import {
  admit,
  agePlace,
  commandsOf,
  enter,
  newQueueId,
  openRoom,
  redisNow,
  type TestRoom,
} from '../testing/waiting-room.ts';
import { concertsOf, noteConcerts } from '../wallet/note-concerts.ts';
import { type JoinDeps, joinRoom } from './join.ts';
import { livePlaces } from './places.ts';
import { createRoomViews, type RoomViewsOptions } from './room-views.ts';
import { Ticket } from './shapes.ts';

const redis = await testRedis();
const log = { warn: () => {}, info: () => {} };
const tokens = createTokens({ jwtSecrets: ['a secret of the tests, long enough'] });
const rooms = createRoomViews({ redis, log });
const deps: JoinDeps = { redis, rooms, tokens, log };
const ticketCheck = Compile(Ticket);

const newUser = () => newQueueId().replace('q_', 'u_');

async function joinAs(room: TestRoom, userId: string, idempotency: { key: string; fingerprint: string } | null = null) {
  return joinRoom(deps, { concertId: room.concertId, userId, idempotency });
}

async function ticketFor(
  room: TestRoom,
  userId: string,
  idempotency: { key: string; fingerprint: string } | null = null,
) {
  const answer = await joinAs(room, userId, idempotency);
  if (isRefusal(answer)) throw new Error(answer.refused);
  return answer;
}

/** As if admission had just begun, however slow the machine: its rate is then that of one second. */
async function beginRate({ keys }: TestRoom): Promise<void> {
  await redis.hset(keys.room, 'rate_since', (await redisNow(redis)) + 60_000);
}

describe('a ticket of one who joins', () => {
  test('is whole, and its token says what Redis has', async () => {
    const room = await openRoom(redis, { claimSeconds: 30 });
    await ticketFor(room, newUser());
    const userId = newUser();
    const { ticket, repeated } = await ticketFor(room, userId);
    expect(repeated).toBe(false);
    expect(ticketCheck.Check(ticket)).toBe(true);
    expect(ticket).toMatchObject({ status: 'WAITING', sequence: 2, position: 2, ahead: 1, waiting: 2, admitted: 0 });
    expect(ticket).toMatchObject({ estimatedWaitSeconds: null, pollAfterSeconds: 1, expiresAt: null, reason: null });
    expect(ticket.queueId).toMatch(/^q_[0-9a-f]{32}$/);
    expect(await tokens.verifyQueue(ticket.token ?? '')).toEqual({
      queueId: ticket.queueId,
      userId,
      concertId: room.concertId,
      epoch: await redis.hget(room.keys.room, 'epoch'),
      sequence: 2,
      joinedAtMs: Date.parse(ticket.joinedAt),
    });
  });

  test('has an expected wait once people are admitted', async () => {
    const room = await openRoom(redis);
    for (let i = 0; i < 10; i++) await ticketFor(room, newUser());
    await admit(room);
    await redis.hset(room.keys.room, 'capacity', 0);
    await beginRate(room);
    for (let i = 0; i < 20; i++) await ticketFor(room, newUser());
    expect((await ticketFor(room, newUser())).ticket).toMatchObject({ ahead: 20, estimatedWaitSeconds: 2 });
  });
});

test('joins of one turn of the event loop are one call for each room, of 200 at most, each with its own answer', async () => {
  const [big, small, none] = [await openRoom(redis), await openRoom(redis), 'no-such-concert'];
  const join = (concertId: string) => joinRoom(deps, { concertId, userId: newUser(), idempotency: null });
  let answers: Awaited<ReturnType<typeof join>>[] = [];
  const joinEverywhere = async () => {
    const concertIds = [...Array.from({ length: 450 }, () => big.concertId), small.concertId, none];
    answers = await Promise.all(concertIds.map(join));
  };
  const commands = await commandsOf(redis, joinEverywhere, ':room');
  expect(commands).toBe(3 + 1 + 1);
  const positions = answers.map((answer) => (isRefusal(answer) ? answer.refused : answer.ticket.position));
  expect(positions).toEqual([...Array.from({ length: 450 }, (_, i) => i + 1), 1, 'CONCERT_NOT_FOUND']);
  expect(await redis.zcard(big.keys.waiting)).toBe(450);
});

test('a call that fails fails for all who were in it, and for nobody else', async () => {
  const [good, broken] = [await openRoom(redis), await openRoom(redis)];
  await redis.set(broken.keys.places, 'no hash');
  const answers = await Promise.allSettled([joinAs(broken, 'ann'), joinAs(good, 'ann'), joinAs(broken, 'bob')]);
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
});

describe('refusals', () => {
  test('ALREADY_QUEUED has the ticket of the live place, with a token', async () => {
    const room = await openRoom(redis);
    const { ticket } = await ticketFor(room, 'ann');
    const waiting = await joinAs(room, 'ann');
    expect(waiting).toMatchObject({
      refused: 'ALREADY_QUEUED',
      members: { ticket: { ...ticket, token: expect.any(String), serverTime: expect.any(String) } },
    });
    await admit(room);
    const active = await joinAs(room, 'ann');
    expect(active).toMatchObject({
      members: { ticket: { queueId: ticket.queueId, status: 'ACTIVE', position: null } },
    });
    if (!isRefusal(active)) throw new Error('joined twice');
    const told = active.members.ticket as Ticket;
    expect(ticketCheck.Check(told)).toBe(true);
    expect(await tokens.verifyQueue(told.token ?? '')).toMatchObject({ queueId: ticket.queueId, userId: 'ann' });
    await agePlace(room, ticket.queueId);
    expect((await ticketFor(room, 'ann')).ticket.sequence).toBe(2);
  });

  test('ROOM_CLOSED tells when it opens', async () => {
    const opensAt = '2100-01-01T00:00:00.000Z';
    const room = await openRoom(redis, { state: 'CLOSED', opensAt });
    expect(await joinAs(room, 'ann')).toEqual({ refused: 'ROOM_CLOSED', members: { state: 'CLOSED', opensAt } });
    await redis.hset(room.keys.room, 'opens_at', '');
    expect(await joinAs(room, 'ann')).toMatchObject({ members: { opensAt: null } });
  });

  test('IDEMPOTENCY_MISMATCH', async () => {
    const room = await openRoom(redis);
    await ticketFor(room, 'ann', { key: 'k', fingerprint: 'a' });
    expect(await joinAs(room, 'ann', { key: 'k', fingerprint: 'b' })).toMatchObject({
      refused: 'IDEMPOTENCY_MISMATCH',
    });
  });
});

test('a repeat is the first answer as it was, with a token of the same place', async () => {
  const room = await openRoom(redis);
  const idempotency = { key: 'k', fingerprint: 'f' };
  const first = await ticketFor(room, 'ann', idempotency);
  await ticketFor(room, 'bob');
  await admit(room);
  const again = await ticketFor(room, 'ann', idempotency);
  expect(again.repeated).toBe(true);
  const { token, ...rest } = again.ticket;
  expect(rest).toEqual({ ...first.ticket, token: undefined });
  expect(await tokens.verifyQueue(token ?? '')).toEqual(await tokens.verifyQueue(first.ticket.token ?? ''));
  // Keys are scoped to their user and their concert.
  expect((await ticketFor(room, 'cat', idempotency)).repeated).toBe(false);
  expect((await ticketFor(await openRoom(redis), 'ann', idempotency)).repeated).toBe(false);
});

describe('behind the answer', () => {
  test('the concert is noted in the wallet slot, and the live places are found there', async () => {
    const [one, two] = [await openRoom(redis), await openRoom(redis)];
    const userId = newUser();
    const [first, second] = [await ticketFor(one, userId), await ticketFor(two, userId)];
    await until(async () => (await concertsOf(deps, userId)).length === 2);
    const withTokens = await livePlaces(deps, { userId, withTokens: true });
    // Both may have joined in the same millisecond.
    expect(withTokens.map(({ queueId }) => queueId).sort()).toEqual(
      [first, second].map(({ ticket }) => ticket.queueId).sort(),
    );
    expect(withTokens).toMatchObject([{ status: 'WAITING', position: 1 }, { position: 1 }]);
    for (const ticket of withTokens) expect(ticketCheck.Check(ticket)).toBe(true);
    expect(await tokens.verifyQueue(withTokens[0]?.token ?? '')).toMatchObject({
      userId,
      queueId: withTokens[0]?.queueId,
    });
    await admit(one);
    await agePlace(one, first.ticket.queueId);
    const left = await livePlaces(deps, { userId, withTokens: false });
    expect(left).toHaveLength(1);
    expect(left[0]).not.toHaveProperty('token');
    expect(await livePlaces(deps, { userId: newUser(), withTokens: true })).toEqual([]);
  });

  test('also of a join whose first answer was lost on its way from Redis', async () => {
    const room = await openRoom(redis);
    const userId = newUser();
    const idempotency = { key: 'lost-reply', fingerprint: 'f' };
    await ticketFor(room, userId, idempotency);
    await until(async () => (await concertsOf(deps, userId)).length === 1);
    // As if the process that asked first had never learned of it: another one is asked again.
    await redis.del(walletKeys(userId).concerts);
    await rooms.stop();
    expect(await ticketFor(room, userId, idempotency)).toMatchObject({ repeated: true });
    expect(await livePlaces(deps, { userId, withTokens: false })).toHaveLength(1);
  });

  test('what is gathered is written when a process ends, and a note of a concert that is gone harms nobody', async () => {
    const room = await openRoom(redis);
    const userId = newUser();
    await ticketFor(room, userId);
    await rooms.stop();
    expect(await concertsOf(deps, userId)).toEqual([room.concertId]);
    await noteConcerts(deps, [{ userId, concertId: 'gone' }]);
    expect(await livePlaces(deps, { userId, withTokens: true })).toHaveLength(1);
  });

  test('a note that cannot be written is written later, and told of once', async () => {
    const room = await openRoom(redis);
    const userId = newUser();
    const warn = vi.fn<(...args: unknown[]) => void>();
    const broken = walletKeys(userId).concerts;
    await redis.set(broken, 'no set');
    const join = await joinRoom({ ...deps, log: { warn } }, { concertId: room.concertId, userId, idempotency: null });
    expect(isRefusal(join)).toBe(false);
    await until(() => warn.mock.calls.length > 0);
    await expect(livePlaces(deps, { userId, withTokens: true })).rejects.toThrow('WRONGTYPE');
    await redis.del(broken);
    expect(await livePlaces(deps, { userId, withTokens: true })).toHaveLength(1);
    expect(await concertsOf(deps, userId)).toEqual([room.concertId]);
    expect(warn).toHaveBeenCalledOnce();
  });

  test('the expected wait is held against the real one', async () => {
    const observed: Parameters<NonNullable<RoomViewsOptions['onWaitObserved']>>[] = [];
    const views = createRoomViews({ redis, log, onWaitObserved: (...seconds) => void observed.push(seconds) });
    const room = await openRoom(redis);
    await enter(room, 'first');
    await beginRate(room);
    const own = { ...deps, rooms: views };
    await views.view(room.concertId);
    const { concertId } = room;
    const joined = await joinRoom(own, { concertId, userId: 'ann', idempotency: null });
    const left = await joinRoom(own, { concertId, userId: 'bob', idempotency: null });
    if (isRefusal(joined) || isRefusal(left)) throw new Error('refused');
    expect(joined.ticket.estimatedWaitSeconds).toBe(0);
    await admit(room);
    await views.refresh(concertId);
    expect(observed).toEqual([
      [0, expect.any(Number)],
      [1, expect.any(Number)],
    ]);
    expect(observed.every(([, real]) => real >= 0 && real < 20)).toBe(true);
    await views.refresh(concertId);
    expect(observed).toHaveLength(2);
  });
});
