/** Files that are written aside, and take their name when they are whole. */
import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

const ENDING = '.unfinished';
/** Nothing is written for so long without a change of its file: its writer was killed. */
const LEFT_AFTER_MS = 3_600_000;

/**
 * A new name beside `file`. Random: containers that share a volume have equal process ids, and two that write one file
 * would both take theirs for whole.
 */
export function unfinishedName(file: string): string {
  return `${file}.${randomUUID()}${ENDING}`;
}

/** Removes such files that killed processes have left in a folder. Folders stay: that of initdb ends so, too. */
export function removeUnfinished(folder: string): void {
  const before = Date.now() - LEFT_AFTER_MS;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(ENDING)) continue;
    const file = join(folder, entry.name);
    const stat = statSync(file, { throwIfNoEntry: false }); // finished meanwhile, or removed by another process
    if (stat && stat.mtimeMs < before) rmSync(file, { force: true });
  }
}
