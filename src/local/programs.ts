import { spawnSync } from 'node:child_process';
import { openSync, readFileSync, renameSync, statSync } from 'node:fs';

const MAX_LOG_BYTES = 10_000_000;

export interface Program {
  name: string;
  /** Major version; 0 where it does not tell. */
  major: number;
}

/** The first of these programs that is on the PATH and answers `--version`. */
export function findProgram(names: readonly string[]): Program | undefined {
  for (const name of names) {
    const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8', timeout: 10_000 });
    if (status === 0) return { name, major: Number(/v=(\d+)/.exec(stdout)?.[1] ?? 0) };
  }
  return undefined;
}

/** The end of a log file on one line, for an error message. */
export function lastLines(file: string, count = 5): string {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(-count).join(' | ');
  } catch {
    return `no log at ${file}`;
  }
}

/** Opens a server's log for appending; one that has grown large is put aside first, over the one put aside before. */
export function openLog(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
  return openSync(file, 'a');
}
