/** Entries that could not be recorded, kept whole for a human. */
import type { ClientBase } from 'pg';
import type { OutboxEntry } from './jobs.ts';

export interface DeadLetter {
  outboxName: string;
  entry: OutboxEntry;
  /** what does not fit, or what it contradicts */
  reason: string;
}

const INSERT = `INSERT INTO dead_letters (outbox, entry_id, event, reason)
SELECT outbox, entry_id, event, reason FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
  AS _ (outbox, entry_id, event, reason)
ON CONFLICT DO NOTHING`;

/** Writes dead letters; safe to repeat. Within a transaction of the caller's. */
export async function recordDeadLetters(sql: ClientBase, letters: readonly DeadLetter[]): Promise<void> {
  await sql.query(INSERT, [
    letters.map(({ outboxName }) => outboxName),
    letters.map(({ entry }) => entry.id),
    // JSON escapes NUL, which PostgreSQL cannot hold.
    letters.map(({ entry }) => JSON.stringify(entry.fields)),
    letters.map(({ reason }) => JSON.stringify(reason).slice(1, -1)),
  ]);
}
