/** The servers of one benchmark: its own Redis, onsale and the bare server, each on its core; nothing outlives it. */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { leash } from '../../src/testing/leash.ts';
import { keepFacts } from '../../src/operations/installation.ts';
import { connectRaw } from '../../src/testing/raw-http.ts';
import { type RedisServer, startRedis } from '../../src/testing/redis-server.ts';
import { startSystem, type System } from '../../src/testing/system.ts';
import type { ToBare } from './bare.ts';
import { canPin, pin, SERVER_CORE } from './cores.ts';
import { printProfiles, profilingInto } from './profile.ts';
import type { RawResult, Step } from './raw.ts';
import { CONNECTIONS, type Load, load, type LoadResult } from './wrk.ts';

export type Durability = 'fsync' | 'memory';

export interface Arena {
  readonly redis: RedisServer;
  /** the benchmark's own connection, for what it prepares and looks at */
  readonly client: Redis;
  readonly onsale: System;
  readonly dir: string;
  /** onsale under load, with what it cost Redis */
  run(load: Pick<Load, 'requests' | 'once' | 'seconds' | 'connections' | 'pauseMs'>): Promise<ServerResult>;
  /** the bare server under the same requests; its answers are as long as onsale's answer to the first of them */
  runBare(options: { requests: readonly string[]; answerBytes: number; seconds: number }): Promise<LoadResult>;
  /** the scripts alone */
  runRaw(operations: readonly Step[][], options?: { warmUp?: number; atOnce?: number }): Promise<RawResult>;
  /** one request, once: its status, ETag, and all bytes of its answer */
  sample(request: string): Promise<Sample>;
  close(): Promise<void>;
}

export interface Sample {
  status: number;
  bytes: number;
  etag: string | undefined;
}

export interface ServerResult extends LoadResult {
  /** scripts that Redis ran for one operation, and all its commands with those within scripts; idle ticks included */
  scripts: number;
  commands: number;
}

const CURRENCY = 'KRW';
const NO_POSTGRES = 'postgres://nobody@127.0.0.1:1/none';

export async function openArena({
  durability = 'memory',
  env = {},
}: {
  durability?: Durability;
  env?: Record<string, string>;
} = {}): Promise<Arena> {
  const ends: (() => unknown)[] = [];
  const close = async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  try {
    const dir = mkdtempSync(join(tmpdir(), 'onsale-bench-'));
    const tie = leash(undefined, dir, { removeDir: true });
    ends.push(() => {
      rmSync(dir, { recursive: true, force: true });
      tie.release();
    });
    const redis = await startRedis({ appendonly: durability === 'fsync', appendfsync: 'always' });
    ends.push(() => redis.stop());
    const client = new Redis(redis.url);
    ends.push(() => client.disconnect());
    await keepFacts(client, { currency: CURRENCY }); // or the first start would wait for PostgreSQL
    const onsale = await startSystem({
      REDIS_URL: redis.url,
      DATABASE_URL: NO_POSTGRES,
      ROLE: 'server',
      DURABILITY: durability,
      CURRENCY,
      ...profilingInto(dir),
      ...env,
    });
    ends.push(async () => {
      await onsale.stop();
      printProfiles(dir);
    });
    pin(onsale.pid, SERVER_CORE);
    const bare = await startBare();
    ends.push(() => bare.stop());
    return { redis, client, onsale, dir, close, ...runners({ redis, client, onsale, dir, bare }) };
  } catch (error) {
    await close();
    throw error;
  }
}

function runners({
  redis,
  client,
  onsale,
  dir,
  bare,
}: Pick<Arena, 'redis' | 'client' | 'onsale' | 'dir'> & { bare: Bare }): Pick<
  Arena,
  'run' | 'runBare' | 'runRaw' | 'sample'
> {
  return {
    sample: (request) => sampleOf(onsale.port, request),
    async run(what) {
      const before = await commandsOf(client);
      const pids = { server: onsale.pid, redis: redis.pid };
      const result = await load({ ...what, port: onsale.port, dir, pids });
      const after = await commandsOf(client);
      const scripts = (after.scripts - before.scripts) / result.count;
      return { ...result, scripts, commands: (after.all - before.all) / result.count };
    },
    async runBare({ requests, answerBytes, seconds }) {
      await bare.answer(answerBytes, requests[0] ?? '');
      return load({ port: bare.port, dir, requests, once: false, seconds, pids: { server: bare.pid } });
    },
    async runRaw(operations, { warmUp = Math.floor(operations.length / 5), atOnce = CONNECTIONS } = {}) {
      const file = join(dir, 'operations');
      writeFileSync(file, operations.map((steps) => `${JSON.stringify(steps)}\n`).join(''));
      const args = [redis.url, file, String(atOnce), String(warmUp)];
      const child = forkOnCore(new URL('./raw.ts', import.meta.url), args);
      return new Promise<RawResult>((resolve, reject) => {
        child.once('message', (result) => resolve(result as RawResult));
        child.once('exit', (code) => reject(new Error(`raw.ts ended with ${code}`)));
      });
    },
  };
}

/** taskset's own process becomes the program, so the channel to the parent stays. */
function forkOnCore(module: URL, args: readonly string[] = []): ChildProcess {
  const child = fork(module, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  if (child.pid) pin(child.pid, SERVER_CORE);
  return child;
}

export interface Bare {
  port: number;
  pid: number;
  /** so many bytes with status and headers, in answer to requests like this one */
  answer(bytes: number, like: string): Promise<void>;
  publish(text: string): void;
  stop(): Promise<void>;
}

export async function startBare(): Promise<Bare> {
  const child = forkOnCore(new URL('./bare.ts', import.meta.url));
  const hear = () => new Promise<Record<string, number>>((resolve) => child.once('message', resolve as () => void));
  const tell = (message: ToBare) => child.send(message);
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const { port = 0 } = await hear();
  const ask = async (bodyBytes: number) => {
    const heard = hear();
    tell({ bodyBytes });
    await heard;
  };
  return {
    port,
    pid: child.pid ?? 0,
    async answer(bytes, like) {
      await ask(bytes);
      // Headers of its own come on top, and are as long for a body that is a little shorter.
      const { bytes: all } = await sampleOf(port, like);
      await ask(bytes - (all - bytes));
    },
    publish: (text) => void tell({ publish: text }),
    async stop() {
      child.kill();
      await exited;
    },
  };
}

async function sampleOf(port: number, request: string): Promise<Sample> {
  const connection = await connectRaw(port);
  try {
    connection.write(request);
    const { status, headers, headBytes } = await withHead(connection);
    return { status, bytes: headBytes + Number(headers['content-length'] ?? 0), etag: headers.etag };
  } finally {
    connection.destroy();
  }
}

/** The bytes of the head are those before the body in what has come. */
async function withHead(connection: Awaited<ReturnType<typeof connectRaw>>) {
  const started = performance.now();
  while (!connection.rest().includes('\r\n\r\n')) {
    if (performance.now() - started > 5_000) throw new Error('no answer within 5 s');
    await new Promise((wake) => setTimeout(wake, 5));
  }
  const headBytes = connection.rest().indexOf('\r\n\r\n') + 4;
  return { headBytes, ...(await connection.next({ head: true })) };
}

/** Counts since Redis began. */
async function commandsOf(client: Redis): Promise<{ scripts: number; all: number }> {
  const calls = [...(await client.info('commandstats')).matchAll(/cmdstat_([^:]+):calls=(\d+)/g)];
  const sum = (some: typeof calls) => some.reduce((total, [, , count]) => total + Number(count), 0);
  return { scripts: sum(calls.filter(([, name = '']) => name.startsWith('eval'))), all: sum(calls) };
}

/** The machine, in one line. */
export function machineLine(): string {
  const cpu = spawnSync('sh', ['-c', "grep -m1 'model name' /proc/cpuinfo | cut -d: -f2"], { encoding: 'utf8' });
  const redis = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  const version = /v=([\d.]+)/.exec(redis.stdout ?? '')?.[1] ?? '?';
  const cores = canPin
    ? `server (onsale, bare or raw) on core ${SERVER_CORE}, generator on core 1, Redis wherever it falls`
    : 'nothing pinned';
  return `${(cpu.stdout ?? '').trim()}; Node ${process.version}, Redis ${version}; ${cores}; wrk, ${CONNECTIONS} connections, no pipelining`;
}
