/** One chunk of an outbox into PostgreSQL: every entry ends as its rows, or whole as a dead letter. */
import type { Pool, PoolClient } from 'pg';
import { inTransaction, isRefusedByPostgres } from '../postgres/pool.ts';
import { BadEvent, EVENTS, type EventVersion, type Recorded } from './events.ts';
import type { Chunk, OutboxEntry } from './jobs.ts';
import type { Outbox } from './outboxes.ts';
import { type DeadLetter, recordDeadLetters } from './records.ts';

interface ReadEntry {
  entry: OutboxEntry;
  recorded: Recorded;
  version: EventVersion;
}

export interface ChunkResult {
  recorded: { id: string; recorded: Recorded }[];
  dead: DeadLetter[];
}

/**
 * Records a chunk in one transaction, committed when this returns. Safe to repeat. An entry that contradicts what
 * stands never costs the others of its chunk. Throws where PostgreSQL is away: then nothing is known to be recorded.
 */
export function recordChunk(sql: Pool, chunk: Chunk): Promise<ChunkResult> {
  const { good, bad } = readEntries(chunk);
  return inTransaction(sql, async (client) => {
    const contradicting = await recordAll(client, good, chunk.outbox.name);
    const dead = [...bad, ...contradicting];
    if (dead.length > 0) await recordDeadLetters(client, dead);
    const lost = new Set(contradicting.map(({ entry }) => entry));
    const recorded = good.filter(({ entry }) => !lost.has(entry));
    return { recorded: recorded.map(({ entry, recorded: what }) => ({ id: entry.id, recorded: what })), dead };
  });
}

function readEntries({ outbox, entries }: Chunk): { good: ReadEntry[]; bad: DeadLetter[] } {
  const good: ReadEntry[] = [];
  const bad: DeadLetter[] = [];
  for (const entry of entries) {
    try {
      good.push(readEntry(entry, outbox));
    } catch (error) {
      if (!(error instanceof BadEvent)) throw error;
      bad.push({ outboxName: outbox.name, entry, reason: error.message });
    }
  }
  return { good, bad };
}

function readEntry(entry: OutboxEntry, outbox: Outbox): ReadEntry {
  const { e: event = '', v = '' } = entry.fields;
  const version = Object.hasOwn(EVENTS, event) ? EVENTS[event]?.[v] : undefined;
  if (!version) throw new BadEvent(`no event ${event} of version ${v}`);
  const recorded = version.read(entry.fields);
  // Its settle writes to keys of this slot.
  const belongs =
    recorded.event === 'payment'
      ? outbox.of === 'concert' && recorded.record.concertId === outbox.concertId
      : outbox.of === 'partition';
  if (!belongs) throw new BadEvent(`an event ${event} that is not of this outbox`);
  return { entry, recorded, version };
}

/** All at once; where any of them contradicts, one at a time, so that only that one is lost. */
async function recordAll(client: PoolClient, entries: ReadEntry[], outboxName: string): Promise<DeadLetter[]> {
  if ((await tryTogether(client, entries)) === null) return [];
  const dead: DeadLetter[] = [];
  for (const entry of entries) {
    const reason = await tryTogether(client, [entry]);
    if (reason !== null) dead.push({ outboxName, entry: entry.entry, reason });
  }
  return dead;
}

/** Leaves the rows of all of these entries, and null; or none of them, and the reason. */
async function tryTogether(client: PoolClient, entries: readonly ReadEntry[]): Promise<string | null> {
  await client.query('SAVEPOINT together');
  let reason: string | null = null;
  try {
    for (const [version, same] of Map.groupBy(entries, (entry) => entry.version)) {
      const contradicting = await version.record(
        client,
        same.map(({ recorded }) => recorded),
      );
      if (contradicting.length > 0) reason = 'other rows stand under its keys';
    }
  } catch (error) {
    if (!isRefusedByPostgres(error)) throw error;
    reason = (error as Error).message;
  }
  if (reason !== null) await client.query('ROLLBACK TO SAVEPOINT together');
  await client.query('RELEASE SAVEPOINT together');
  return reason;
}
