/** What a rebuild reads of PostgreSQL, in slices, and the entries that it writes there. */
import type { Pool, QueryResultRow } from 'pg';
import { LIMITS } from '../limits.ts';
import type { NumberedEntry } from '../wallet/entry.ts';
import { type EntryRecord, recordEntries } from '../wallet/records.ts';
import { GIVEN_BACK } from './ledger-rows.ts';

/** Rows of a query as of its first slice. No bound on its time: nobody waits, and a sort of ten million rows is long. */
async function* slicesOf<T extends QueryResultRow>(sql: Pool, query: string): AsyncGenerator<T[]> {
  const client = await sql.connect();
  try {
    // A plan for all rows: a cursor gets one for the first tenth of them.
    await client.query('BEGIN READ ONLY; SET LOCAL cursor_tuple_fraction = 1');
    await client.query(`DECLARE slices NO SCROLL CURSOR FOR ${query}`);
    for (;;) {
      const { rows } = await client.query<T>(`FETCH ${LIMITS.REBUILD_SLICE} FROM slices`);
      if (rows.length === 0) return;
      yield rows;
    }
  } finally {
    await client.query('ROLLBACK').catch(() => {}); // the connection is gone: so is its transaction
    client.release();
  }
}

export interface Sale {
  paymentId: string;
  reservationId: string;
  userId: string;
  concertId: string;
  scheduleId: string;
  amount: number;
  currency: string;
  /** available in the wallet after it */
  balance: number;
  transferId: string;
  paidAtMs: number;
  recordedAtMs: number;
  /** in the order in which they were chosen */
  seats: { scheduleId: string; seatId: string; price: number }[];
}

const MS = (time: string) => `floor(extract(epoch FROM ${time}) * 1000)::float8`;

const SALES = `SELECT payment_id AS "paymentId", reservation_id AS "reservationId", user_id AS "userId",
  concert_id AS "concertId", schedule_id AS "scheduleId", amount::float8 AS amount, currency,
  balance::float8 AS balance, transfer_id AS "transferId", ${MS('paid_at')} AS "paidAtMs",
  ${MS('recorded_at')} AS "recordedAtMs",
  coalesce((SELECT jsonb_agg(jsonb_build_object('scheduleId', schedule_id, 'seatId', seat_id, 'price', price)
    ORDER BY place) FROM payment_seats s WHERE s.payment_id = p.payment_id), '[]') AS seats
FROM payments p`;

export function sales(sql: Pool): AsyncGenerator<Sale[]> {
  return slicesOf(sql, SALES);
}

export interface LedgerWallet {
  userId: string;
  /** numbers of its entries; those that differ from their count have gaps */
  last: number;
  count: number;
  charged: number;
  posted: number;
  /** after the last entry */
  balance: number;
  /** the last ones, the oldest of them first */
  kept: Omit<NumberedEntry, 'entryId'>[];
}

const WALLETS = `SELECT w.*, (k.kept->-1->>'balance')::float8 AS balance, k.kept
FROM (
  SELECT user_id AS "userId", max(n)::float8 AS last, count(*)::float8 AS count,
    coalesce(sum(amount) FILTER (WHERE kind = 'CHARGE'), 0)::float8 AS charged,
    coalesce(-sum(amount) FILTER (WHERE kind = 'PAYMENT'), 0)::float8 AS posted
  FROM wallet_entries GROUP BY user_id
) w CROSS JOIN LATERAL (
  SELECT jsonb_agg(jsonb_build_object('n', n, 'kind', kind, 'amount', amount, 'balance', balance,
    'atMs', ${MS('at')}, 'reference', reference) ORDER BY n) AS kept
  FROM (SELECT * FROM wallet_entries e WHERE e.user_id = w."userId" ORDER BY n DESC LIMIT ${LIMITS.HISTORY_KEPT}) _
) k`;

export function ledgerWallets(sql: Pool): AsyncGenerator<LedgerWallet[]> {
  return slicesOf(sql, WALLETS);
}

/** A wallet in which a payment and its money do not meet. */
export interface TornWallet {
  userId: string;
  /** number of its last entry, and the balance after it; 0 where it has none */
  last: number;
  balance: number;
  torn: {
    /** UNPAID: a payment without its entry; UNUSED: an entry without its payment */
    kind: 'UNPAID' | 'UNUSED';
    paymentId: string;
    amount: number;
    atMs: number;
  }[];
}

const TORN = `SELECT t.user_id AS "userId", coalesce(l.n, 0)::float8 AS last, coalesce(l.balance, 0)::float8 AS balance,
  t.torn
FROM (
  SELECT user_id, jsonb_agg(jsonb_build_object('kind', kind, 'paymentId', payment_id, 'amount', amount,
    'atMs', at_ms) ORDER BY kind, at_ms, payment_id) AS torn
  FROM (
    SELECT p.user_id, 'UNPAID' AS kind, p.payment_id, p.amount, ${MS('p.paid_at')} AS at_ms FROM payments p
    WHERE NOT EXISTS (SELECT FROM wallet_entries e WHERE e.user_id = p.user_id AND e.reference = p.payment_id
      AND e.kind = 'PAYMENT' AND e.amount = -p.amount)
    UNION ALL
    SELECT e.user_id, 'UNUSED', e.reference, -e.amount, ${MS('e.at')} FROM wallet_entries e
    WHERE e.kind = 'PAYMENT' AND NOT EXISTS (SELECT FROM payments p WHERE p.payment_id = e.reference
      AND p.user_id = e.user_id AND p.amount = -e.amount) AND NOT ${GIVEN_BACK}
  ) _ GROUP BY user_id
) t LEFT JOIN LATERAL (
  SELECT n, balance FROM wallet_entries w WHERE w.user_id = t.user_id ORDER BY n DESC LIMIT 1
) l ON true`;

export function tornWallets(sql: Pool): AsyncGenerator<TornWallet[]> {
  return slicesOf(sql, TORN);
}

/** Throws where other entries have their numbers: then somebody else writes, too. */
export async function writeEntries(sql: Pool, entries: readonly EntryRecord[]): Promise<void> {
  const client = await sql.connect();
  try {
    await client.query('BEGIN; SET LOCAL synchronous_commit = on');
    const contradicting = await recordEntries(client, entries);
    if (contradicting.length > 0) throw new Error('somebody else is writing to PostgreSQL: stop every worker');
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {}); // told by the first error
    throw error;
  } finally {
    client.release();
  }
}

/** Entries and payments that were never recorded, and wait for a human. */
export async function deadLetters(sql: Pool): Promise<number> {
  const { rows } = await sql.query<{ count: number }>('SELECT count(*)::int AS count FROM dead_letters');
  return rows[0]?.count ?? 0;
}

/** Connections of servers and workers to this database. */
export async function onsaleConnections(sql: Pool): Promise<number> {
  const { rows } = await sql.query<{ count: number }>(
    "SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'onsale'",
  );
  return rows[0]?.count ?? 0;
}

/** Users who have entries and are in none of these batches; named are the first 100. In PostgreSQL, not in memory. */
export async function accountless(
  sql: Pool,
  accounts: () => AsyncIterable<readonly string[]>,
): Promise<{ count: number; userIds: string[] }> {
  const client = await sql.connect();
  try {
    await client.query('BEGIN; CREATE TEMP TABLE backed_up (user_id text) ON COMMIT DROP');
    for await (const userIds of accounts())
      await client.query('INSERT INTO backed_up SELECT unnest($1::text[])', [userIds]);
    const { rows } = await client.query<{ userId: string; count: number }>(
      `WITH lacking AS (SELECT user_id FROM wallet_entries EXCEPT SELECT user_id FROM backed_up)
       SELECT user_id AS "userId", (SELECT count(*)::int FROM lacking) AS count FROM lacking ORDER BY 1 LIMIT 100`,
    );
    return { count: rows[0]?.count ?? 0, userIds: rows.map(({ userId }) => userId) };
  } finally {
    await client.query('ROLLBACK').catch(() => {}); // the connection is gone: so is the table
    client.release();
  }
}
