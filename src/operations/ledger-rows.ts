/** What the audit reads of PostgreSQL. */
import type { Pool, QueryResultRow } from 'pg';
import { LIMITS } from '../limits.ts';
import { inTransaction } from '../postgres/pool.ts';

export interface PaymentRow {
  paymentId: string;
  reservationId: string;
  userId: string;
  concertId: string;
  amount: number;
  transferId: string;
  /** ids separated by commas, in the order in which they were chosen */
  seats: string;
}

const PAYMENT = `SELECT payment_id AS "paymentId", reservation_id AS "reservationId", user_id AS "userId",
  concert_id AS "concertId", amount::float8 AS amount, transfer_id AS "transferId",
  coalesce((SELECT string_agg(seat_id, ',' ORDER BY place) FROM payment_seats s WHERE s.payment_id = p.payment_id), '')
    AS seats
FROM payments p`;

/** Payments by their reservations; those that are not there are left out. */
export async function paymentRows(sql: Pool, reservationIds: readonly string[]): Promise<Map<string, PaymentRow>> {
  if (reservationIds.length === 0) return new Map();
  const { rows } = await sql.query<PaymentRow>(`${PAYMENT} WHERE reservation_id = ANY($1::text[])`, [reservationIds]);
  return new Map(rows.map((row) => [row.reservationId, row]));
}

/** All payments as of the first slice, LIMITS.AUDIT_SLICE at a time. */
export function eachPaymentSlice(sql: Pool, look: (rows: PaymentRow[]) => Promise<void>): Promise<void> {
  return eachSlice(sql, PAYMENT, (rows) => look(rows as PaymentRow[]));
}

export interface WalletRow {
  userId: string;
  /** number of the last entry */
  last: number;
}

/** Users with entries as of the first slice, LIMITS.AUDIT_SLICE at a time. */
export function eachWalletSlice(sql: Pool, look: (rows: WalletRow[]) => Promise<void>): Promise<void> {
  const query = 'SELECT user_id AS "userId", max(n)::float8 AS last FROM wallet_entries GROUP BY user_id';
  return eachSlice(sql, query, (rows) => look(rows as WalletRow[]));
}

/** A payment and the money for it: one of them is not there. */
export interface UnmatchedRow {
  paymentId: string;
  reservationId: string;
  userId: string;
  amount: number;
  transferId: string;
}

/** Of an entry `e` of kind PAYMENT: its ticket was lost, and a rebuild has given its money back (rebuild-mend.ts). */
export const GIVEN_BACK = `EXISTS (SELECT FROM wallet_entries b WHERE b.user_id = e.user_id AND b.kind = 'CHARGE'
  AND b.reference = e.reference AND b.amount = -e.amount)`;

const ENTRY_OF = `e.user_id = p.user_id AND e.reference = p.payment_id AND e.kind = 'PAYMENT' AND e.amount = -p.amount`;
const UNPAID = `SELECT payment_id AS "paymentId", reservation_id AS "reservationId", user_id AS "userId",
  amount::float8 AS amount, transfer_id AS "transferId"
FROM payments p WHERE NOT EXISTS (SELECT FROM wallet_entries e WHERE ${ENTRY_OF})`;
const UNUSED = `SELECT reference AS "paymentId", '' AS "reservationId", user_id AS "userId", -amount::float8 AS amount,
  '' AS "transferId"
FROM wallet_entries e WHERE e.kind = 'PAYMENT' AND NOT EXISTS (SELECT FROM payments p WHERE ${ENTRY_OF})
  AND NOT ${GIVEN_BACK}`;

/** Payments whose entry is not in the history of their wallet. */
export function eachUnpaidSlice(sql: Pool, look: (rows: UnmatchedRow[]) => Promise<void>): Promise<void> {
  return eachSlice(sql, UNPAID, (rows) => look(rows as UnmatchedRow[]));
}

/** Entries of kind PAYMENT whose payment is not there, and that no rebuild has given back; `reservationId` and `transferId` are ''. */
export function eachUnusedSlice(sql: Pool, look: (rows: UnmatchedRow[]) => Promise<void>): Promise<void> {
  return eachSlice(sql, UNUSED, (rows) => look(rows as UnmatchedRow[]));
}

/** One pass over a query, whatever plan it takes: pages by a key can each cost a whole scan. */
async function eachSlice(sql: Pool, query: string, look: (rows: QueryResultRow[]) => Promise<void>): Promise<void> {
  await inTransaction(sql, async (client) => {
    // For all rows: a plan for the first tenth of them, which is what a cursor gets, took 15 s and more for 50,000.
    await client.query('SET LOCAL cursor_tuple_fraction = 1');
    await client.query(`DECLARE slices NO SCROLL CURSOR FOR ${query}`);
    for (;;) {
      const { rows } = await client.query(`FETCH ${LIMITS.AUDIT_SLICE} FROM slices`);
      if (rows.length === 0) return;
      await look(rows);
    }
  });
}

export interface WalletSums {
  /** how many entries are numbered up to `upTo` */
  count: number;
  charged: number;
  posted: number;
}

const SUMS = `SELECT w.user_id AS "userId", count(*)::float8 AS count,
  coalesce(sum(e.amount) FILTER (WHERE e.kind = 'CHARGE'), 0)::float8 AS charged,
  -coalesce(sum(e.amount) FILTER (WHERE e.kind = 'PAYMENT'), 0)::float8 AS posted
FROM unnest($1::text[], $2::bigint[]) AS w (user_id, up_to)
  JOIN wallet_entries e ON e.user_id = w.user_id AND e.n <= w.up_to
GROUP BY w.user_id`;

/** Sums over each wallet's entries numbered up to `upTo`; wallets without any are left out. */
export async function walletSums(
  sql: Pool,
  wallets: readonly { userId: string; upTo: number }[],
): Promise<Map<string, WalletSums>> {
  if (wallets.length === 0) return new Map();
  const { rows } = await sql.query<WalletSums & { userId: string }>(SUMS, [
    wallets.map(({ userId }) => userId),
    wallets.map(({ upTo }) => upTo),
  ]);
  return new Map(rows.map(({ userId, ...sums }) => [userId, sums]));
}

export async function seatsRecorded(sql: Pool): Promise<number> {
  const { rows } = await sql.query<{ count: number }>('SELECT count(*)::float8 AS count FROM payment_seats');
  return rows[0]?.count ?? 0;
}
