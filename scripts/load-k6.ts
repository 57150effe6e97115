/** Finds k6 v2, or builds the one that `loadtest/k6/go.mod` pins. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ask, run, SetupError } from './run.mjs';

const MODULE = resolve(import.meta.dirname, '../loadtest/k6');
const BUILT = resolve(MODULE, process.platform === 'win32' ? 'bin/k6.exe' : 'bin/k6');
const PACKAGE = 'go.k6.io/k6/v2';
const BUILD_TIMEOUT_MS = 600_000;

export interface K6 {
  file: string;
  version: string;
}

export const WAYS =
  'k6 v2 is not here: install Go and it is built at the next run, or install k6 v2 (grafana.com/docs/k6) into the PATH, or name it with K6=<file>';

function look(file: string): K6 | null {
  const version = ask(file, ['version'])?.match(/v2\.\d+\.\d+\S*/)?.[0];
  return version ? { file, version } : null;
}

/** Null where there is neither k6 v2 nor Go. Throws SetupError where the build fails, or K6 names something else. */
export async function findK6(tell: (line: string) => void): Promise<K6 | null> {
  if (process.env.K6) {
    const named = look(process.env.K6);
    if (!named) throw new SetupError(`K6: ${process.env.K6} is no k6 v2`);
    return named;
  }
  const found = look('k6') ?? (existsSync(BUILT) ? look(BUILT) : null);
  if (found) return found;
  if (ask('go', ['version']) === undefined) return null;
  tell('building k6, about a minute and a half the first time');
  await run('go', ['build', '-o', BUILT, PACKAGE], {
    what: 'k6 could not be built',
    timeoutMs: BUILD_TIMEOUT_MS,
    cwd: MODULE,
  });
  const built = look(BUILT);
  if (!built) throw new SetupError('k6 was built but does not run');
  return built;
}
