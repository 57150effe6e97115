/** Random commands on the real scripts against plain data, and the seat maps of two processes against both. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { QueueClaims } from '../auth/tokens.ts';
import { importConcert } from '../concerts/import.ts';
import type { SeatMapChange } from '../concerts/seat-maps.ts';
import type { ConcertInput, SeatMap, SeatStatus } from '../concerts/shapes.ts';
import { isRefusal, type Refusal } from '../errors.ts';
import { testRedis } from '../testing/connect.ts';
import { enter, leave, redisNow } from '../testing/waiting-room.ts';
import { cancelReservation } from './cancel.ts';
import {
  ageHold,
  createProcess,
  forgetHold,
  newUser,
  openSale,
  type Sale,
  scheduleInput,
  seatsOf,
  sell,
  tryHold,
} from './holding.fixture.ts';
import { type Answer, PlainSeats, type Prices } from './plain-seats.fixture.ts';
import { readReservationForPush } from './read.ts';
import { sweepHolds } from './sweep-holds.ts';

const redis = await testRedis();
const process = createProcess(redis);

const SEAT_LIMIT = 4;
const user = fc.nat(2);
/** Which of the holds made so far. */
const which = fc.nat(40);
const seat = fc.constantFrom('A-1-1', 'A-1-2', 'A-1-3', 'A-1-4', 'B-1-1', 'B-1-2', 'B-1-3');
const section = fc.record({ seats: fc.integer({ min: 1, max: 5 }), price: fc.integer({ min: 1, max: 2 }) });
const command = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      user,
      seats: fc.uniqueArray(seat, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('cancel' as const), user, which }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('age' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), user }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('confirm' as const), which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('import' as const), a: section, b: section }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;
type Sections = Record<'a' | 'b', { seats: number; price: number }>;

function inputOf({ a, b }: Sections): ConcertInput {
  const sections = [
    { section: 'A', price: a.price, rows: [{ row: '1', seats: a.seats }] },
    { section: 'B', price: b.price, rows: [{ row: '1', seats: b.seats }] },
  ];
  return {
    title: 'A night',
    venue: 'A hall',
    seatLimit: SEAT_LIMIT,
    schedules: [{ ...scheduleInput('d1'), sections }],
    room: { capacity: 1_000, admitPerSecond: 100_000 },
  };
}

function pricesOf({ a, b }: Sections): Prices {
  const row = (name: string, { seats, price }: Sections['a']) =>
    Array.from({ length: seats }, (_, i) => [`${name}-1-${i + 1}`, price] as const);
  return new Map([...row('A', a), ...row('B', b)]);
}

/** A process that follows the seats from one read to the next, and may start anew. */
function createWatcher(sale: Sale) {
  let maps = createProcess(redis).seatMaps;
  const seen = new Map<string, SeatStatus>();
  let version = 0;
  let stop = () => {};
  const history = new Map<number, Map<string, SeatStatus>>();

  function take(change: SeatMapChange): void {
    if (change.reset) {
      version = -1;
      history.clear();
      return;
    }
    expect(change.version).toBe(version + 1);
    version = change.version;
    for (const [seatId, status] of change.changes) seen.set(seatId, status);
    history.set(version, new Map(seen));
  }

  return {
    restart() {
      stop();
      stop = () => {};
      maps = createProcess(redis).seatMaps;
      version = 0;
      history.clear();
    },
    /** Answers the map of HTTP, after what was watched was held against it. */
    async look(atLeastVersion: number): Promise<SeatMap> {
      const map = await maps.read(sale.concertId, 'd1', { atLeastVersion });
      const answer = await maps.body(sale.concertId, 'd1', 'ALL');
      if (!map || !answer) throw new Error('no map');
      if (version <= 0) {
        // A snapshot and the subscription in one turn.
        if (version === 0) stop = maps.subscribe(sale.concertId, 'd1', take);
        version = map.version;
        seen.clear();
        for (const [seatId, status] of map.taken()) seen.set(seatId, status);
        history.set(version, new Map(seen));
      }
      const body = JSON.parse(answer.body.toString()) as SeatMap;
      expect(version).toBe(body.version);
      for (const { seatId, status } of body.seats) expect(seen.get(seatId) ?? 'AVAILABLE', seatId).toBe(status);
      for (const [since, then] of history) {
        const changes = maps.changesSince(sale.concertId, 'd1', since);
        const resumed = new Map(then);
        for (const [seatId, status] of changes?.flatMap((each) => each.changes) ?? []) resumed.set(seatId, status);
        expect(changes?.at(-1)?.version ?? since).toBe(version);
        for (const { seatId, status } of body.seats) expect(resumed.get(seatId) ?? 'AVAILABLE').toBe(status);
      }
      for (const filter of ['AVAILABLE', 'HELD', 'SOLD'] as const) {
        const filtered = JSON.parse(String((await maps.body(sale.concertId, 'd1', filter))?.body)) as SeatMap;
        expect(filtered).toEqual({ ...body, seats: body.seats.filter(({ status }) => status === filter) });
      }
      return body;
    },
  };
}

function answerOf({ refused, members }: Refusal): Answer {
  if (refused === 'SEAT_TAKEN') {
    return { word: 'TAKEN', seats: members.seatIds as string[], own: (members.reservationId as string) ?? null };
  }
  if (refused === 'SEAT_LIMIT')
    return { word: 'LIMIT', held: members.held as number, bought: members.bought as number };
  if (refused === 'IMPORT_CONFLICT') {
    const conflicts = members.conflicts as { path: string }[];
    return { word: 'CONFLICT', seats: conflicts.map(({ path }) => path.split('/').at(-1) ?? '') };
  }
  const word = PLAIN_WORDS[refused];
  if (!word) throw new Error(`${refused} ${JSON.stringify(members)}`);
  return { word };
}

const PLAIN_WORDS: Partial<Record<Refusal['refused'], 'MISSING' | 'EXPIRED' | 'PAID' | 'NONE'>> = {
  SEAT_NOT_FOUND: 'MISSING',
  RESERVATION_EXPIRED: 'EXPIRED',
  ALREADY_PAID: 'PAID',
  RESERVATION_NOT_FOUND: 'NONE',
};

async function start() {
  const first: Sections = { a: { seats: 4, price: 1 }, b: { seats: 3, price: 1 } };
  const sale = await openSale(process, inputOf(first));
  const plain = new PlainSeats(pricesOf(first), SEAT_LIMIT);
  const users = [newUser(), newUser(), newUser()];
  const places = new Map<string, QueueClaims>();
  for (const userId of users) places.set(userId, await enter(sale, userId));
  return { sale, plain, users, places, watcher: createWatcher(sale) };
}
type World = Awaited<ReturnType<typeof start>>;

async function run(world: World, step: Command): Promise<void> {
  const { sale, plain, users, places, watcher } = world;
  const userId = 'user' in step ? (users[step.user] ?? '') : '';
  const ids = [...plain.holds.keys()];
  const id = 'which' in step ? ids[step.which % Math.max(1, ids.length)] : undefined;
  const hold = id === undefined ? undefined : plain.holds.get(id);
  switch (step.kind) {
    case 'hold': {
      const said = await tryHold(sale, places.get(userId) as QueueClaims, { seats: step.seats });
      const made = isRefusal(said) ? '' : said.reservation.reservationId;
      expect(isRefusal(said) ? answerOf(said) : { word: 'HELD' }).toEqual(plain.hold(made, userId, step.seats));
      return;
    }
    case 'cancel': {
      if (id === undefined) return;
      const said = await cancelReservation(process, { reservationId: id, userId });
      expect(isRefusal(said) ? answerOf(said) : { word: said.status }).toEqual(plain.cancel(id, userId));
      return;
    }
    case 'age':
      if (id === undefined || hold?.status !== 'HELD' || hold.gone) return;
      await ageHold(sale, id, (await redisNow(redis)) - 1);
      hold.dead = true;
      return;
    case 'forget':
      if (id === undefined || hold?.status === 'CONFIRMED' || hold?.gone) return;
      await (hold?.status === 'HELD' ? forgetHold(sale, id) : redis.del(sale.keys.reservation(id)));
      if (hold) Object.assign(hold, { dead: true, gone: true });
      return;
    case 'sweep':
      await sweepHolds(process, sale.concertId);
      return plain.sweep({ gone: true });
    case 'leave':
      return reenter(world, userId);
    case 'confirm':
      if (id === undefined || !hold || !plain.isLive(id)) return;
      expect({ word: await sell(sale, places.get(hold.user) as QueueClaims, id) }).toEqual(plain.confirm(id));
      return reenter(world, hold.user);
    case 'import': {
      // Held seats whose records are gone are the sweeper's.
      await sweepHolds(process, sale.concertId);
      plain.sweep({ gone: true });
      const said = await importConcert(process, { concertId: sale.concertId, input: inputOf(step), dryRun: false });
      const expected = plain.import(pricesOf(step));
      const answer = isRefusal(said) ? answerOf(said) : { word: 'DONE' };
      if (expected.word === 'CONFLICT') expected.seats.sort();
      if (answer.word === 'CONFLICT' && 'seats' in answer) answer.seats.sort();
      expect(answer).toEqual(expected);
      return;
    }
    case 'restart':
      return watcher.restart();
  }
}

/** Leaves, unless a payment has ended the place, and enters again. */
async function reenter({ sale, plain, places }: World, userId: string): Promise<void> {
  await leave(sale, places.get(userId)?.queueId ?? '');
  plain.leave(userId);
  places.set(userId, await enter(sale, userId));
}

async function check({ sale, plain, users, watcher }: World, before: number): Promise<number> {
  const { keys } = sale;
  const { seats, version, free } = await seatsOf(sale);
  expect(version).toBeGreaterThanOrEqual(before);
  expect(seats).toEqual(Object.fromEntries(plain.holders));
  const isSold = (name: string) => plain.holds.get(plain.holders.get(name) ?? '')?.status === 'CONFIRMED';
  const statusOf = (name: string) => (plain.holders.has(name) ? (isSold(name) ? 'SOLD' : 'HELD') : 'AVAILABLE');
  const body = await watcher.look(version);
  expect(body.version).toBe(version);
  expect(body.available).toBe(free);
  const shown = new Map(body.seats.map(({ seatId, status, price }) => [seatId, `${status} ${price}`]));
  expect(shown).toEqual(new Map([...plain.prices].map(([name, price]) => [name, `${statusOf(name)} ${price}`])));

  const now = await redisNow(redis);
  await Promise.all([
    redis.zrange(keys.holds, '0', '-1').then((listed) => {
      const written = [...plain.holds].filter(([, hold]) => hold.status === 'HELD' && !hold.gone).map(([id]) => id);
      expect(listed.filter((id) => !plain.holds.get(id)?.gone).toSorted()).toEqual(written.toSorted());
    }),
    ...users.map(async (userId) => {
      const live = await redis.zrangebyscore(keys.live(userId), `(${now}`, '+inf');
      const expected = plain.liveOf(userId).map((id) => `${plain.holds.get(id)?.seats.length} ${id}`);
      expect(live.toSorted()).toEqual(expected.toSorted());
      expect(Number(await redis.hget(keys.bought, userId))).toBe(plain.bought.get(userId) ?? 0);
    }),
    ...[...plain.holds].map(async ([id, hold]) => {
      const said = await readReservationForPush(process, id);
      const status = hold.status === 'HELD' && hold.dead ? 'EXPIRED' : hold.status;
      expect(said?.status).toBe(hold.gone ? undefined : status);
    }),
  ]);
  return version;
}

test('scripts, seat maps and plain data agree after every command', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (steps) => {
      const world = await start();
      let version = await check(world, 0);
      for (const step of steps) {
        await run(world, step);
        version = await check(world, version);
      }
      expect(version).toBeGreaterThan(0);
    }),
    { numRuns: 40, interruptAfterTimeLimit: 12_000 },
  );
});
