/** The whole product as its users run it: `node src/main.ts` as a child, against servers that the test started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { leash } from './leash.ts';

const MAIN = resolve(import.meta.dirname, '../main.ts');
const START_TIMEOUT_MS = 60_000; // with two cores and a load of 14, 20 s were not enough
const STOP_TIMEOUT_MS = 12_000;

export const OPERATOR_KEY = 'operator-key-of-the-tests';
export const JWT_SECRET = 'a-secret-of-the-tests-that-is-long-enough';

export interface System {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** what it printed so far, one entry a line */
  readonly output: string[];
  /** SIGTERM, and its exit code */
  stop(): Promise<number | null>;
  kill9(): Promise<void>;
  /** SIGTERM without waiting for the end */
  signal(name: NodeJS.Signals): void;
  readonly exited: Promise<number | null>;
}

/** Starts onsale on a free port, without a demo concert, and waits for the line with its URL. */
export async function startSystem(
  env: { REDIS_URL: string; DATABASE_URL: string } & Record<string, string>,
): Promise<System> {
  const cwd = mkdtempSync(join(tmpdir(), 'onsale-system-'));
  const child = spawn(process.execPath, [MAIN], {
    cwd,
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      DEMO: 'false',
      OPERATOR_KEY,
      JWT_SECRET,
      DURABILITY: 'memory',
      LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const tie = leash(child.pid ?? 0, cwd, { removeDir: true });
  const exited = new Promise<number | null>((done) => {
    // 'close', not 'exit': then all that it printed has been read.
    child.once('close', (code) => {
      tie.release();
      rmSync(cwd, { recursive: true, force: true });
      done(code);
    });
  });
  const output: string[] = [];
  const url = await readUrl(child, output).catch(async (error: unknown) => {
    child.kill('SIGKILL');
    await exited;
    throw error;
  });
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid ?? 0,
    output,
    exited,
    signal: (name) => void child.kill(name),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return exited;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      return exited.finally(() => clearTimeout(timer));
    },
    async kill9() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function readUrl(child: ChildProcess, output: string[]): Promise<string> {
  const { promise, resolve: found, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(
    () => reject(new Error(`no URL within ${START_TIMEOUT_MS} ms; it printed:\n${output.join('\n')}`)),
    START_TIMEOUT_MS,
  );
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      output.push(line);
      const ready = line.match(/^onsale.* is ready(?: at (http:\/\/[^\s;]+))?/);
      if (ready) found(ready[1] ?? 'http://worker.invalid');
    });
  }
  child.once('close', (code, signal) =>
    reject(new Error(`ended with ${signal ?? code}; it printed:\n${output.join('\n')}`)),
  );
  return promise.finally(() => clearTimeout(timer));
}
