import type { Pool } from 'pg';
import { type Refusal, refuse, Unavailable } from '../errors.ts';
import { walletKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { entryOf, type NumberedEntry, unpackEntry } from './entry.ts';
import { readHistory as script } from './read-history.script.ts';
import { olderEntries } from './records.ts';
import type { History } from './shapes.ts';

interface HistoryCall {
  userId: string;
  limit: number;
  /** the `nextCursor` of the page before; null for the newest */
  cursor: string | null;
}

interface HistoryDeps {
  redis: RedisClient;
  /** null where this process has no PostgreSQL: then only what Redis keeps can be read */
  sql: Pool | null;
}

/**
 * A page of the user's history, newest first. What Redis no longer keeps comes from PostgreSQL, on pages of its own:
 * while PostgreSQL is away (throws Unavailable) everything that Redis keeps can still be read.
 * Refuses USER_NOT_FOUND, and VALIDATION for a cursor that no page gave.
 */
export async function readHistory(
  deps: HistoryDeps,
  { userId, limit, cursor }: HistoryCall,
): Promise<History | Refusal> {
  const before = cursor === null ? 0 : entryNumber(cursor);
  if (before === null)
    return refuse('VALIDATION', { errors: [{ path: 'query/cursor', message: 'is not of this list' }] });
  const kept = await script.run(deps.redis, { keys: walletKeys(userId), args: { before, limit } });
  if (kept.outcome === 'NO_WALLET') return refuse('USER_NOT_FOUND');
  let page = kept.packed.map((packed) => unpackEntry(userId, packed)).reverse();
  if (page.length === 0 && kept.last > 0) page = await older(deps, { userId, beforeN: kept.last + 1, limit });
  const oldest = page.at(-1);
  return { entries: page.map(entryOf), nextCursor: oldest && oldest.n > 1 ? String(oldest.n) : null };
}

async function older(
  { sql }: HistoryDeps,
  page: { userId: string; beforeN: number; limit: number },
): Promise<NumberedEntry[]> {
  if (!sql) throw new Unavailable('history older than Redis keeps is in PostgreSQL');
  try {
    return await olderEntries(sql, page);
  } catch (cause) {
    throw new Unavailable('PostgreSQL is away', { cause, retryAfterSeconds: 5 });
  }
}

/** A cursor is the number of the oldest entry of the page before. */
function entryNumber(cursor: string): number | null {
  return /^[1-9]\d{0,14}$/.test(cursor) ? Number(cursor) : null;
}
