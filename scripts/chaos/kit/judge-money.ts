/** Invariants of payments, charges and wallets: what was answered, against what is there. */
import { paymentIdOf } from '../../../src/reservations/ids.ts';
import type { Check } from '../case.ts';
import type { Evidence } from './evidence.ts';
import type { Ledger, Operation } from './ledger.ts';

interface Book {
  charges: Map<string, number>;
  payments: Map<string, number>;
  /** something of theirs was never answered: what it did is not known */
  unsure: boolean;
}

const done = ({ operations }: Ledger, kind: Operation['kind']) =>
  operations.flatMap((operation) =>
    operation.kind === kind && operation.effect !== null ? [{ ...operation, effect: operation.effect }] : [],
  );

const sum = (amounts: Iterable<number>): number => [...amounts].reduce((total, amount) => total + amount, 0);

function booksOf(ledger: Ledger): Map<string, Book> {
  const books = new Map<string, Book>();
  for (const userId of ledger.users.keys())
    books.set(userId, { charges: new Map(), payments: new Map(), unsure: false });
  for (const { kind, userId, effect, refusal } of ledger.operations) {
    const book = books.get(userId);
    if (!book) continue;
    if (effect === null && refusal === null) book.unsure = true;
    if (effect && kind === 'charge') book.charges.set(effect.id, effect.amount);
    if (effect && kind === 'pay') book.payments.set(effect.id, effect.amount);
  }
  return books;
}

export function judgePaymentsInRedis(ledger: Ledger, { reservations }: Evidence): Check {
  const violations: string[] = [];
  const payments = done(ledger, 'pay');
  for (const { reservationId, effect } of payments) {
    const status = reservations.get(reservationId)?.status ?? 'gone';
    if (status !== 'CONFIRMED') violations.push(`${effect.id} was answered, its reservation is ${status} in Redis`);
  }
  return { what: 'every answered payment is in Redis', looked: payments.length, violations };
}

export function judgePaymentsInPostgres(ledger: Ledger, { payments, deadLetters }: Evidence): Check {
  const violations: string[] = [];
  const rows = Map.groupBy(payments, ({ paymentId }) => paymentId);
  const holds = new Map(done(ledger, 'hold').map((hold) => [hold.effect.id, hold]));
  const answered = done(ledger, 'pay');
  for (const { userId, reservationId, effect } of answered) {
    const found = rows.get(effect.id) ?? [];
    const [row] = found;
    const wanted = `${userId} ${effect.amount} ${[...(holds.get(reservationId)?.seats ?? [])].sort().join(',')}`;
    const stands = row && `${row.userId} ${row.amount} ${row.seats.toSorted().join(',')}`;
    if (found.length !== 1) violations.push(`${effect.id} has ${found.length} rows in PostgreSQL`);
    else if (stands !== wanted)
      violations.push(`${effect.id} is ${stands} in PostgreSQL, and was answered as ${wanted}`);
  }
  const known = new Set(answered.map(({ effect }) => effect.id));
  const unsure = new Set(
    ledger.operations
      .filter(({ kind, effect, refusal }) => kind === 'pay' && effect === null && refusal === null)
      .map(({ reservationId }) => paymentIdOf(reservationId)),
  );
  for (const { paymentId } of payments)
    if (!known.has(paymentId) && !unsure.has(paymentId))
      violations.push(`${paymentId} is in PostgreSQL, but nobody paid it`);
  if (deadLetters > 0) violations.push(`${deadLetters} dead letters`);
  return { what: 'every answered payment is in PostgreSQL, once, and no other', looked: answered.length, violations };
}

export function judgeCharges(ledger: Ledger, { entries, fans }: Evidence): Check {
  const violations: string[] = [];
  const rows = Map.groupBy(entries, ({ reference }) => reference);
  const ofUser = Map.groupBy(entries, ({ userId }) => userId);
  let looked = 0;
  for (const [userId, { charges, unsure }] of booksOf(ledger)) {
    const fan = fans.get(userId);
    for (const [chargeId, amount] of charges) {
      looked++;
      const found = rows.get(chargeId) ?? [];
      const [row] = found;
      if (found.length !== 1) violations.push(`${chargeId} of ${userId} has ${found.length} rows in PostgreSQL`);
      else if (row?.amount !== amount)
        violations.push(`${chargeId} is ${row?.amount} in PostgreSQL, and was ${amount}`);
      if (fan && fan.references.filter((reference) => reference === chargeId).length !== 1)
        violations.push(`${chargeId} is not once in the history that ${userId} is shown`);
    }
    const own = unsure ? [] : (ofUser.get(userId) ?? []);
    for (const { kind, reference } of own)
      if (kind === 'CHARGE' && !charges.has(reference)) violations.push(`${reference} of ${userId} was never answered`);
  }
  const what = 'every answered charge is in PostgreSQL and in its history, once, and no other';
  return { what, looked, violations };
}

export function judgeBooks(ledger: Ledger, { wallets, entries, fans }: Evidence): Check {
  const violations: string[] = [];
  const rows = Map.groupBy(entries, ({ userId }) => userId);
  for (const [userId, { charges, payments, unsure }] of booksOf(ledger)) {
    const wallet = wallets.get(userId);
    if (!wallet) {
      violations.push(`the wallet of ${userId} is gone`);
      continue;
    }
    const { available, pending, charged, posted } = wallet;
    if (available + pending + posted !== charged)
      violations.push(`${userId}: ${available} + pending ${pending} + paid ${posted} is not the charged ${charged}`);
    const own = rows.get(userId) ?? [];
    const numbers = own.map(({ n }) => n).sort((a, b) => a - b);
    if (numbers.length !== wallet.entries || numbers.some((n, index) => n !== index + 1))
      violations.push(`${userId}: ${wallet.entries} entries in Redis, numbers ${numbers.join(' ')} in PostgreSQL`);
    if (unsure) continue;
    const [in_, out] = [sum(charges.values()), sum(payments.values())];
    if (charged !== in_ || posted !== out || pending !== 0)
      violations.push(
        `${userId}: charged ${charged} and paid ${posted}, answered were ${in_} and ${out}; pending ${pending}`,
      );
    if (own.length !== charges.size + payments.size)
      violations.push(`${userId}: ${own.length} rows, answered were ${charges.size + payments.size} changes`);
    const fan = fans.get(userId);
    if (fan && fan.balance !== in_ - out) violations.push(`${userId} is shown ${fan.balance}, and has ${in_ - out}`);
  }
  return { what: 'wallets + payments = charges, wallet by wallet', looked: ledger.users.size, violations };
}
