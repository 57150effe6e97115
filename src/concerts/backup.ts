/**
 * What was imported, kept beside the accounts backup: `backups/concerts/<concert id>.json`, each a ConcertInput with the
 * room's settings as they stand, readable by its owner alone. A rebuild takes the catalogue from here, and an operator
 * may import such a file as it is.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeUnfinished, unfinishedName } from '../local/unfinished.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { settingsOf } from '../waiting-room/settings.ts';
import { parseStored, type Stored } from './catalogue.ts';
import type { Layout } from './layout.ts';
import type { ConcertInput, ScheduleInput } from './shapes.ts';

export function concertBackups(dataDir: string): string {
  return join(dataDir, 'backups', 'concerts');
}

/**
 * Writes the backup of a concert where it differs from what is there, whole or not at all. Returns whether it wrote. One
 * that is missing from Redis keeps its backup.
 */
export async function backUpConcert(
  { redis, dataDir }: { redis: RedisClient; dataDir: string },
  concertId: string,
): Promise<boolean> {
  const keys = concertKeys(concertId);
  const [catalogue, room] = await Promise.all([redis.hgetall(keys.catalogue), redis.hgetall(keys.room)]);
  const stored = parseStored(catalogue);
  if (!stored) return false;
  const text = `${JSON.stringify(inputOf(stored, room))}\n`;
  const folder = concertBackups(dataDir);
  const file = join(folder, `${concertId}.json`);
  if ((await readFile(file, 'utf8').catch(() => null)) === text) return false;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  removeUnfinished(folder);
  const fresh = unfinishedName(file);
  try {
    await writeFile(fresh, text, { flag: 'wx', mode: 0o600, flush: true });
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true });
  }
  return true;
}

/** What an operator would send to get this concert. Indexes of seats are not in it: they are of one Redis. */
function inputOf({ concert, layouts }: Stored, room: Readonly<Record<string, string>>): ConcertInput {
  // Redis keeps them in no order; the same concert has to be the same file.
  const schedules = [...layouts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([scheduleId, layout]) => ({ scheduleId, startsAt: layout.startsAt, sections: sectionsOf(layout) }));
  return { ...concert, schedules, room: settingsOf(room) };
}

/** Rows in their order; neighbours of one section and price share an entry. */
function sectionsOf({ rows }: Layout): ScheduleInput['sections'] {
  const sections: ScheduleInput['sections'] = [];
  for (const [section, row, seats, price] of rows) {
    if (seats === 0) continue; // a removed row, kept in Redis for its indexes
    const last = sections.at(-1);
    if (last?.section === section && last.price === price) last.rows.push({ row, seats });
    else sections.push({ section, price, rows: [{ row, seats }] });
  }
  return sections;
}
