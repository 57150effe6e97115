/** Shapes of the operators' calls that look over several rooms. */
import { type Static, Type } from 'typebox';

const count = (description: string) => Type.Integer({ minimum: 0, description });

export const Stats = Type.Object(
  {
    waiting: count('places that wait'),
    active: count('ACTIVE places whose deadline has not passed'),
    admitted: count('places admitted so far'),
    expired: count('claimed places that ran out, or were superseded'),
    noShows: count('admitted places that were not claimed in time'),
    left: count('places that left or were removed'),
    held: count('seats held'),
    sold: count('seats sold'),
    revenue: count('of all payments, in the smallest unit'),
    outboxLag: count('payments confirmed but not yet in PostgreSQL'),
  },
  { $id: 'Stats', additionalProperties: false },
);
export type Stats = Static<typeof Stats>;

/** Kinds of differences: what does not agree. */
export const DIFFERENCE_KINDS = [
  'WALLET_MISSING',
  'WALLET_UNBALANCED',
  'WALLET_PENDING',
  'WALLET_HISTORY',
  'WALLET_ROWS',
  'WALLET_OUTBOX',
  'TRANSFER_MISSING',
  'TRANSFER_OVERDUE',
  'TRANSFER_WITHOUT_PAYMENT',
  'PAYMENT_WITHOUT_TRANSFER',
  'PAYMENT_OUTBOX',
  'PAYMENT_ROW_MISSING',
  'PAYMENT_ROW_DIFFERS',
  'PAYMENT_NOT_PAID',
  'ENTRY_WITHOUT_PAYMENT',
  'ROW_WITHOUT_PAYMENT',
  'SEAT_NOT_SOLD',
  'SEAT_WITHOUT_PAYMENT',
  'SEAT_WITHOUT_HOLD',
  'FREE_SEATS',
  'SOLD_SEATS',
  'REVENUE',
] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

export const Difference = Type.Object(
  {
    kind: Type.Enum([...DIFFERENCE_KINDS], { description: 'what does not agree' }),
    subject: Type.String({ description: 'id of the payment, wallet, transfer or seat' }),
    detail: Type.String({ description: 'what was found, and what it should be' }),
  },
  { additionalProperties: false },
);
export type Difference = Static<typeof Difference>;

export const AuditReport = Type.Object(
  {
    clean: Type.Boolean(),
    differences: Type.Array(Difference, { maxItems: 1_000 }),
    wallets: count('money to spend, in all wallets'),
    pending: count('money set aside for payments that are under way'),
    payments: count('money paid'),
    charges: count('money charged = wallets + pending + payments'),
    seatsSold: count('seats sold, in Redis = seatsRecorded + outbox'),
    seatsRecorded: count('seats sold, in PostgreSQL'),
    outbox: count('seats of payments that are not yet in PostgreSQL'),
  },
  { $id: 'AuditReport', additionalProperties: false },
);
export type AuditReport = Static<typeof AuditReport>;
