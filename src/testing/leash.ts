import { spawn } from 'node:child_process';

export interface Leash {
  /** To be called once the process is known to be gone: its id may then name another one. */
  release(): void;
}

function whenWeEnd(script: string, args: readonly string[]): Leash {
  const shell = spawn('/bin/sh', ['-c', `read -r _; ${script}`, 'sh', ...args], {
    detached: true, // out of reach of the terminal's Ctrl-C
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  const pipe = shell.stdin as typeof shell.stdin & { unref(): void };
  pipe.unref();
  pipe.on('error', () => undefined); // the shell is gone: nothing is left to tie
  return { release: () => void shell.kill('SIGKILL') };
}

/**
 * Ties a server to this process: whatever ends us, `kill -9` and Ctrl-C included, ends it too and, if asked, removes
 * its folder. A shell waits on a pipe that only we hold open, and the system closes that with our end.
 * @param pid undefined while there is only the folder
 */
export function leash(pid: number | undefined, dir: string, { removeDir }: { removeDir: boolean }): Leash {
  return whenWeEnd(`kill -9 "$1"${removeDir ? '; sleep 0.2; rm -rf "$2"' : ''}`, [String(pid ?? ''), dir]);
}

/**
 * The same for the private servers (src/local/) of a data folder, whichever are noted there when this process ends.
 * @param removeDir the folder to be removed then; the data folder is in it, or is it
 */
export function leashPrivateServers(dataDir: string, removeDir = dataDir): Leash {
  const kill = 'kill -9 $(sed -n \'s/.*"pid":\\([0-9]*\\).*/\\1/p\' "$1"/redis.json "$1"/postgres.json)';
  // Twice: with the data of a starting PostgreSQL still being made, its server comes a moment later.
  return whenWeEnd(`sleep 0.2; ${kill}; sleep 1; ${kill}; sleep 0.2; rm -rf "$2"`, [dataDir, removeDir]);
}
