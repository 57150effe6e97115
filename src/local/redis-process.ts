import { spawn } from 'node:child_process';
import { closeSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { findProgram, lastLines, openLog } from './programs.ts';

const READY_TIMEOUT_MS = 60_000; // an append-only file of some GB takes about this long to load
const OLDEST_MAJOR = 7; // `#!lua` scripts

export interface RedisAnswer {
  processId: number;
  loading: boolean;
  /** Its data folder; empty while it loads, since it does not tell then. */
  dir: string;
}

export interface RedisLaunch {
  port: number;
  /** Holds its data and `redis.log`. */
  dir: string;
  /** redis.conf directives. */
  settings: Readonly<Record<string, string>>;
  /** Told its process id at once, before it is ready. */
  onSpawn?: (pid: number) => void;
}

/** @returns the name of the installed server, 7.0 or later */
export function redisProgram(): string {
  const program = findProgram(['redis-server', 'valkey-server']);
  if (!program) throw new Error('neither redis-server nor valkey-server is on the PATH: install one, 7.0 or later');
  if (program.major < OLDEST_MAJOR)
    throw new Error(`${program.name} ${program.major} is too old: 7.0 or later is needed`);
  return program.name;
}

/** Who answers on that port; undefined where no Redis does. */
export async function askRedis(port: number): Promise<RedisAnswer | undefined> {
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    enableReadyCheck: false, // it would wait until the data is loaded
    connectTimeout: 1000,
    commandTimeout: 1000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  redis.on('error', () => undefined); // told by the rejected calls below
  try {
    await redis.connect();
    const info = await redis.info();
    const value = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? '';
    const loading = value('loading') === '1';
    const [, dir] = loading ? [] : await redis.config('GET', 'dir');
    return { processId: Number(value('process_id')), loading, dir: dir ?? '' };
  } catch {
    return undefined;
  } finally {
    redis.disconnect();
  }
}

/**
 * Starts a Redis on 127.0.0.1, in a session of its own, and waits until it has loaded its data.
 * @returns its process id
 * @throws where it ends at once, or where another server answers on that port; the message has the end of its log
 */
export async function launchRedis({ port, dir, settings, onSpawn }: RedisLaunch): Promise<number> {
  const program = redisProgram();
  mkdirSync(dir, { recursive: true });
  const logFile = join(dir, 'redis.log');
  const log = openLog(logFile);
  const directives = { ...settings, port: String(port), bind: '127.0.0.1', dir, daemonize: 'no' };
  const args = Object.entries(directives).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  if (child.pid !== undefined) onSpawn?.(child.pid);
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = `ended with ${signal ?? code}: ${lastLines(logFile)}`));

  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (ended === undefined && performance.now() < deadline) {
    const answer = await askRedis(port);
    if (answer && answer.processId !== child.pid)
      ended = `process ${answer.processId} answers there, which is not ours`;
    else if (answer && !answer.loading) return answer.processId;
    else await sleep(answer ? 200 : 10);
  }
  child.kill('SIGKILL');
  throw new Error(`Redis on port ${port}: ${ended ?? `not ready after ${READY_TIMEOUT_MS / 1000} s`}`);
}
