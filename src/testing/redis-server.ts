import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchOnFreePort } from '../local/free-port.ts';
import { identify, signalProcess, waitForEnd } from '../local/processes.mjs';
import { launchWhole } from '../local/torn-log.ts';
import { type Leash, leash } from './leash.ts';

const STOP_TIMEOUT_MS = 10_000;

export interface RedisOptions {
  /** Default false: nothing is written to disk. */
  appendonly?: boolean;
  /** Default `always`, which counts with `appendonly` only. */
  appendfsync?: 'always' | 'everysec' | 'no';
  /** Bytes, or a number with a unit such as `64mb`; without a limit by default. */
  maxmemory?: string | number;
  /** More redis.conf directives. */
  settings?: Readonly<Record<string, string>>;
  /** A folder of the caller's, kept at the end. Default: a new one, removed at the end. */
  dir?: string;
  /** Default: a free one. */
  port?: number;
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Of the running process: another one after restart(). */
  readonly pid: number;
  readonly dir: string;
  /** SIGTERM, waits for the end, removes the folder. Safe to call again. */
  stop(): Promise<void>;
  /** SIGKILL, waits for the end; data and port stay, for restart(). */
  kill9(): Promise<void>;
  /** Starts it again on its port with its data, after a SIGTERM where it still runs. */
  restart(): Promise<void>;
}

/** Starts a real Redis of the caller's own on 127.0.0.1. It ends with this process, however that ends. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'onsale-redis-'));
  const settings = {
    save: '',
    appendonly: options.appendonly ? 'yes' : 'no',
    appendfsync: options.appendfsync ?? 'always',
    maxmemory: String(options.maxmemory ?? 0),
    'maxmemory-policy': 'noeviction',
    'enable-debug-command': 'local',
    ...options.settings,
  };
  const removeDir = () => {
    if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
  };
  let tie: Leash | undefined;
  const onSpawn = (pid: number) => {
    tie?.release();
    tie = leash(pid, dir, { removeDir: options.dir === undefined });
  };
  const launch = (port: number) => launchWhole({ port, dir, settings, onSpawn }, () => undefined);
  const wanted = options.port;
  const start = async () =>
    wanted === undefined ? launchOnFreePort(launch) : { port: wanted, pid: await launch(wanted) };
  const first = await start().catch((error: unknown) => {
    tie?.release();
    removeDir();
    throw error;
  });
  const { port } = first;
  let running = identify(first.pid);

  const end = async (signal: NodeJS.Signals) => {
    signalProcess(running, signal);
    if (!(await waitForEnd(running, STOP_TIMEOUT_MS))) throw new Error(`Redis ${running.pid} outlived ${signal}`);
    tie?.release();
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return running.pid;
    },
    dir,
    kill9: () => end('SIGKILL'),
    async stop() {
      await end('SIGTERM');
      removeDir();
    },
    async restart() {
      await end('SIGTERM');
      running = identify(await launch(port));
    },
  };
}
