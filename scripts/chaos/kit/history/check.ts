/**
 * The checks of a recorded round. How each read is taken (contract, "How fresh"):
 *
 *   linearizable: at one moment between sending and answer          behind by at most 1 s
 *   a reservation, a refusal that tells of seats (SEAT_TAKEN),      seat maps (never behind the fan's own changes),
 *   what a payment or cancel is refused for, a balance,             tickets of places that wait,
 *   tickets of places that do not wait any more,                    the guard of a seat map
 *   the guard of holds and payments
 *
 * A ticket, reservation or change that tells the server's time is taken at that very millisecond.
 */
import type { Check } from '../../case.ts';
import { type BenchHistory, benchHistories } from './bench-ops.ts';
import { benchModel } from './bench.ts';
import type { Call, Hall } from './call.ts';
import { placeModel } from './place.ts';
import { placeOps } from './place-ops.ts';
import { checkRoom } from './room.ts';
import { linearize, type Model, type Timed } from './search.ts';
import { walletModel, walletOps } from './wallet.ts';

const WHAT = {
  answers: 'every repeat has the first answer, and times lie within their calls',
  seats: 'seats: an order of all calls explains every answer (operations on benches)',
  wallets: 'wallets: an order of all calls explains every answer (operations)',
  places: 'places: an order of all calls explains every answer (operations)',
  room: 'rooms: dense sequences, first come first admitted, capacity kept, positions right and never rising (tickets)',
};

/** `calls`: all that concern one concert and its fans, who had no money and no place before. */
export function checkHistory(calls: readonly Call[], hall: Hall): Check[] {
  const answers: Check = { what: WHAT.answers, looked: calls.length, violations: [] };
  const benches = benchHistories(calls, hall, answers.violations);
  const seats = searchAll(
    WHAT.seats,
    benches.map((bench) => ({ name: bench.name, ops: bench.ops, model: benchModel(bench.seats, bench.reserved) })),
  );
  const fans = [...Map.groupBy(calls, ({ fan }) => fan)];
  const { amountOf, untilOf } = reservations(benches, hall);
  // What contradicts itself is told once, above.
  const told: string[] = [];
  const wallets = searchAll(
    WHAT.wallets,
    fans.map(([name, own]) => ({ name, ops: walletOps(own, amountOf, answers.violations), model: walletModel })),
  );
  const model = placeModel(hall);
  const places = searchAll(
    WHAT.places,
    fans.map(([name, own]) => ({ name, ops: placeOps(own, untilOf, told), model })),
  );
  answers.violations.push(...told);
  answers.violations = [...new Set(answers.violations)];
  const { tickets, violations } = checkRoom(calls, hall);
  return [answers, seats, wallets, places, { what: WHAT.room, looked: tickets, violations }];
}

interface Searched<S, O extends Timed> {
  name: string;
  ops: readonly O[];
  model: Model<S, O>;
}

function searchAll<S, O extends Timed>(what: string, histories: readonly Searched<S, O>[]): Check {
  const check: Check = { what, looked: 0, violations: [] };
  for (const { name, ops, model } of histories) {
    check.looked += ops.length;
    const broken = ops.find(({ lo, hi }) => !(lo <= hi));
    if (broken) check.violations.push(`${name}: the time told is not within the call: ${model.tellOp(broken)}`);
    else {
      const verdict = linearize(ops, model);
      if (verdict.word === 'IMPOSSIBLE') check.violations.push(`${name}: ${verdict.stuck}`);
      if (verdict.word === 'UNDECIDED') check.violations.push(`${name}: given up after ${verdict.looked} steps`);
    }
  }
  return check;
}

function reservations(benches: readonly BenchHistory[], { seatPrice }: Hall) {
  const all = new Map(benches.flatMap(({ reserved }) => reserved.map((each) => [each.id, each] as const)));
  return {
    amountOf: (id: string) => (all.get(id)?.seats.length ?? 0) * seatPrice,
    // Of a hold that was never answered nothing is known.
    untilOf: (id: string) => all.get(id)?.until ?? { min: 0, max: Number.POSITIVE_INFINITY },
  };
}
