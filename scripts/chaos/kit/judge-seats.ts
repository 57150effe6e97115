/** Invariants of seats, holds and places: what was answered, against what is there. */
import type { Check } from '../case.ts';
import type { Evidence } from './evidence.ts';
import type { Effect, Ledger, Operation } from './ledger.ts';

interface Hold {
  operation: Operation;
  effect: Effect;
  /** the earliest moment at which it can have ended; Infinity where nobody ended it */
  endMs: number;
  /** how it was ended by its user, by the answers */
  ended: 'paid' | 'cancelled' | 'left' | 'not';
}

/** The clock of Redis and ours are the same machine's, but read in turn, and Redis cuts off below a millisecond. */
const CLOCK_MS = 5;

function holdsOf({ operations }: Ledger): Hold[] {
  const ends = new Map<string, Operation[]>();
  const note = (id: string, operation: Operation) => ends.set(id, [...(ends.get(id) ?? []), operation]);
  for (const operation of operations) {
    if (operation.kind === 'cancel' || operation.kind === 'pay') note(operation.reservationId, operation);
    if (operation.kind === 'leave') note(`${operation.concertId} ${operation.userId}`, operation);
  }
  const begun = ({ attempts }: Operation) => Math.min(...attempts.map(({ sentMs }) => sentMs));
  return operations.flatMap((operation) => {
    const { kind, effect, concertId, userId } = operation;
    if (kind !== 'hold' || !effect) return [];
    const own = ends.get(effect.id) ?? [];
    const paid = own.some((end) => end.kind === 'pay' && end.effect);
    const left = (ends.get(`${concertId} ${userId}`) ?? []).filter((leave) => begun(leave) >= begun(operation));
    const freeing = [...own.filter((end) => end.kind === 'cancel' && end.refusal === null), ...left];
    const endMs = paid ? Infinity : Math.min(effect.expiresMs, ...freeing.map(begun));
    const cancelled = own.some((end) => end.kind === 'cancel' && end.effect);
    const wasLeft = left.some((leave) => leave.effect);
    return [{ operation, effect, endMs, ended: paid ? 'paid' : cancelled ? 'cancelled' : wasLeft ? 'left' : 'not' }];
  });
}

export function judgeSeats(ledger: Ledger, { reservations, concerts, payments }: Evidence): Check {
  const violations: string[] = [];
  const bySeat = new Map<string, Hold[]>();
  for (const hold of holdsOf(ledger)) {
    for (const seat of hold.operation.seats) {
      const name = `${hold.operation.concertId} ${seat}`;
      bySeat.set(name, [...(bySeat.get(name) ?? []), hold]);
    }
  }
  for (const [seat, holds] of bySeat) {
    const inTurn = holds.toSorted((a, b) => a.effect.createdMs - b.effect.createdMs);
    for (const [index, { effect, operation }] of inTurn.entries()) {
      const before = inTurn[index - 1];
      if (before && effect.createdMs + CLOCK_MS < before.endMs)
        violations.push(
          `${seat} was given to ${operation.userId} while ${before.operation.userId} had it (${effect.id}, ${before.effect.id})`,
        );
    }
    const sold = holds.filter(({ effect }) => reservations.get(effect.id)?.status === 'CONFIRMED');
    if (sold.length > 1) violations.push(`${seat} is sold ${sold.length} times`);
    const [{ effect, operation } = {}] = sold;
    const name = concerts.get(operation?.concertId ?? '')?.seats.get(seat.split(' ').slice(1).join(' '));
    if (effect && name !== effect.id) violations.push(`${seat} is sold by ${effect.id}, but names ${name ?? 'nobody'}`);
  }
  for (const [concertId, { seats }] of concerts) {
    for (const [seat, reservationId] of seats) {
      const status = reservations.get(reservationId)?.status;
      if (status === 'CANCELLED')
        violations.push(`${concertId} ${seat} is taken by ${reservationId}, which is cancelled`);
      if (!bySeat.has(`${concertId} ${seat}`)) violations.push(`${concertId} ${seat} is taken, but nobody was told so`);
    }
  }
  const rows = Map.groupBy(
    payments.flatMap(({ reservationId, seats }) => seats.map((seat) => `${reservationId.split('_')[1]} ${seat}`)),
    String,
  );
  for (const [seat, found] of rows)
    if (found.length > 1) violations.push(`${seat} is ${found.length} times in PostgreSQL`);
  return { what: 'no seat has two owners', looked: bySeat.size, violations };
}

export function judgeHolds(ledger: Ledger, { reservations, fans }: Evidence): Check {
  const violations: string[] = [];
  const wanted = { paid: ['CONFIRMED'], cancelled: ['CANCELLED'], left: ['CANCELLED'], not: ['HELD', 'EXPIRED'] };
  const holds = holdsOf(ledger);
  for (const { operation, effect, ended } of holds) {
    const status = reservations.get(effect.id)?.status ?? 'gone';
    const unsure = ended === 'not' && status !== 'gone' && hasUnsureEnd(ledger, operation, effect.id);
    if (!wanted[ended].includes(status) && !unsure)
      violations.push(
        `${effect.id} of ${operation.userId} is ${status}; by the answers it was ${ended === 'not' ? 'left alone' : ended}`,
      );
    const shown = fans.get(operation.userId);
    if (shown && (shown.reservations.get(effect.id) ?? 'gone') !== status)
      violations.push(`${effect.id} is ${status}, and shown as ${shown.reservations.get(effect.id) ?? 'gone'}`);
  }
  return { what: 'every answered hold is there, and is what its user made of it', looked: holds.length, violations };
}

function hasUnsureEnd({ operations }: Ledger, hold: Operation, reservationId: string): boolean {
  return operations.some(
    ({ kind, effect, refusal, ...end }) =>
      effect === null &&
      refusal === null &&
      (end.reservationId === reservationId ||
        (kind === 'leave' && end.userId === hold.userId && end.concertId === hold.concertId)),
  );
}

export function judgePlaces(ledger: Ledger, { concerts }: Evidence): Check {
  const violations: string[] = [];
  const joins = ledger.operations.filter(({ kind }) => kind === 'join');
  const left = new Set(
    ledger.operations.flatMap(({ kind, effect }) => (kind === 'leave' && effect ? [effect.id] : [])),
  );
  let looked = 0;
  for (const [concertId, { places, sequence, waiting, active }] of concerts) {
    const own = joins.filter((join) => join.concertId === concertId);
    const answered = new Map(
      own.flatMap(({ effect, userId }) => (effect ? [[effect.id, { userId, effect }] as const] : [])),
    );
    for (const [queueId, { userId, effect }] of answered) {
      looked++;
      const place = places.get(queueId);
      if (place?.userId !== userId)
        violations.push(`${queueId} of ${userId} is ${place ? `${place.userId}'s` : 'lost'}`);
      else if (place.sequence !== effect.sequence)
        violations.push(`${queueId} was number ${effect.sequence}, and is ${place.sequence}`);
      else if (left.has(queueId) && place.status !== 'L')
        violations.push(`${queueId} was left, and is ${place.status}`);
      else if (!left.has(queueId) && place.status === 'E') violations.push(`${queueId} has run out, which none could`);
    }
    const unsure = own.filter(({ effect, refusal }) => !effect && !refusal).length;
    if (places.size > answered.size + unsure)
      violations.push(`${concertId}: ${places.size} places, ${answered.size} were answered`);
    const numbers = [...places.values()].map((place) => place.sequence).sort((a, b) => a - b);
    if (numbers.some((number, index) => number !== index + 1) || sequence !== numbers.length)
      violations.push(`${concertId}: ${numbers.length} places, the last number is ${sequence}, not each once`);
    violations.push(...judgeLiving(concertId, { places, waiting, active }));
  }
  return { what: 'no place is lost, doubled or changed', looked, violations };
}

/** The sets of those who wait and are inside are those whose records say so, and nobody is twice in a room. */
function judgeLiving(
  concertId: string,
  { places, waiting, active }: Pick<ReturnType<Evidence['concerts']['get']> & object, 'places' | 'waiting' | 'active'>,
): string[] {
  const violations: string[] = [];
  for (const [status, listed] of [
    ['W', waiting],
    ['A', active],
  ] as const) {
    const inRecords = [...places].filter(([, place]) => place.status === status).map(([queueId]) => queueId);
    if (inRecords.toSorted().join() !== listed.toSorted().join())
      violations.push(`${concertId}: ${listed.length} are listed as ${status}, ${inRecords.length} records say so`);
  }
  const living = [...places.values()].filter(({ status }) => status === 'W' || status === 'A');
  for (const [userId, own] of Map.groupBy(living, (place) => place.userId))
    if (own.length > 1) violations.push(`${userId} has ${own.length} live places in ${concertId}`);
  return violations;
}
