/** History entries of wallets in PostgreSQL: all of them, while Redis keeps the last ones. */
import type { ClientBase, Pool } from 'pg';
import type { NumberedEntry } from './entry.ts';

export interface EntryRecord extends NumberedEntry {
  userId: string;
}

const SENT = `sent AS (
  SELECT i, user_id, n, entry_id, kind, amount, balance, timestamptz 'epoch' + at_ms * interval '1 millisecond' AS at, reference
  FROM jsonb_to_recordset($1::jsonb) AS _ (i int, user_id text, n bigint, entry_id text, kind text, amount bigint,
    balance bigint, at_ms bigint, reference text)
)`;

const INSERT = `WITH ${SENT}
INSERT INTO wallet_entries (user_id, n, entry_id, kind, amount, balance, at, reference)
SELECT user_id, n, entry_id, kind, amount, balance, at, reference FROM sent ORDER BY user_id, n
ON CONFLICT DO NOTHING`;

// A statement of its own: only a new snapshot sees what another worker committed while the insert waited for it.
const CONTRADICTING = `WITH ${SENT}
SELECT i FROM sent
WHERE NOT EXISTS (
  SELECT FROM wallet_entries e
  WHERE e.user_id = sent.user_id AND e.n = sent.n AND e.entry_id = sent.entry_id AND e.kind = sent.kind
    AND e.amount = sent.amount AND e.balance = sent.balance AND e.at = sent.at AND e.reference = sent.reference
)`;

/**
 * Writes entries; safe to repeat. Within a transaction of the caller's.
 * @returns the indexes of those that do not stand as sent, since another entry has their number
 */
export async function recordEntries(sql: ClientBase, entries: readonly EntryRecord[]): Promise<number[]> {
  const sent = [JSON.stringify(entries.map(rowOf))];
  const { rowCount: inserted } = await sql.query(INSERT, sent);
  // Where every row is new, each stands as sent. Any that was there before leads to the comparison.
  if (inserted === entries.length) return [];
  const { rows } = await sql.query<{ i: number }>(CONTRADICTING, sent);
  return rows.map(({ i }) => i);
}

function rowOf(entry: EntryRecord, i: number) {
  return {
    i,
    user_id: entry.userId,
    n: entry.n,
    entry_id: entry.entryId,
    kind: entry.kind,
    amount: entry.amount,
    balance: entry.balance,
    at_ms: entry.atMs,
    reference: entry.reference,
  };
}

const OLDER = `SELECT n::float8 AS n, entry_id AS "entryId", kind, amount::float8 AS amount, balance::float8 AS balance,
  round(extract(epoch FROM at) * 1000)::float8 AS "atMs", reference
FROM wallet_entries WHERE user_id = $1 AND n < $2 ORDER BY n DESC LIMIT $3`;

/** A user's entries numbered below `beforeN`, newest first. Throws where PostgreSQL is away or not yet migrated. */
export async function olderEntries(
  sql: Pool,
  { userId, beforeN, limit }: { userId: string; beforeN: number; limit: number },
): Promise<NumberedEntry[]> {
  const { rows } = await sql.query<NumberedEntry>({
    name: 'older-entries',
    text: OLDER,
    values: [userId, beforeN, limit],
  });
  return rows;
}
