/** The stream commands of an outbox. One stream a command: two of them are in two slots. */
import { LIMITS } from '../limits.ts';
import type { RedisClient } from '../redis/script.ts';
import type { OutboxEntry } from './jobs.ts';
import { openGroup } from './open-group.script.ts';
import { GROUP, type Outbox } from './outboxes.ts';

type RawEntry = [id: string, flat: string[] | null];

/** Entries that no relay has read yet, at most LIMITS.CHUNK_MAX; they are pending from now on. */
export async function readNew(redis: RedisClient, outbox: Outbox): Promise<OutboxEntry[]> {
  return (await read(redis, outbox, '>')).flatMap(([id, flat]) => (flat ? [{ id, fields: fieldsOf(flat) }] : []));
}

/** All entries that were read and are not settled. `lostIds` are pending, but no longer in the stream. */
export async function readPending(
  redis: RedisClient,
  outbox: Outbox,
): Promise<{ entries: OutboxEntry[]; lostIds: string[] }> {
  const entries: OutboxEntry[] = [];
  const lostIds: string[] = [];
  for (let after = '0'; ; ) {
    const page = await read(redis, outbox, after);
    for (const [id, flat] of page) {
      after = id;
      if (flat) entries.push({ id, fields: fieldsOf(flat) });
      else lostIds.push(id);
    }
    if (page.length < LIMITS.CHUNK_MAX) return { entries, lostIds };
  }
}

/** Whether any entry from the first to the last of these ids is pending. */
export async function isPending(redis: RedisClient, { stream }: Outbox, ids: readonly string[]): Promise<boolean> {
  try {
    return (await redis.xpending(stream, GROUP, ids[0] ?? '-', ids.at(-1) ?? '+', 1)).length > 0;
  } catch (error) {
    if (isError(error, 'NOGROUP')) return false; // Redis was emptied: this is another stream
    throw error;
  }
}

export async function ackLost(redis: RedisClient, { stream }: Outbox, ids: readonly string[]): Promise<void> {
  await redis.xack(stream, GROUP, ...ids);
}

/** From `after` on: `>` new ones, an id: pending ones. Makes the group where there is none, from the stream's beginning. */
async function read(redis: RedisClient, { stream }: Outbox, after: string): Promise<RawEntry[]> {
  const ask = () => redis.xreadgroup('GROUP', GROUP, GROUP, 'COUNT', LIMITS.CHUNK_MAX, 'STREAMS', stream, after);
  try {
    return entriesOf(await ask());
  } catch (error) {
    if (!isError(error, 'NOGROUP')) throw error;
    await openGroup.run(redis, { keys: { outbox: stream }, args: {} });
    return entriesOf(await ask());
  }
}

function entriesOf(reply: unknown): RawEntry[] {
  return (reply as [stream: string, entries: RawEntry[]][] | null)?.[0]?.[1] ?? [];
}

function isError(error: unknown, word: string): boolean {
  return error instanceof Error && error.message.startsWith(word);
}

function fieldsOf(flat: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let i = 0; i < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? '';
  return fields;
}
