/** Random command sequences on the real scripts, against the model; and positions in two processes against ZRANK. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { QueueClaims } from '../auth/tokens.ts';
import { isRefusal } from '../errors.ts';
import { testRedis } from '../testing/connect.ts';
import {
  agePlace,
  holdSeats,
  joinAll,
  leave,
  markPaid,
  newQueueId,
  openRoom,
  placeOf,
  type TestRoom,
  touch,
} from '../testing/waiting-room.ts';
import { type ModelPlace, RoomModel } from '../testing/waiting-room-model.ts';
import { admitRoom } from './admit.ts';
import { readTickets } from './read-ticket.ts';
import { changeRoom, resetRoom } from './room.ts';
import { createRoomViews, type RoomViews } from './room-views.ts';
import type { Ticket } from './shapes.ts';

const redis = await testRedis();
const log = { warn: () => {}, info: () => {} };
const tokens = { signQueue: () => 't' };
const USERS = ['ann', 'bob', 'cat', 'dan', 'eve'];

interface Run {
  room: TestRoom;
  model: RoomModel;
  /** two processes */
  views: [RoomViews, RoomViews];
  claims: Map<string, QueueClaims>;
}

const user = fc.constantFrom(...USERS);
const settings = fc.oneof(
  fc.record({ capacity: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ state: fc.constantFrom('OPEN' as const, 'OPEN' as const, 'PAUSED' as const, 'CLOSED' as const) }),
  fc.record({ reentry: fc.constantFrom('reject' as const, 'supersede' as const) }),
);
const picks = (name: string) => fc.record({ do: fc.constant(name), pick: fc.nat() });
const command = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('join'), users: fc.array(user, { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 5, arbitrary: fc.constant({ do: 'admit' }) },
  { weight: 3, arbitrary: picks('claim') },
  { weight: 3, arbitrary: picks('leave') },
  { weight: 1, arbitrary: picks('remove') },
  { weight: 3, arbitrary: picks('expire') },
  { weight: 1, arbitrary: picks('markPaid') },
  { weight: 1, arbitrary: picks('hold') },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('change'), settings }) },
  { weight: 1, arbitrary: fc.constant({ do: 'trim' }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' }) },
  { weight: 1, arbitrary: fc.constant({ do: 'tick' }) },
);
type Command = { do: string; users?: string[]; pick?: number; settings?: Parameters<RoomModel['change']>[0] };

async function joinBoth({ room, model, claims }: Run, users: readonly string[]): Promise<void> {
  const joiners = users.map((userId) => ({ userId, queueId: newQueueId() }));
  const answers = await joinAll(room, joiners);
  joiners.forEach(({ userId, queueId }, i) => {
    const expected = model.join(userId, queueId);
    const answer = answers[i];
    if (typeof expected === 'object')
      expect(answer).toMatchObject({ word: 'EXISTS', row: { queueId: expected.exists } });
    else expect(answer?.word).toBe(expected);
    if (answer?.word !== 'JOINED') return;
    const { record, epoch, position } = answer.row;
    const { sequence, joinedAtMs } = record;
    expect(position).toBe(model.waiting().length);
    claims.set(queueId, { queueId, userId, concertId: room.concertId, epoch, sequence, joinedAtMs });
  });
}

async function perform(run: Run, { do: what, users = [], pick = 0, settings: change = {} }: Command): Promise<void> {
  const { room, model, views } = run;
  const any = <T>(places: readonly T[]) => places[pick % Math.max(1, places.length)];
  const place = any(model.places);
  const active = any(model.active());
  const { queueId } = place ?? { queueId: 'q_of_nobody' };
  switch (what) {
    case 'join':
      return joinBoth(run, users);
    case 'admit':
      await admitRoom({ redis }, { concertId: room.concertId, lease: 'test' });
      return model.admit();
    case 'claim':
      return expect((await touch(room, queueId)).outcome === 'ACTIVE').toBe(model.claim(queueId));
    case 'leave':
    case 'remove': {
      const reason = what === 'leave' ? 'LEFT' : 'REMOVED';
      await leave(room, queueId, reason);
      return model.leave(queueId, reason);
    }
    case 'expire':
      if (active) await agePlace(room, active.queueId);
      return active && model.expire(active.queueId);
    case 'markPaid':
      // Only a claimed place can have paid.
      if (active?.claimed) await markPaid(room, active.queueId);
      return active?.claimed ? model.markPaid(active.queueId) : undefined;
    case 'hold':
      if (active) await holdSeats(room, { userId: active.userId, numbers: [(pick % 50) + 1], forMs: 3_600_000 });
      return active && model.hold(active.userId);
    case 'change':
      await changeRoom({ redis, rooms: views[0] }, { concertId: room.concertId, change });
      return model.change(change);
    case 'trim':
      return void (await redis.xtrim(room.keys.log, 'MAXLEN', '=', pick % 3));
    case 'restart':
      views[1] = createRoomViews({ redis, log });
      return;
    default:
      return;
  }
}

const asSeen = ({ status, reason }: ModelPlace | Ticket) => `${status} ${reason}`;

/** `which`: one process reads at every step, the other seldom, so that it falls behind and behind the trim. */
async function compare({ room, model, views, claims }: Run, which: readonly number[] = [0, 1]): Promise<void> {
  const all = model.places.map(({ queueId }) => claims.get(queueId) as QueueClaims);
  const order = await redis.zrange(room.keys.waiting, '0', '-1');
  expect(order).toEqual(model.waiting().map(({ queueId }) => queueId));
  for (const rooms of which.map((i) => views[i] as RoomViews)) {
    const view = await rooms.refresh(room.concertId);
    expect(view).toMatchObject({
      waiting: order.length,
      active: model.active().length,
      admitted: model.admitted,
      state: model.state,
    });
    const tickets = await readTickets({ redis, rooms, tokens }, all);
    tickets.forEach((ticket, i) => {
      if (isRefusal(ticket)) throw new Error(ticket.refused);
      const place = model.places[i] as ModelPlace;
      expect(asSeen(ticket)).toBe(asSeen(place));
      expect(ticket.position).toBe(place.status === 'WAITING' ? order.indexOf(place.queueId) + 1 : null);
    });
  }
}

/** What is not on any ticket: which field names which place, and whose holds are left. */
async function compareInside({ room, model }: Run): Promise<void> {
  await admitRoom({ redis }, { concertId: room.concertId, lease: 'test' });
  model.admit();
  const fields = [
    ...model.active().map(({ userId, queueId }) => [`a:${userId}`, queueId]),
    ...model.waiting().map(({ userId, queueId }) => [`w:${userId}`, queueId]),
  ];
  expect(await redis.hgetall(room.keys.members)).toEqual(Object.fromEntries(fields));
  expect(await redis.zcard(room.keys.active)).toBe(model.active().length);
  for (const userId of USERS) expect(await redis.zcard(room.keys.live(userId))).toBe(model.holds.get(userId) ?? 0);
  for (const place of model.places) {
    const record = await placeOf(room, place.queueId);
    if (place.status === 'ACTIVE') expect((record?.sessionEndMs ?? 0) > 0).toBe(place.claimed);
  }
  const count = (wanted: (place: ModelPlace) => boolean) => String(model.places.filter(wanted).length);
  expect(await redis.hmget(room.keys.room, 'no_shows', 'expired', 'left_count', 'used')).toEqual([
    count(({ reason }) => reason === 'UNCLAIMED'),
    count(({ status, reason }) => status === 'EXPIRED' && reason !== 'UNCLAIMED'),
    count(({ status }) => status === 'LEFT'),
    count(({ status }) => status === 'USED'),
  ]);
}

test('the scripts do what the model says', { timeout: 60_000 }, async () => {
  const start = fc.record({
    capacity: fc.integer({ min: 0, max: 3 }),
    reentry: fc.constantFrom('reject' as const, 'supersede' as const),
  });
  await fc.assert(
    fc.asyncProperty(start, fc.array(command, { minLength: 20, maxLength: 60 }), async (initial, commands) => {
      const room = await openRoom(redis, { ...initial, sessionSeconds: 3_600, claimSeconds: 3_600 });
      const views: Run['views'] = [createRoomViews({ redis, log }), createRoomViews({ redis, log })];
      const run: Run = { room, model: new RoomModel(initial), views, claims: new Map() };
      for (const each of commands) {
        await perform(run, each);
        await compare(run, each.do === 'tick' ? [0, 1] : [0]);
      }
      await compareInside(run);
      await resetRoom({ redis, rooms: run.views[0] }, { concertId: room.concertId });
      run.model.reset();
      await compare(run);
      expect(run.model.places).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
