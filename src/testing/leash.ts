import { spawn } from 'node:child_process';

export interface Leash {
  /** To be called once the process is known to be gone: its id may then name another one. */
  release(): void;
}

/**
 * Ties a server to this process: whatever ends us, `kill -9` and Ctrl-C included, ends it too and, if asked, removes
 * its folder. A shell waits on a pipe that only we hold open, and the system closes that with our end.
 */
export function leash(pid: number, dir: string, { removeDir }: { removeDir: boolean }): Leash {
  const script = `read -r _; kill -9 "$1" 2>/dev/null${removeDir ? '; sleep 0.2; rm -rf "$2"' : ''}`;
  const shell = spawn('/bin/sh', ['-c', script, 'sh', String(pid), dir], {
    detached: true, // out of reach of the terminal's Ctrl-C
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  const pipe = shell.stdin as typeof shell.stdin & { unref(): void };
  pipe.unref();
  pipe.on('error', () => undefined); // the shell is gone: nothing is left to tie
  return { release: () => void shell.kill('SIGKILL') };
}
