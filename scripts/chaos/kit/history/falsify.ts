/**
 * Proof that the checkers see: into a recorded history, which they found right, one wrong answer is put, and they must
 * find it wrong. Each lie is certain to be one, whatever happened at the same time.
 */
import type { Check } from '../../case.ts';
import type { Dice } from '../random.ts';
import { type Body, type Call, type Hall, succeeded, timeOf } from './call.ts';
import { checkHistory } from './check.ts';

type Lie = (calls: readonly Call[], random: Dice) => Call[] | null;

const LONG_AGO_MS = 2_000;

/** One with another answer, out of those that fit; null where none does. */
function changed(fits: (call: Call) => boolean, change: (body: Body) => Body): Lie {
  return (calls, random) => {
    const at = calls.flatMap((call, index) => (fits(call) ? [index] : []));
    if (at.length === 0) return null;
    const chosen = random.pick(at);
    return calls.map((call, index) => (index === chosen ? { ...call, body: change(call.body) } : call));
  };
}

/** One more call, made of one that fits. */
function added(fits: (call: Call, calls: readonly Call[]) => boolean, make: (call: Call) => Call): Lie {
  return (calls, random) => {
    const fitting = calls.filter((call) => fits(call, calls));
    return fitting.length === 0 ? null : [...calls, make(random.pick(fitting))];
  };
}

const is =
  (...kinds: Call['asked']['kind'][]) =>
  (call: Call) =>
    kinds.includes(call.asked.kind) && succeeded(call);
const oneMore = (body: Body): Body => ({ ...body, balance: (body.balance ?? 0) + 1 });

const LIES: Record<string, Lie> = {
  'a balance that is one too much': changed(is('balance'), oneMore),
  'a charge that counts one too much': changed(is('charge'), oneMore),
  'a payment that costs one too little': changed(is('pay'), oneMore),
  'a payment that is answered twice, with different ids': added(is('pay'), (call) => ({
    ...call,
    body: { ...call.body, paymentId: 'another' },
  })),
  'a seat that is held by two': added(is('hold'), (call) => ({
    ...call,
    fan: 'the liar',
    key: 'the liar’s',
    body: { ...call.body, reservationId: 'the lie' },
  })),
  'a seat that is taken before anybody asked for it': added(isFirstOfBench, (call) => {
    const seatIds = call.asked.kind === 'hold' ? [...call.asked.seatIds] : [];
    const [lo, hi] = [call.lo - 10, call.lo - 9];
    return { ...call, fan: 'the liar', key: 'the liar’s', lo, hi, status: 409, body: { code: 'SEAT_TAKEN', seatIds } };
  }),
  'a seat that was sold long ago and shows as free': soldShownAsFree,
  'a hold that was never paid and is confirmed': (calls, random) => {
    const paid = new Set(calls.map(({ asked }) => (asked.kind === 'pay' ? asked.reservationId : '')));
    const never = ({ asked, body }: Call) =>
      asked.kind === 'reservation' && body.status === 'HELD' && !paid.has(asked.reservationId);
    return changed(never, (body) => ({ ...body, status: 'CONFIRMED' }))(calls, random);
  },
  'a place that waits again after it was let in': (calls, random) => {
    const first = new Map<string, Call>();
    const active = calls.filter(({ asked, body }) => asked.kind === 'poll' && body.status === 'ACTIVE');
    for (const call of active) if (!first.has(call.body.queueId ?? '')) first.set(call.body.queueId ?? '', call);
    const again = (call: Call) =>
      active.includes(call) && (first.get(call.body.queueId ?? '')?.hi ?? call.lo) < call.lo;
    return changed(again, (body) => ({ ...body, status: 'WAITING', position: 1, expiresAt: null }))(calls, random);
  },
  'a position far behind': changed(
    ({ asked, body }) => asked.kind === 'poll' && body.status === 'WAITING',
    (body) => ({ ...body, position: (body.position ?? 0) + 1_000 }),
  ),
  'a sequence given twice': (calls, random) => {
    const given = calls.filter(is('join')).map(({ body }) => body.sequence ?? 0);
    const other = random.pick(given);
    return changed(
      (call) => is('join')(call) && call.body.sequence !== other,
      (body) => ({ ...body, sequence: other }),
    )(calls, random);
  },
};

/** Nobody had asked for those seats before. */
function isFirstOfBench(call: Call, calls: readonly Call[]): boolean {
  const { asked } = call;
  if (asked.kind !== 'hold' || !succeeded(call)) return false;
  return !calls.some(
    (other) =>
      other.asked.kind === 'hold' &&
      other.lo < call.lo &&
      other.asked.scheduleId === asked.scheduleId &&
      other.asked.seatIds.some((seatId) => asked.seatIds.includes(seatId)),
  );
}

function soldShownAsFree(calls: readonly Call[], random: Dice): Call[] | null {
  const reserved = new Map(calls.filter(is('hold')).map((call) => [call.body.reservationId, call.asked]));
  const soldAt = new Map<string, number>();
  for (const { asked, body } of calls.filter(is('pay'))) {
    const of = asked.kind === 'pay' ? reserved.get(asked.reservationId) : undefined;
    if (of?.kind !== 'hold') continue;
    for (const seatId of of.seatIds) soldAt.set(`${of.scheduleId} ${seatId}`, timeOf(body.paidAt));
  }
  const soldFor = ({ asked, lo }: Call, seatId: string) =>
    asked.kind === 'map' && lo - (soldAt.get(`${asked.scheduleId} ${seatId}`) ?? lo) > LONG_AGO_MS;
  const at = calls.flatMap((call, index) =>
    (call.body.seats ?? []).flatMap(({ seatId }) => (soldFor(call, seatId) ? [{ index, seatId }] : [])),
  );
  if (at.length === 0) return null;
  const lie = random.pick(at);
  const free = (body: Body): Body => ({
    ...body,
    seats: (body.seats ?? []).map((seat) => (seat.seatId === lie.seatId ? { ...seat, status: 'AVAILABLE' } : seat)),
  });
  return calls.map((call, index) => (index === lie.index ? { ...call, body: free(call.body) } : call));
}

/** Each lie costs as much as the check of the round itself; over the rounds every kind has its turn. */
const LIES_A_ROUND = 3;

/** Lies of kinds drawn at random, where the history has a call to make them of. */
export function checkTheCheckers(calls: readonly Call[], { hall, random }: { hall: Hall; random: Dice }): Check {
  const check: Check = { what: 'one wrong answer put into the history is found out (lies)', looked: 0, violations: [] };
  for (const [name, lie] of random.shuffled(Object.entries(LIES))) {
    const told = check.looked < LIES_A_ROUND ? lie(calls, random) : null;
    if (!told) continue;
    check.looked += 1;
    if (checkHistory(told, hall).every(({ violations }) => violations.length === 0)) check.violations.push(name);
  }
  return check;
}
