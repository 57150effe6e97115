import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

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
