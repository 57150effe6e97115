import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { removeUnfinished, unfinishedName } from './unfinished.ts';

/**
 * A random secret, made at the first start and read at every later one; mode 0600. Two starts at once get the same one:
 * it is written aside and linked into place, and whoever comes second reads the first's.
 */
export function keptSecret(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  removeUnfinished(dirname(path));
  const kept = readKept(path);
  if (kept) return kept;
  const aside = unfinishedName(path);
  writeFileSync(aside, `${randomBytes(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 });
  try {
    linkSync(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
  chmodSync(path, 0o600);
  const made = readKept(path);
  if (!made) throw new Error(`${path} is empty: remove it, and a new one is made`);
  return made;
}

function readKept(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
