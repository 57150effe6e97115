import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchOnFreePort } from '../local/free-port.ts';
import { createDatabase, initPostgres, launchPostgres, postgresUrl } from '../local/postgres-process.ts';
import { identify, signalProcess, waitForEnd } from '../local/processes.mjs';
import { type Leash, leash } from './leash.ts';

const STOP_TIMEOUT_MS = 10_000;

// Nothing here needs to outlive a power loss, but a `kill -9`: synchronous_commit stays on.
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  shared_buffers: '64MB',
  autovacuum: 'off',
};

export interface PostgresServer {
  /** Of the database `postgres`; the user may do everything. */
  readonly url: string;
  readonly port: number;
  /** Fast shutdown, waits for the end, removes the folder. Safe to call again. */
  stop(): Promise<void>;
  /** SIGKILL, waits for the end; data and port stay, for restart(). */
  kill9(): Promise<void>;
  /** Starts it again on its port with its data, after a fast shutdown where it still runs. */
  restart(): Promise<void>;
  /** @returns the url of a new, empty database */
  createDatabase(name?: string): Promise<string>;
}

/** Starts a real PostgreSQL of the caller's own on 127.0.0.1. It ends with this process, however that ends. */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'onsale-postgres-'));
  const dir = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  const logFile = join(folder, 'postgres.log');
  const password = randomUUID();
  writeFileSync(passwordFile, password, { mode: 0o600 });
  let tie: Leash = leash(undefined, folder, { removeDir: true });
  const onSpawn = (pid: number) => {
    tie.release();
    tie = leash(pid, folder, { removeDir: true });
  };
  const launch = (port: number) => launchPostgres({ port, dir, logFile, password, settings: SETTINGS, onSpawn });
  const start = async () => {
    await initPostgres({ dir, passwordFile });
    return launchOnFreePort(launch);
  };
  const first = await start().catch((error: unknown) => {
    tie.release();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  const { port } = first;
  let running = identify(first.pid);

  const end = async (signal: NodeJS.Signals) => {
    signalProcess(running, signal);
    if (!(await waitForEnd(running, STOP_TIMEOUT_MS))) throw new Error(`PostgreSQL ${running.pid} outlived ${signal}`);
    tie.release();
  };
  const url = postgresUrl({ port, password, database: 'postgres' });
  return {
    url,
    port,
    kill9: () => end('SIGKILL'),
    async stop() {
      await end('SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
    async restart() {
      await end('SIGINT');
      running = identify(await launch(port));
    },
    async createDatabase(name = `test_${randomUUID().replaceAll('-', '')}`) {
      await createDatabase(url, name);
      return postgresUrl({ port, password, database: name });
    },
  };
}
