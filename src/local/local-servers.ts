import { join, resolve } from 'node:path';
import { tryLock } from './file-lock.mjs';
import { createDatabase, postgresUrl } from './postgres-process.ts';
import { privatePostgres } from './private-postgres.ts';
import { privateRedis } from './private-redis.ts';
import { type Log, type PrivateServer, startPrivateServer } from './private-server.ts';

const DATABASE = 'onsale';

export interface LocalServersOptions {
  /** Holds all data, logs, notes of ports and process ids, and the lock; made where it is missing. */
  dataDir: string;
  wantRedis: boolean;
  wantPostgres: boolean;
  log: Log;
}

export interface LocalServers {
  redisUrl?: string;
  databaseUrl?: string;
  /** Stops them, within 8 s; the data stays. Safe to call again. */
  stop(): Promise<void>;
}

/**
 * Starts the private Redis and PostgreSQL of one machine, or adopts those that an earlier start has left running, and
 * keeps them running until stop(). They live in sessions of their own, out of reach of the terminal's Ctrl-C.
 * @throws with one clear line: another start uses the folder, a noted port is taken, a program is missing or does not
 *   start
 */
export async function startLocalServers(options: LocalServersOptions): Promise<LocalServers> {
  const { wantRedis, wantPostgres, log } = options;
  if (!wantRedis && !wantPostgres) return { stop: async () => undefined };
  const dataDir = resolve(options.dataDir);
  const lock = tryLock(join(dataDir, 'lock'));
  if ('holder' in lock) {
    throw new Error(`process ${lock.holder.pid} is already running with the data in ${dataDir}: stop that one first`);
  }

  const started: PrivateServer[] = [];
  let stopped: Promise<void> | undefined;
  const stopAll = async () => {
    try {
      const results = await Promise.allSettled(started.map((server) => server.stop()));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    } finally {
      lock.release();
    }
  };
  const servers: LocalServers = { stop: () => (stopped ??= stopAll()) };
  const startRedis = async () => {
    const redis = await startPrivateServer(privateRedis({ dataDir, log }), log);
    started.push(redis);
    servers.redisUrl = `redis://127.0.0.1:${redis.port}`;
  };
  const startPostgres = async () => {
    const kind = privatePostgres({ dataDir });
    const { password } = kind;
    const postgres = await startPrivateServer(kind, log);
    started.push(postgres);
    await createDatabase(postgresUrl({ port: postgres.port, password, database: 'postgres' }), DATABASE);
    servers.databaseUrl = postgresUrl({ port: postgres.port, password, database: DATABASE });
  };

  // Both are awaited even where one fails: one that is still starting could not be stopped.
  const results = await Promise.allSettled([wantRedis && startRedis(), wantPostgres && startPostgres()]);
  const failure = results.find((result) => result.status === 'rejected');
  if (!failure) return servers;
  await servers.stop();
  throw failure.reason;
}
