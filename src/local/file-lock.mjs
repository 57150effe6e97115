// A lock between processes that ends with its holder, however that ends. Plain JavaScript, like processes.mjs.
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isRunning } from './processes.mjs';

/** @typedef {import('./processes.mjs').ProcessIdentity} ProcessIdentity */

/**
 * @param {string} file
 * @returns {ProcessIdentity | undefined} undefined where there is none, or one that is no lock of ours
 */
function readHolder(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * @param {() => void} action
 * @param {string} code of the one error that is an answer
 * @returns {boolean} whether it was done
 */
function unless(action, code) {
  try {
    action();
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === code) return false;
    throw error;
  }
}

/**
 * Takes away a lock whose holder has ended. Another process may do the same and have taken the lock since it was
 * read: what was moved away is looked at again, and put back where it is alive.
 * @param {string} file
 */
function removeStale(file) {
  const away = `${file}.${randomUUID()}`;
  if (!unless(() => renameSync(file, away), 'ENOENT')) return;
  const holder = readHolder(away);
  if (holder && isRunning(holder)) unless(() => linkSync(away, file), 'EEXIST');
  rmSync(away, { force: true });
}

/**
 * @param {string} file
 * @returns {{ release: () => void } | { holder: ProcessIdentity }} the lock, or the live process that has it
 */
export function tryLock(file) {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const mine = `${file}.${randomUUID()}`;
  writeFileSync(mine, JSON.stringify(identify(process.pid)));
  try {
    for (;;) {
      // A link appears with its content and only where nothing is: never half a lock, never two holders.
      if (unless(() => linkSync(mine, file), 'EEXIST')) return { release: () => rmSync(file, { force: true }) };
      const holder = readHolder(file);
      if (holder && isRunning(holder)) return { holder };
      removeStale(file);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/**
 * @param {string} file
 * @param {{ timeoutMs: number, onWait: (holder: ProcessIdentity) => void }} options `onWait` is called once, when
 *   somebody has it
 * @returns {Promise<() => void>} releases it
 * @throws {Error} after the timeout
 */
export async function lock(file, { timeoutMs, onWait }) {
  const deadline = performance.now() + timeoutMs;
  for (let told = false; ; told = true) {
    const result = tryLock(file);
    if ('release' in result) return result.release;
    if (!told) onWait(result.holder);
    if (performance.now() > deadline) throw new Error(`process ${result.holder.pid} has ${file} for too long`);
    await sleep(100);
  }
}
