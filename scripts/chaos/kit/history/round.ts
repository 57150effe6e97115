/** One round: a new concert, new fans, and all they do there at the same time, recorded. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTokens } from '../../../../src/auth/tokens.ts';
import { putConcert } from '../../../../src/testing/fan.ts';
import { JWT_SECRET } from '../../../../src/testing/system.ts';
import { openWallet } from '../../../../src/wallet/open.ts';
import type { Fleet } from '../fleet.ts';
import type { Asked, Call } from './call.ts';
import { type Caller, type Desk, openDesk } from './desk.ts';
import { buildHall, type RoundHall } from './hall.ts';
import type { Lanes } from './lanes.ts';
import type { Dice } from '../random.ts';

export interface RoundOptions {
  fleet: Pick<Fleet, 'urls' | 'direct'>;
  lanes: Lanes;
  random: Dice;
  fans: number;
  /** so many are recorded, and those then under way */
  calls: number;
  /** by performance.now() */
  deadlineMs: number;
}

interface Night {
  hall: RoundHall;
  desk: Desk;
  random: Dice;
  /** benches with a seat that is not sold */
  open: string[];
  isOver(): boolean;
  newcomer(): Promise<Caller>;
}

/** Benches that fans look at, of those that have seats left: so few that they meet. */
const LOOKED_AT = 8;
const BOUGHT_ENOUGH = 4;
const ACTIONS = { least: 3, most: 25 };
const CHARGE_MAX = 4_000;

export async function playRound(options: RoundOptions): Promise<{ calls: Call[]; hall: RoundHall }> {
  const { fleet, lanes, random } = options;
  const hall = buildHall(options.fans);
  const concertId = `round-${randomUUID()}`;
  const put = await putConcert(fleet.urls[0] ?? '', concertId, hall.input);
  if (put.status !== 201) throw new Error(`the import got ${put.status} ${JSON.stringify(put.body)}`);
  const desk = openDesk({ lanes, servers: fleet.urls.length, concertId, random });
  const tokens = createTokens({ jwtSecrets: [JWT_SECRET] });
  const night: Night = {
    hall,
    desk,
    random,
    open: [...hall.benches],
    isOver: () => desk.calls.length >= options.calls || performance.now() > options.deadlineMs,
    async newcomer() {
      const userId = `u_${randomUUID().replaceAll('-', '')}`;
      await openWallet({ redis: fleet.direct }, userId);
      return { userId, accessToken: tokens.signAccess(userId), queueToken: '' };
    },
  };
  await Promise.all(Array.from({ length: options.fans }, () => spendNight(night)));
  return { calls: desk.calls, hall };
}

/** One seat in front of the screen: fans one after the other, each until they have bought enough. */
async function spendNight(night: Night): Promise<void> {
  while (!night.isOver()) {
    const caller = await night.newcomer();
    let bought = 0;
    while (!night.isOver() && bought < BOUGHT_ENOUGH) {
      const queueId = await waitForTurn(night, caller);
      if (queueId !== null) bought += await visit(night, { caller, queueId });
    }
  }
}

/** Joins and polls until the place is ACTIVE; null where it ended before. */
async function waitForTurn({ desk, open, random, isOver }: Night, caller: Caller): Promise<string | null> {
  const { status, body } = await desk.ask(caller, { kind: 'join' });
  const { queueId, token } = status === 409 ? (body.ticket ?? {}) : body;
  if (queueId === undefined || token === undefined) return null;
  caller.queueToken = token;
  while (!isOver()) {
    const ticket = await desk.ask(caller, { kind: 'poll', queueId });
    if (ticket.body.status === 'ACTIVE') return queueId;
    if (ticket.body.status !== 'WAITING') return null;
    const whim = random.between(1, 40);
    if (whim === 1) await desk.ask(caller, { kind: 'leave', queueId });
    if (whim === 2) await desk.ask(caller, { kind: 'hold', queueId, ...someSeats(open, random) });
    await sleep(20 + random.between(0, 80));
  }
  return null;
}

interface Visit {
  caller: Caller;
  queueId: string;
  /** reservations of this visit that are neither cancelled nor paid, and the others */
  live: { reservationId: string; bench: string }[];
  past: string[];
  bought: number;
  turnedAway: boolean;
}

/** What a fan does inside. Answers how many seats they have bought. */
async function visit(night: Night, { caller, queueId }: { caller: Caller; queueId: string }): Promise<number> {
  const { random, desk } = night;
  const at: Visit = { caller, queueId, live: [], past: [], bought: 0, turnedAway: false };
  const actions = random.between(ACTIONS.least, ACTIONS.most);
  // Some are admitted and never seen: their places end unclaimed.
  if (random.chance(0.02)) at.turnedAway = true;
  for (let i = 0; i < actions && !at.turnedAway && !night.isOver(); i++) await act(night, at);
  if (random.chance(0.7)) await desk.ask(caller, { kind: 'leave', queueId });
  else await lookOn(night, at);
  return at.bought;
}

/** Stays without doing anything until the place has ended by itself. */
async function lookOn({ desk, random, isOver }: Night, { caller, queueId }: Visit): Promise<void> {
  while (!isOver()) {
    const { body } = await desk.ask(caller, { kind: 'poll', queueId });
    if (body.status !== 'ACTIVE') return;
    if (random.chance(0.1)) await desk.ask(caller, { kind: 'join' });
    await sleep(50 + random.between(0, 150));
  }
}

/** Neighbours on one of the benches looked at. */
function someSeats(open: readonly string[], random: Dice): { scheduleId: string; seatIds: string[]; bench: string } {
  const bench = random.pick(open.slice(0, LOOKED_AT));
  const [scheduleId = '', number = '0'] = bench.split(' ');
  const first = random.between(0, 2);
  const count = random.between(1, 3 - first);
  const seatIds = Array.from({ length: count }, (_, seat) => `A-1-${Number(number) * 3 + first + seat + 1}`);
  return { scheduleId, seatIds, bench };
}

async function act(night: Night, at: Visit): Promise<void> {
  const { desk, random } = night;
  const { caller, queueId } = at;
  const mine = at.live[random.between(0, at.live.length)];
  const other = at.past[random.between(0, at.past.length)];
  switch (random.between(0, 15)) {
    case 0:
      return void (await desk.ask(caller, { kind: 'charge', amount: random.between(1, CHARGE_MAX) }));
    case 1:
      return void (await desk.ask(caller, { kind: 'balance' }));
    case 2:
      return watch(at, await desk.ask(caller, { kind: 'poll', queueId }));
    case 3:
    case 10: {
      const { scheduleId } = someSeats(night.open, random);
      return watch(at, await desk.ask(caller, { kind: 'map', queueId, scheduleId }));
    }
    case 4:
      if (other) await desk.ask(caller, ofPast(other, { queueId, random }));
      return;
    case 5:
      if (mine) await desk.ask(caller, { kind: 'reservation', reservationId: mine.reservationId });
      return;
    case 6:
      return mine ? cancel(night, at, mine) : undefined;
    case 7:
    case 8:
    case 11:
      return mine ? pay(night, at, mine) : undefined;
    case 9:
      // Long enough for a hold to end now and then.
      await sleep(random.chance(0.1) ? night.hall.holdMs + random.between(0, 100) : random.between(0, 40));
      return;
    default:
      return hold(night, at);
  }
}

function ofPast(reservationId: string, { queueId, random }: { queueId: string; random: Dice }): Asked {
  const kind = random.pick(['pay', 'cancel', 'reservation'] as const);
  return kind === 'pay' ? { kind, queueId, reservationId } : { kind, reservationId };
}

async function hold(night: Night, at: Visit): Promise<void> {
  const { scheduleId, seatIds, bench } = someSeats(night.open, night.random);
  const answer = await night.desk.ask(at.caller, { kind: 'hold', queueId: at.queueId, scheduleId, seatIds });
  watch(at, answer);
  const { reservationId } = answer.body;
  if (answer.status === 201 && reservationId) at.live.push({ reservationId, bench });
}

async function cancel({ desk }: Night, at: Visit, mine: Visit['live'][number]): Promise<void> {
  await desk.ask(at.caller, { kind: 'cancel', reservationId: mine.reservationId });
  retire(at, mine);
}

async function pay({ desk, open }: Night, at: Visit, mine: Visit['live'][number]): Promise<void> {
  const { reservationId } = mine;
  const answer = await desk.ask(at.caller, { kind: 'pay', queueId: at.queueId, reservationId });
  watch(at, answer);
  if (answer.body.code === 'INSUFFICIENT_BALANCE') return;
  retire(at, mine);
  if (answer.body.paymentId === undefined) return;
  at.bought += answer.body.seats?.length ?? 0;
  // A bench with a sold seat is of little use: three in a row cannot be held there any more.
  const index = open.indexOf(mine.bench);
  if (index >= 0 && open.length > LOOKED_AT) open.splice(index, 1);
}

function retire(at: Visit, mine: Visit['live'][number]): void {
  at.live = at.live.filter((each) => each !== mine);
  at.past.push(mine.reservationId);
}

/** Whether the place is over. */
function watch(at: Visit, { status, body }: { status: number; body: { status?: string | number } }): void {
  if (
    status === 403 ||
    (status === 200 && body.status !== undefined && body.status !== 'ACTIVE' && body.status !== 'CONFIRMED')
  )
    at.turnedAway = true;
}
