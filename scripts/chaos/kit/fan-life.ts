/**
 * What one fan does. A fan does one thing after another and repeats each until it is answered: so they know their
 * balance and the state of each hold for certain, and every answer is held against that.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../../../src/testing/fan.ts';
import type { Caller } from './caller.ts';
import type { Kind, Ledger, Operation } from './ledger.ts';
import type { Dice } from './random.ts';

export interface Hall {
  concertId: string;
  schedules: readonly string[];
  seatsEach: number;
  price: number;
  sold: number;
}

export interface Fan {
  userId: string;
  bearer: string;
  /** what they can spend, by all answers so far; null once an operation was given up */
  balance: number | null;
  /** what payments without an answer may have set aside, refused though they were when sent again: the sweeper gives it back */
  setAside: number;
  /** seats, in all concerts */
  bought: number;
}

export interface World extends Caller {
  ledger: Ledger;
  random: Dice;
  stopping(): boolean;
  newFan(): Promise<Fan>;
  pickHall(): Promise<Hall>;
}

interface Place {
  queueId: string;
  token: string;
}

interface Visit {
  world: World;
  fan: Fan;
  hall: Hall;
  place: Place;
}

const POLL_MS = 250;
const ROUNDS = 3;
/** A fan who has so many tickets goes home: the contract allows 8 seats a person and concert. */
const ENOUGH_SEATS = 6;

/** One visit to a concert. Answers the fan who goes on, or null where somebody new is to come. */
export async function liveOnce(world: World, before: Fan | null): Promise<Fan | null> {
  const fan = before ?? (await world.newFan());
  const hall = await world.pickHall();
  const place = await enter(world, fan, hall);
  if (!place) return fan;
  const visit = { world, fan, hall, place };
  let paid = false;
  for (let round = 0; round < ROUNDS && !paid && !world.stopping(); round++) paid = await choose(visit);
  if (!paid && world.random.chance(0.7)) {
    await perform(visit, 'leave', { method: 'DELETE', path: `/api/v1/queue/${place.queueId}` });
  }
  return fan.bought >= ENOUGH_SEATS || fan.balance === null || world.random.chance(0.1) ? null : fan;
}

/** Joins and polls until admitted; null where the load ends before. */
async function enter(world: World, fan: Fan, hall: Hall): Promise<Place | null> {
  const nowhere = { world, fan, hall, place: { queueId: '', token: '' } };
  const answer = await perform(nowhere, 'join', {
    method: 'POST',
    path: '/api/v1/queue',
    body: { concertId: hall.concertId },
  });
  const ticket = answer?.status === 409 ? answer.body.ticket : answer?.body;
  if (!ticket?.token) return null;
  const place = { queueId: String(ticket.queueId), token: String(ticket.token) };
  while (!world.stopping()) {
    const seen = await world.read(`/api/v1/queue/${place.queueId}`, place.token);
    const status = seen?.status === 200 ? seen.body.status : null;
    if (status === 'ACTIVE') return place;
    if (status !== null && status !== 'WAITING') {
      world.ledger.contradictions.push(`${place.queueId} of ${fan.userId} is ${status}, but nobody ended it`);
      return null;
    }
    if (seen?.status === 404) {
      world.ledger.contradictions.push(`${place.queueId} of ${fan.userId} is lost: ${seen.body.code}`);
      return null;
    }
    await sleep(POLL_MS);
  }
  return null;
}

/** Charges, chooses seats, and decides about them. Answers whether they were paid, which ends the place. */
async function choose(visit: Visit): Promise<boolean> {
  const { world, hall, place } = visit;
  const { random } = world;
  if (random.chance(0.2)) {
    const scheduleId = random.pick(hall.schedules);
    await world.read(`/api/v1/concerts/${hall.concertId}/schedules/${scheduleId}/seats`, place.token);
  }
  if (random.chance(0.8)) await charge(visit, random.between(1, 3) * hall.price + random.between(0, 9));
  const scheduleId = random.pick(hall.schedules);
  const first = random.between(1, hall.seatsEach);
  const numbers = random.chance(0.4) && first < hall.seatsEach ? [first, first + 1] : [first];
  const seatIds = numbers.map((number) => `A-1-${number}`);
  const held = await perform(visit, 'hold', {
    method: 'POST',
    path: '/api/v1/reservations',
    body: { scheduleId, seatIds },
    seats: seatIds.map((seatId) => `${scheduleId} ${seatId}`),
  });
  if (held?.status !== 201) return false;
  const reservation = { reservationId: String(held.body.reservationId), amount: Number(held.body.amount) };
  const seats = seatIds.length;
  if (random.chance(0.55)) return pay(visit, { ...reservation, seats });
  if (random.chance(0.15)) {
    // Both at once: one of them is refused, whichever comes second.
    const [paid] = await Promise.all([pay(visit, { ...reservation, seats }), cancel(visit, reservation)]);
    return paid;
  }
  if (random.chance(0.7)) await cancel(visit, reservation);
  return false;
}

async function charge(visit: Visit, amount: number): Promise<void> {
  const { fan, world } = visit;
  const answer = await perform(visit, 'charge', {
    method: 'POST',
    path: `/api/v1/users/${fan.userId}/balance`,
    body: { amount },
    amount,
  });
  if (!answer) fan.balance = null;
  if (answer?.status === 200) moveMoney(world, fan, { by: amount, answer });
}

async function pay(
  visit: Visit,
  { reservationId, amount, seats }: { reservationId: string; amount: number; seats: number },
): Promise<boolean> {
  const { fan, hall, world } = visit;
  const before = fan.balance;
  const body = { reservationId };
  const answer = await perform(visit, 'pay', {
    method: 'POST',
    path: '/api/v1/payments',
    body,
    reservationId,
    setsAside: amount,
  });
  if (!answer) fan.balance = null;
  if (answer && answer.status < 300) {
    moveMoney(world, fan, { by: -amount, answer });
    fan.bought += seats;
    hall.sold += seats;
    return true;
  }
  if (answer?.body?.code === 'INSUFFICIENT_BALANCE' && before !== null) {
    world.ledger.compared++;
    if (before - fan.setAside >= amount)
      world.ledger.contradictions.push(`${fan.userId} has ${before} and was refused to pay ${amount}: too little`);
  }
  return false;
}

async function cancel(visit: Visit, { reservationId }: { reservationId: string }): Promise<void> {
  await perform(visit, 'cancel', { method: 'DELETE', path: `/api/v1/reservations/${reservationId}`, reservationId });
}

/** The fan's own book, and whether the answer agrees with it. */
function moveMoney({ ledger }: World, fan: Fan, { by, answer }: { by: number; answer: Answer }): void {
  if (fan.balance === null) return;
  fan.balance += by;
  ledger.compared++;
  const told = Number(answer.body.balance);
  if (told <= fan.balance && told >= fan.balance - fan.setAside) return;
  ledger.contradictions.push(
    `${fan.userId} has ${fan.balance} by their own book, the answer says ${answer.body.balance}`,
  );
}

interface Asked {
  method: string;
  path: string;
  body?: unknown;
  seats?: readonly string[];
  amount?: number;
  reservationId?: string;
  /** of a payment: its amount */
  setsAside?: number;
}

/** Refusals that a fan of this kind may meet; any other is a contradiction: nobody ended their place or their hold. */
const EXPECTED: Record<Kind, readonly string[]> = {
  join: ['ALREADY_QUEUED'],
  leave: [],
  hold: ['SEAT_TAKEN', 'SEAT_LIMIT', 'SESSION_OVER'],
  cancel: ['ALREADY_PAID'],
  charge: [],
  pay: ['INSUFFICIENT_BALANCE', 'RESERVATION_CANCELLED'],
};

async function perform({ world, fan, hall, place }: Visit, kind: Kind, asked: Asked): Promise<Answer | null> {
  const operation: Operation = {
    kind,
    key: randomUUID(),
    userId: fan.userId,
    concertId: hall.concertId,
    seats: asked.seats ?? [],
    amount: asked.amount ?? 0,
    queueId: place.queueId,
    reservationId: asked.reservationId ?? '',
    call: { method: asked.method, path: asked.path, body: asked.body, bearer: fan.bearer, queue: place.token },
    attempts: [],
    effect: null,
    refusal: null,
  };
  const answer = await world.perform(operation);
  const wasUnknown = operation.attempts.some(({ status }) => status === 0 || status >= 500);
  if (wasUnknown && operation.effect === null) fan.setAside += asked.setsAside ?? 0;
  if (operation.refusal !== null && !EXPECTED[kind].includes(operation.refusal))
    world.ledger.contradictions.push(`${kind} of ${fan.userId} in ${hall.concertId}: ${operation.refusal}`);
  world.ledger.compared++;
  return answer;
}
