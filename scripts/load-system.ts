/**
 * The onsale under load: one of our own with private servers in a folder that goes with it, or the one that BASE_URL
 * names. Whatever ends the runner ends these too.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { leash, leashPrivateServers } from '../src/testing/leash.ts';

const ROOT = resolve(import.meta.dirname, '..');
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
const LONG_PAUSE_MS = 20;

/** A garbage collection: the time in which nothing else ran, and the heap before and after it. */
export interface Pause {
  kind: string;
  ms: number;
  fromMb: number;
  toMb: number;
}

export interface LoadedSystem {
  readonly url: string;
  readonly operatorKey: string;
  /** by name, those whose CPU can be seen */
  readonly pids: Record<string, number>;
  /** those over 20 ms since the last asking; null where they cannot be seen */
  pauses(): Pause[] | null;
  /** how it was started, for the report */
  readonly told: string;
  /** a file with so many users */
  seed(count: number): string;
  stop(): Promise<void>;
}

interface StartOptions {
  settings: Record<string, string>;
  tell(line: string): void;
}

export const hasTaskset =
  process.platform === 'linux' && spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0;

/** Cores of the generator where the server has core 0 for itself; null where nothing is pinned. */
export function generatorCores(): string | null {
  const cores = availableParallelism();
  if (!hasTaskset || cores < 2) return null;
  return cores === 2 ? '1' : `1-${cores - 1}`;
}

/** @throws with one line where what BASE_URL needs is not set */
export async function openSystem(options: StartOptions): Promise<LoadedSystem> {
  return process.env.BASE_URL ? named(process.env.BASE_URL.replace(/\/$/, '')) : start(options);
}

function named(url: string): LoadedSystem {
  const { OPERATOR_KEY, USERS } = process.env;
  if (!OPERATOR_KEY || !USERS || !existsSync(USERS)) {
    throw new Error(
      'BASE_URL needs OPERATOR_KEY, and USERS: a file made by `npx node scripts/seed-users.ts <count>` with REDIS_URL and JWT_SECRET of that installation',
    );
  }
  return {
    url,
    operatorKey: OPERATOR_KEY,
    pids: {},
    pauses: () => null,
    told: `the one at ${new URL(url).host}, not started here`,
    seed(count) {
      const there = countUsers(USERS);
      if (there < count) throw new Error(`USERS: the story needs ${count} users, the file has ${there}`);
      return resolve(USERS);
    },
    stop: async () => undefined,
  };
}

function countUsers(file: string): number {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as unknown[]).length;
  } catch (error) {
    throw new Error(`USERS: ${file} is not what scripts/seed-users.ts prints`, { cause: error });
  }
}

async function start({ settings, tell }: StartOptions): Promise<LoadedSystem> {
  const dir = mkdtempSync(join(tmpdir(), 'onsale-load-'));
  const secret = () => randomBytes(32).toString('base64url');
  const env: NodeJS.ProcessEnv = {
    LOG_LEVEL: 'warn',
    ...settings,
    ...process.env,
    OPERATOR_KEY: secret(),
    JWT_SECRET: secret(),
    HOST: '127.0.0.1',
    PORT: '0',
    DEMO: 'false',
  };
  // A session of its own: Ctrl-C reaches us alone, and we stop it once k6 has ended.
  const child = spawn(process.execPath, ['--trace-gc', join(ROOT, 'src/main.ts')], {
    cwd: dir,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ties = [
    leash(child.pid, dir, { removeDir: false }),
    // Comes after the server's own end, so that it starts none of them again.
    leashPrivateServers(join(dir, '.data'), dir),
  ];
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  const pauses: Pause[] = [];
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited.finally(() => clearTimeout(timer));
    for (const tie of ties) tie.release();
    rmSync(dir, { recursive: true, force: true });
  };
  let url: string;
  try {
    url = await readUrl(child, { tell, pauses });
  } catch (error) {
    await stop();
    throw error;
  }
  const pinned = pin(child.pid ?? 0);
  return {
    url,
    operatorKey: env.OPERATOR_KEY ?? '',
    pids: { server: child.pid ?? 0, ...privateServers(dir) },
    pauses: () => pauses.splice(0),
    told: `${process.env.PROCESSES ?? 1} process, DURABILITY=${env.DURABILITY ?? 'fsync'}, ${pinned}`,
    seed(count) {
      const users = join(dir, `users-${count}.json`);
      const script = 'exec "$1" "$2" "$3" > "$4"';
      const args = [process.execPath, join(ROOT, 'scripts/seed-users.ts'), String(count), users];
      const { status, stderr } = spawnSync('/bin/sh', ['-c', script, 'sh', ...args], {
        cwd: dir,
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      if (status !== 0) throw new Error(`users could not be made: ${stderr.trim()}`);
      return users;
    },
    stop,
  };
}

/** All threads of the server, but not the private servers that it started before. */
function pin(pid: number): string {
  if (generatorCores() === null) return 'not pinned (no taskset, or one core)';
  if (Number(process.env.PROCESSES ?? 1) > 1) return 'not pinned (several processes)';
  const { status } = spawnSync('taskset', ['-a', '-cp', '0', String(pid)], { stdio: 'ignore' });
  return status === 0 ? 'pinned to core 0, Redis and PostgreSQL wherever they fall' : 'not pinned (taskset failed)';
}

function privateServers(dir: string): Record<string, number> {
  const pids: Record<string, number> = {};
  for (const name of ['redis', 'postgres']) {
    const note = join(dir, '.data', `${name}.json`);
    if (!existsSync(note)) continue;
    const { pid } = JSON.parse(readFileSync(note, 'utf8')) as { pid?: number };
    if (pid !== undefined) pids[name] = pid;
  }
  return pids;
}

interface Reading {
  tell(line: string): void;
  pauses: Pause[];
}

/** A line of --trace-gc. */
function readPause(line: string): Pause | null {
  const found = line.match(
    / (Scavenge|Mark-Compact)\D* ([\d.]+) \([\d.]+\) -> ([\d.]+) \([\d.]+\) MB, (?:pooled: .*? MB, )?([\d.]+) \/ /,
  );
  if (!found) return null;
  const [, kind = '', fromMb, toMb, ms] = found;
  return { kind, ms: Number(ms), fromMb: Number(fromMb), toMb: Number(toMb) };
}

function readUrl(child: ChildProcess, { tell, pauses }: Reading): Promise<string> {
  const { promise, resolve: found, reject } = Promise.withResolvers<string>();
  const lines: string[] = [];
  const timer = setTimeout(() => reject(new Error(`onsale did not start: ${lines.join(' | ')}`)), START_TIMEOUT_MS);
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      const pause = readPause(line);
      if (pause && pause.ms > LONG_PAUSE_MS) pauses.push(pause);
      if (pause) return;
      if (/^\[\d+:0x/.test(line)) return;
      lines.push(line);
      const url = line.match(/^onsale is ready at (http:\/\/[^\s;]+)/)?.[1];
      if (url) found(url);
      else tell(`server: ${line}`);
    });
  }
  child.once('exit', (code, signal) => reject(new Error(`onsale ended with ${signal ?? code}: ${lines.join(' | ')}`)));
  return promise.finally(() => clearTimeout(timer));
}
