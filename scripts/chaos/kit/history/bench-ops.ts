/** What the calls about one schedule say of each of its benches. */
import { type BenchOp, type Reserved, type Standing } from './bench.ts';
import { type Call, changeWindow, type Hall, succeeded, timeOf, windowOf } from './call.ts';
import { BEHIND_MS } from './place-ops.ts';
import { type Once, onceEach, refusedWindow } from './repeats.ts';

export interface BenchHistory {
  name: string;
  seats: number;
  reserved: Reserved[];
  ops: BenchOp[];
}

/** All benches that a round's calls have touched; `wrong`: what contradicts itself before any search. */
export function benchHistories(calls: readonly Call[], hall: Hall, wrong: string[]): BenchHistory[] {
  const benches = new Map<string, BenchHistory>();
  const found = new Map<string, Reservation>();
  const own = new Map<string, Own[]>();
  const benchAt = (name: string): BenchHistory => {
    const seats = hall.seatsOfBench(name).length;
    const bench = benches.get(name) ?? { name, seats, reserved: [], ops: [] };
    benches.set(name, bench);
    return bench;
  };

  const holds = onceEach(calls, 'hold', wrong);
  for (const each of holds) {
    const made = reserve(each, { hall, benchAt });
    if (!made) continue;
    found.set(made.bench.reserved[made.reservation]?.id ?? '', made);
    if (!each.success) continue;
    const name = byFanAndServer(each.success);
    own.set(name, [...(own.get(name) ?? []), { ...made, answered: each.success.hi }]);
  }
  for (const each of holds) for (const call of each.refusals) taken(each, call, { hall, benchAt });
  const pays = onceEach(calls, 'pay', wrong);
  for (const each of pays) pay(each, { found, wrong });
  for (const call of calls) single(call, { found, wrong });
  for (const call of calls) map(call, { hall, benches, own: own.get(byFanAndServer(call)) ?? [] });
  for (const bench of benches.values()) leaves(calls, bench);
  return [...benches.values()];
}

interface Places {
  hall: Hall;
  benchAt(name: string): BenchHistory;
}

interface Reservation {
  bench: BenchHistory;
  reservation: number;
}

interface Own extends Reservation {
  answered: number;
}

type Found = ReadonlyMap<string, Reservation>;

/** Its number among the seats of the bench. */
function seatNumbers(seatIds: readonly string[], name: string, hall: Hall): number[] {
  return seatIds.map((seatId) => hall.seatsOfBench(name).indexOf(seatId));
}

function benchName(asked: Call['asked'] & { kind: 'hold' }, hall: Hall): string {
  return `${asked.scheduleId} ${hall.benchOf(asked.seatIds[0] ?? '')}`;
}

function reserve(each: Once, { hall, benchAt }: Places): Reservation | null {
  const any = each.success ?? each.calls[0];
  if (any?.asked.kind !== 'hold') return null;
  const { asked, fan, body } = any;
  const bench = benchAt(benchName(asked, hall));
  const reservation = bench.reserved.length;
  const expires = timeOf(body.expiresAt);
  bench.reserved.push({
    id: each.success?.body.reservationId ?? `?${reservation}`,
    fan,
    queueId: asked.queueId,
    seats: seatNumbers(asked.seatIds, bench.name, hall),
    until: each.success
      ? { min: expires, max: expires }
      : { min: each.lo + hall.holdMs, max: Number.POSITIVE_INFINITY },
  });
  const optional = each.success ? {} : { optional: true };
  bench.ops.push({ kind: 'hold', reservation, lo: each.lo, hi: each.hi, ...optional });
  return { bench, reservation };
}

function taken(each: Once, call: Call, { hall, benchAt }: Places): void {
  if (call.asked.kind !== 'hold' || call.body.code !== 'SEAT_TAKEN') return;
  const bench = benchAt(benchName(call.asked, hall));
  bench.ops.push({
    kind: 'taken',
    asked: seatNumbers(call.asked.seatIds, bench.name, hall),
    lost: seatNumbers(call.body.seatIds ?? [], bench.name, hall),
    own: call.body.reservationId ?? null,
    fan: call.fan,
    ...refusedWindow(each, call),
  });
}

const REFUSED: Record<string, Standing> = {
  RESERVATION_EXPIRED: 'EXPIRED',
  RESERVATION_CANCELLED: 'CANCELLED',
  INSUFFICIENT_BALANCE: 'HELD',
  ALREADY_PAID: 'CONFIRMED',
};

function pay(each: Once, { found, wrong }: { found: Found; wrong: string[] }): void {
  const { success, calls, refusals } = each;
  const any = success ?? calls[0] ?? refusals[0];
  if (any?.asked.kind !== 'pay') return;
  const at = found.get(any.asked.reservationId);
  if (!at) return void wrong.push(`${any.asked.reservationId} was paid and never held`);
  const { bench, reservation } = at;
  if (calls.length > 0) {
    const optional = success ? {} : { optional: true };
    bench.ops.push({ kind: 'pay', reservation, lo: each.lo, hi: each.hi, ...optional });
  }
  for (const call of refusals) {
    const is = REFUSED[call.body.code ?? ''];
    if (is) bench.ops.push({ kind: 'standing', reservation, is, ...refusedWindow(each, call) });
  }
}

/** Cancels and reads of one reservation. */
function single(call: Call, { found, wrong }: { found: Found; wrong: string[] }): void {
  const { asked, body, status } = call;
  if (asked.kind !== 'cancel' && asked.kind !== 'reservation') return;
  const at = found.get(asked.reservationId);
  if (!at) return void wrong.push(`${asked.reservationId} was asked about and never held`);
  const { bench, reservation } = at;
  if (asked.kind === 'cancel' && (status === 0 || succeeded(call))) {
    bench.ops.push({ kind: 'cancel', reservation, ...changeWindow(call) });
  } else if (asked.kind === 'reservation' && succeeded(call)) {
    const is = body.status as Standing;
    bench.ops.push({ kind: 'standing', reservation, is, ...windowOf(call, timeOf(body.serverTime)) });
  } else if (status !== 0) {
    const is = REFUSED[body.code ?? ''];
    if (is) bench.ops.push({ kind: 'standing', reservation, is, ...windowOf(call) });
    else wrong.push(`${asked.kind} of ${asked.reservationId} got ${status} ${body.code}`);
  }
}

/** What a fan holds shows in the maps of the process that did it. */
function byFanAndServer({ fan, server }: Call): string {
  return `${fan} ${server}`;
}

/** A map may be behind, but not behind the fan's own holds by that process. */
function map(call: Call, { hall, benches, own }: { hall: Hall; benches: Map<string, BenchHistory>; own: Own[] }): void {
  if (call.asked.kind !== 'map' || call.status !== 200) return;
  const shown = new Map((call.body.seats ?? []).map(({ seatId, status }) => [seatId, status ?? '']));
  const window = windowOf({ lo: call.lo - BEHIND_MS, hi: call.hi });
  for (const bench of benches.values()) {
    if (!bench.name.startsWith(`${call.asked.scheduleId} `)) continue;
    const seats = hall.seatsOfBench(bench.name).map((seatId) => shown.get(seatId) ?? '');
    const before = own.filter((each) => each.bench === bench && each.answered < call.lo);
    bench.ops.push({ kind: 'map', seats, after: before.map(({ reservation }) => reservation), ...window });
  }
}

/** Leaving gives back the holds that were made with that place; only benches that have one are concerned. */
function leaves(calls: readonly Call[], bench: BenchHistory): void {
  const places = new Set(bench.reserved.map(({ queueId }) => queueId));
  for (const call of calls) {
    if (call.asked.kind !== 'leave' || !places.has(call.asked.queueId)) continue;
    bench.ops.push({ kind: 'leave', queueId: call.asked.queueId, ...changeWindow(call) });
  }
}
