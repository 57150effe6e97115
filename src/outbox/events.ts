/**
 * The catalogue of events: name -> version -> schema of the fields as they stand in the stream, how they read, and the
 * room's writer of rows. Fields are flat and all strings (lua/include/append_outbox.lua); `e` and `v` name the event.
 * A change of meaning is a new version beside the old one: entries of the old one may still be in an outbox.
 */
import type { ClientBase } from 'pg';
import { type Static, type TObject, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { type PaymentRecord, recordPayments } from '../payments/records.ts';
import { type EntryRecord, recordEntries } from '../wallet/records.ts';

const text = (pattern: string) => Type.String({ pattern: `^${pattern}$` });
const AMOUNT = text('\\d{1,15}');
const SIGNED = text('-?\\d{1,15}');
const TIME_MS = text('\\d{13,15}');
const OPERATORS_ID = '[a-z0-9][a-z0-9-]{0,63}';
const HEX = '[0-9a-f]{32}';
// May be an outside `sub`, with any character but NUL, which PostgreSQL cannot hold.
const USER_ID = Type.String({ minLength: 1, maxLength: 128, pattern: '^[^\\u0000]*$' });

const PAYMENT_1 = Type.Object({
  paymentId: text(`pay_${OPERATORS_ID}_${HEX}`),
  reservationId: text(`rsv_${OPERATORS_ID}_${HEX}`),
  userId: USER_ID,
  concertId: text(OPERATORS_ID),
  scheduleId: text(OPERATORS_ID),
  /** ids and prices, each separated by commas, in the same order */
  seats: text('[\\p{L}\\p{N}]+-[\\p{L}\\p{N}]+-\\d+(,[\\p{L}\\p{N}]+-[\\p{L}\\p{N}]+-\\d+)*'),
  prices: text('\\d{1,15}(,\\d{1,15})*'),
  amount: AMOUNT,
  currency: text('[A-Z]{3}'),
  balance: AMOUNT,
  transferId: text(`t_${HEX}`),
  paidAt: TIME_MS,
});

const ENTRY_1 = Type.Object({
  userId: USER_ID,
  n: text('[1-9]\\d{0,14}'),
  kind: Type.Union([Type.Literal('CHARGE'), Type.Literal('PAYMENT')]),
  amount: SIGNED,
  balance: AMOUNT,
  at: TIME_MS,
  reference: Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\u0000]*$' }),
  entryId: text('ent_\\d+_[\\w-]+_\\d+'),
});

/** Fields of an outbox entry as they are in the stream. */
export type Fields = Record<string, string>;

/** What recording one entry means to the slot that it came from. */
export type Recorded = { event: 'payment'; record: PaymentRecord } | { event: 'entry'; record: EntryRecord };

/** An event that no row can be made of; `message` is the reason in the dead letter. */
export class BadEvent extends Error {}

export interface EventVersion {
  /** Throws BadEvent. */
  read(fields: Fields): Recorded;
  /** Safe to repeat; returns the indexes of those that contradict what stands. */
  record(sql: ClientBase, records: readonly Recorded[]): Promise<number[]>;
}

function defineEvent<S extends TObject, R>(
  schema: S,
  {
    read,
    wrap,
    write,
  }: {
    read(fields: Static<S>): R;
    wrap(record: R): Recorded;
    write(sql: ClientBase, records: readonly R[]): Promise<number[]>;
  },
): EventVersion {
  const validator = Compile(schema);
  return {
    read({ e: _event, v: _version, ...fields }) {
      if (validator.Check(fields)) return wrap(read(fields));
      const [first] = validator.Errors(fields);
      throw new BadEvent(`${first?.instancePath ?? ''} ${first?.message ?? 'does not fit its schema'}`.trim());
    },
    record: (sql, records) =>
      write(
        sql,
        records.map((recorded) => recorded.record as R),
      ),
  };
}

export const EVENTS: Record<string, Record<string, EventVersion>> = {
  payment: {
    1: defineEvent(PAYMENT_1, {
      read: readPayment,
      wrap: (record) => ({ event: 'payment', record }),
      write: recordPayments,
    }),
  },
  entry: {
    1: defineEvent(ENTRY_1, {
      read: readEntry,
      wrap: (record) => ({ event: 'entry', record }),
      write: recordEntries,
    }),
  },
};

function readPayment(fields: Static<typeof PAYMENT_1>): PaymentRecord {
  const { paymentId, reservationId, userId, concertId, scheduleId, currency, transferId } = fields;
  const prices = fields.prices.split(',').map(Number);
  const seatIds = fields.seats.split(',');
  if (seatIds.length !== prices.length) throw new BadEvent('seats and prices differ in number');
  if (new Set(seatIds).size !== seatIds.length) throw new BadEvent('a seat is named twice');
  const amount = Number(fields.amount);
  if (prices.reduce((sum, price) => sum + price, 0) !== amount) throw new BadEvent('the prices do not make the amount');
  return {
    paymentId,
    reservationId,
    userId,
    concertId,
    scheduleId,
    seats: seatIds.map((seatId, i) => ({ seatId, price: prices[i] ?? 0 })),
    amount,
    currency,
    balance: Number(fields.balance),
    transferId,
    paidAtMs: Number(fields.paidAt),
  };
}

function readEntry({ userId, n, kind, amount, balance, at, reference, entryId }: Static<typeof ENTRY_1>): EntryRecord {
  return {
    userId,
    n: Number(n),
    entryId,
    kind,
    amount: Number(amount),
    balance: Number(balance),
    atMs: Number(at),
    reference,
  };
}
