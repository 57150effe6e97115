/**
 * A small world in which payments are made: one wallet, two holds, a rival for the seats, sweepers, accidents. A list
 * of numbers decides what happens. The scripts and the use cases are the real ones.
 */
import type { QueueClaims } from '../auth/tokens.ts';
import { type Refusal, Unavailable } from '../errors.ts';
import { createLog } from '../observability/log.ts';
import { concertKeys, walletKeys, walletPartition } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { ageTransfers, redisNow, userWith } from '../wallet/wallet.fixture.ts';
import { timeout } from './gate.fixture.ts';
import { type PayDeps, pay } from './pay.ts';
import * as sale from './sale.fixture.ts';
import { forgetTransfers, sweepTransfers } from './sweep-transfers.ts';
import { createTurns, type Move, type Turns } from './turns.fixture.ts';

export const PRICE = 1000;
export const SEATS = 2;
const CALLERS_AT_ONCE = 4;
const SWEEPERS_AT_ONCE = 2;
const CALLS_MAX = 9;
const RESERVATIONS_MAX = 6;

/** How often each kind of move happens against the others: what is rare in one mood is common in another. */
const WEIGHTS = {
  /** the sweeper is quick, and the buyer drops out of the room and comes back, while the holds live */
  restless: { turn: 60, lost: 3, late: 4, pay: 10, sweep: 8, forget: 0, time: 6, going: 4, coming: 15, accident: 0 },
  /** payments are recorded and their transfers forgotten under the feet of slow callers */
  forgetful: { turn: 50, lost: 3, late: 6, pay: 8, sweep: 6, forget: 25, time: 6, going: 0, coming: 15, accident: 0 },
  /** holds run out, are cancelled and taken by others */
  stormy: { turn: 50, lost: 4, late: 8, pay: 10, sweep: 6, forget: 1, time: 6, going: 0, coming: 8, accident: 8 },
} satisfies Record<string, Record<Move['kind'], number>>;
export type Mood = keyof typeof WEIGHTS;
export const MOODS = Object.keys(WEIGHTS) as Mood[];

/** Somebody with a wallet, and the places they have had, the newest last. */
export interface Person {
  name: string;
  userId: string;
  places: QueueClaims[];
}

export interface Held {
  reservationId: string;
  person: Person;
  seat: number;
}

export interface Answer {
  held: Held;
  answer: { payment: { paymentId: string }; repeated: boolean } | Refusal;
}

export interface World {
  redis: RedisClient;
  turns: Turns;
  night: sale.Sale;
  people: Person[];
  reservations: Held[];
  /** of calls that were answered, in order */
  answers: Answer[];
  /** what must never be there: alarms, and errors other than a missing answer */
  faults: string[];
  /** what happened, for the report of a failure */
  trace: string[];
  /** payments started so far */
  calls: number;
}

/** The buyer has so much money, and holds one seat or both. */
export async function createWorld(
  redis: RedisClient,
  { balance, holds }: { balance: number; holds: number },
): Promise<World> {
  const night = await sale.openSale(redis, { seats: SEATS, price: PRICE });
  const empty = { people: [], reservations: [], answers: [], faults: [], trace: [], calls: 0 };
  const world: World = { redis, night, turns: createTurns(redis), ...empty };
  const buyer = await addPerson(world, 'buyer', balance);
  await addPerson(world, 'rival', 5 * PRICE);
  for (let seat = 1; seat <= holds; seat++) await take(world, buyer, seat);
  return world;
}

/** Does what this number says. */
export async function step(world: World, { mood, choice }: { mood: Mood; choice: number }): Promise<void> {
  const weights: Record<Move['kind'], number> = WEIGHTS[mood];
  const moves = [...world.turns.moves(), ...starts(world), ...(await accidents(world))];
  const byKind = [...Map.groupBy(moves, ({ kind }) => kind)];
  const kinds = draw(choice, byKind, ([kind]) => weights[kind]);
  const move = kinds && draw(kinds.rest, kinds.drawn[1], ({ ease = 1 }) => ease);
  if (!move) throw new Error('nothing can happen');
  world.trace.push(move.drawn.label);
  await move.drawn.run();
}

/** One of these, as often as its weight says; `rest` is what is left of the number for the next draw. */
function draw<T>(choice: number, from: readonly T[], weightOf: (one: T) => number) {
  const total = from.reduce((sum, one) => sum + weightOf(one), 0);
  let left = choice % total;
  const drawn = from.find((one) => (left -= weightOf(one)) < 0);
  return drawn && { drawn, rest: Math.floor(choice / total) };
}

/** Lets all that is under way come to its end: late commands before the sweeper, or after it. */
export async function quiesce(world: World, { lateFirst }: { lateFirst: boolean }): Promise<void> {
  world.trace.push(lateFirst ? 'the end: late commands, then the sweeper' : 'the end: the sweeper, then late commands');
  if (!lateFirst) await sweepAll(world);
  await world.turns.runAll();
  await world.turns.runLate();
  await sweepAll(world);
}

/** A payment by a place that is ACTIVE, which nothing disturbs. */
export async function payUndisturbed(world: World, held: Held): Promise<Answer['answer']> {
  const { redis, night } = world;
  const { person, reservationId } = held;
  await enterAgain(world, person);
  const claims = await activePlace(world, person);
  return pay(sale.payDeps(redis), {
    claims: claims ?? (await sale.enter(redis, night, person.userId)),
    reservationId,
    idempotency: null,
  });
}

async function addPerson(world: World, name: string, balance: number): Promise<Person> {
  const userId = await userWith(world.redis, balance);
  const person = { name, userId, places: [await sale.enter(world.redis, world.night, userId)] };
  world.people.push(person);
  return person;
}

async function take({ redis, night, reservations }: World, person: Person, seat: number): Promise<void> {
  const claims = person.places.at(-1);
  if (!claims) return;
  const held = await sale.tryHold(redis, night, claims, [seat]);
  if (held.outcome === 'HELD') reservations.push({ reservationId: held.reservationId, person, seat });
}

/** Somebody who has a place already keeps it. */
async function enterAgain({ redis, night }: World, person: Person): Promise<void> {
  const claims = await sale.join(redis, night, person.userId).catch(() => null);
  await sale.admit(redis, night);
  if (claims) person.places.push(claims);
}

async function activePlace({ redis, night }: World, { places }: Person): Promise<QueueClaims | undefined> {
  const active = await redis.zrangebyscore(concertKeys(night.concertId).active, await redisNow(redis), '+inf');
  return places.find(({ queueId }) => active.includes(queueId));
}

/** Starts a caller. One that gets no answer may say so; any other error is a fault. */
function startCaller(world: World, who: string, what: (deps: PayDeps) => Promise<void>): Promise<void> {
  const { turns, faults } = world;
  const log = createLog('silent', 'test');
  log.error = (_: unknown, message?: string) => {
    if (message?.startsWith('ALARM')) faults.push(`${who}: ${message}`);
  };
  return turns.start(who, (redis) =>
    what({ ...sale.payDeps(redis), log }).catch((error: Error) => {
      const noAnswer = error.message === timeout().message || error instanceof Unavailable;
      if (!noAnswer) faults.push(`${who}: ${error.message}`);
    }),
  );
}

/** All calls that bring a key bring the same one, so that it is repeated, and used for another payload too. */
function startPay(world: World, held: Held, call: { claims: QueueClaims; withKey: boolean }): Promise<void> {
  world.calls += 1;
  const { reservationId } = held;
  const idempotency = call.withKey ? { key: 'key', fingerprint: reservationId } : null;
  return startCaller(world, `pay${world.calls}`, async (deps) => {
    const answer = await pay(deps, { claims: call.claims, reservationId, idempotency });
    world.answers.push({ held, answer });
  });
}

function startSweeper(world: World, who: string, sweep: typeof sweepTransfers): Promise<void> {
  return startCaller(world, who, async (deps) => {
    for (const { userId } of world.people) await sweep(deps, walletPartition(userId));
  });
}

async function sweepAll(world: World): Promise<void> {
  await ageTransfers(world.redis, idsOf(world));
  await startSweeper(world, 'last sweeper', sweepTransfers);
  await world.turns.runAll();
}

const idsOf = ({ people }: World) => people.map(({ userId }) => userId);

function starts(world: World): Move[] {
  const { turns, reservations, calls, trace } = world;
  const moves: Move[] = [];
  for (const held of turns.running('pay') < CALLERS_AT_ONCE && calls < CALLS_MAX ? reservations : []) {
    const name = `R${reservations.indexOf(held)}`;
    for (const [i, claims] of held.person.places.slice(-2).entries()) {
      for (const withKey of [false, true]) {
        const label = `pay${calls + 1} starts for ${name}, place ${i}${withKey ? ', with the key' : ''}`;
        moves.push({ kind: 'pay', label, run: () => startPay(world, held, { claims, withKey }) });
      }
    }
  }
  if (turns.running('sweeper') + turns.running('forgetter') < SWEEPERS_AT_ONCE) {
    const [sweeper, forgetter] = [`sweeper${trace.length}`, `forgetter${trace.length}`];
    moves.push({ kind: 'sweep', label: sweeper, run: () => startSweeper(world, sweeper, sweepTransfers) });
    moves.push({ kind: 'forget', label: forgetter, run: () => startSweeper(world, forgetter, forgetTransfers) });
  }
  return moves;
}

async function accidents(world: World): Promise<Move[]> {
  const { redis, night, reservations, people } = world;
  const moves: Move[] = [
    { kind: 'time', label: 'transfer deadlines pass', run: () => ageTransfers(redis, idsOf(world)) },
    { kind: 'accident', label: 'sweeper of holds and places', run: () => sale.tidy(redis, night) },
    { kind: 'forget', label: 'a day passes for ended transfers', run: () => aDayLater(world) },
    {
      kind: 'forget',
      label: 'all is recorded, and a day passes',
      run: () => recordAll(world).then(() => aDayLater(world)),
    },
  ];
  for (const [i, { reservationId, person }] of reservations.entries()) {
    moves.push(
      { kind: 'accident', label: `deadline of R${i}`, run: () => sale.ageHold(redis, night, reservationId) },
      { kind: 'accident', label: `cancel R${i}`, run: () => sale.cancel(redis, night, { ...person, reservationId }) },
    );
  }
  for (const person of people) moves.push(...(await comingsAndGoings(world, person)));
  return moves;
}

async function comingsAndGoings(world: World, person: Person): Promise<Move[]> {
  const { redis, night, reservations } = world;
  const { name } = person;
  const place = await activePlace(world, person);
  if (!place) return [{ kind: 'coming', label: `${name} enters again`, run: () => enterAgain(world, person) }];
  const ends = () => sale.agePlace(redis, night, place.queueId);
  const moves: Move[] = [
    { kind: 'going', label: `${name}'s place ends`, run: ends },
    { kind: 'accident', label: `${name}'s place ends`, run: ends },
    { kind: 'accident', label: `${name} leaves`, run: () => sale.leave(redis, night, place) },
  ];
  for (let seat = 1; seat <= SEATS && reservations.length < RESERVATIONS_MAX; seat++) {
    moves.push({ kind: 'accident', label: `${name} wants seat ${seat}`, run: () => take(world, person, seat) });
  }
  return moves;
}

/** As settle-payments.lua does once PostgreSQL has them. */
async function recordAll({ redis, night, reservations }: World): Promise<void> {
  for (const { reservationId } of reservations) {
    const reservation = concertKeys(night.concertId).reservation(reservationId);
    if ((await redis.hget(reservation, 'status')) === 'CONFIRMED') await redis.hset(reservation, 'recorded_at', '1');
  }
}

async function aDayLater({ redis, reservations }: World): Promise<void> {
  for (const { reservationId, person } of reservations) {
    await redis.zadd(walletKeys(person.userId).over, 'XX', 1, `${reservationId} ${person.userId}`);
  }
}
