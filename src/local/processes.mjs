// Which process is which. Plain JavaScript, since scripts/setup.mjs uses it under the system's Node before anything
// is installed.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A process id alone is reused by the system; with the time the process started it names one process for good.
 * @typedef {{ pid: number, startedAt: string }} ProcessIdentity
 */

/**
 * @param {number} pid
 * @returns {string | undefined} a text that differs between two processes of one id; undefined where there is none, or
 * only the rest of one that its parent has not fetched yet
 */
export function startedAt(pid) {
  try {
    if (process.platform === 'linux') {
      // The name in brackets may itself hold brackets and spaces: count from its end. Field 22 is the start in ticks
      // since boot; with the boot's own id it cannot be met again after a restart of the machine.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return fields[0] === 'Z' ? undefined : `${boot}/${fields[19]}`;
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined; // gone between the question and the answer
  }
}

/**
 * @param {number} pid
 * @returns {ProcessIdentity}
 * @throws {Error} where there is no such process
 */
export function identify(pid) {
  const started = startedAt(pid);
  if (started === undefined) throw new Error(`process ${pid} is gone`);
  return { pid, startedAt: started };
}

/** @param {ProcessIdentity} identity */
export function isRunning(identity) {
  return startedAt(identity.pid) === identity.startedAt;
}

/**
 * @param {ProcessIdentity} identity
 * @param {NodeJS.Signals} signal
 */
export function signalProcess(identity, signal) {
  if (!isRunning(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/**
 * @param {ProcessIdentity} identity
 * @param {number} timeoutMs
 * @returns {Promise<boolean>} whether it ended in that time
 */
export async function waitForEnd(identity, timeoutMs) {
  const deadline = performance.now() + timeoutMs;
  while (isRunning(identity)) {
    if (performance.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}
