/** Connections to PostgreSQL. */
import pg from 'pg';
import { LIMITS } from '../limits.ts';

/** Clients that are taken from a pool, so that a stop can end what they wait for. */
const taken = new WeakMap<pg.Pool, Set<pg.PoolClient>>();

/** A pool; it connects when first asked. Every wait in it is bounded, half-open connections included. */
export function openPool(databaseUrl: string, { max }: { max: number }): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: 'onsale',
    max,
    connectionTimeoutMillis: LIMITS.POSTGRES_CONNECT_MS,
    idleTimeoutMillis: 10_000,
    query_timeout: LIMITS.POSTGRES_QUERY_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    allowExitOnIdle: true,
  });
  const clients = new Set<pg.PoolClient>();
  taken.set(pool, clients);
  // Without listeners a connection that PostgreSQL ends, idle or taken, would end this process. Whoever asks next sees it.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('acquire', (client) => clients.add(client));
  pool.on('release', (_error, client) => clients.delete(client));
  return pool;
}

/** Closes a pool: what runs may end within `withinMs`, then its connections are cut. Never waits much longer. */
export async function closePool(pool: pg.Pool, { withinMs }: { withinMs: number }): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const cut = setTimeout(() => cutConnections(pool), withinMs);
  const giveUp = setTimeout(resolve, withinMs + 500);
  await Promise.race([pool.end(), late]);
  clearTimeout(cut);
  clearTimeout(giveUp);
}

/** Fails every query that runs. */
export function cutConnections(pool: pg.Pool): void {
  // A client that waits for an answer destroys its socket at its end().
  for (const client of taken.get(pool) ?? []) void (client as pg.PoolClient & pg.Client).end();
}

/** `synchronous_commit`: what is acknowledged to Redis must outlive PostgreSQL's crash, whatever its configuration. */
const BEGIN = `BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = ${LIMITS.POSTGRES_QUERY_MS};
  SET LOCAL idle_in_transaction_session_timeout = ${LIMITS.POSTGRES_QUERY_MS}`;

/** Runs `work` in one transaction. When it throws after the COMMIT was sent, the outcome is unknown. */
export async function inTransaction<T>(pool: pg.Pool, work: (sql: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query(BEGIN);
    const result = await work(client);
    const { command } = await client.query('COMMIT');
    broken = false;
    if (command !== 'COMMIT') throw new Error('PostgreSQL rolled back at the commit');
    return result;
  } catch (error) {
    // An answer from PostgreSQL leaves the connection usable; a time-out or a lost one does not.
    if (error instanceof pg.DatabaseError) broken = await rollBack(client);
    throw error;
  } finally {
    client.release(broken);
  }
}

/** The values themselves are refused (classes 22, data, and 23, integrity): to repeat them brings the same. */
export function isRefusedByPostgres(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? '');
}

/** @returns whether the connection is broken */
function rollBack(client: pg.PoolClient): Promise<boolean> {
  return client.query('ROLLBACK').then(
    () => false,
    () => true,
  );
}
