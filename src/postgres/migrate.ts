/** Migrations: plain SQL, one `NNN_name.sql` each in `migrations/`, forward only. */
import { resolve } from 'node:path';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { LIMITS } from '../limits.ts';
import type { Log } from '../observability/log.ts';

/**
 * Brings the database to this program's state; does nothing where it is. Throws where PostgreSQL is away, and where
 * another process migrates at this moment: then again, a little later.
 */
export async function migrate(databaseUrl: string, log: Log): Promise<void> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'onsale migrations',
    connectionTimeoutMillis: LIMITS.POSTGRES_CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  client.on('error', () => {}); // told by the calls below
  try {
    await client.connect();
    const done = await runner({
      dbClient: client,
      dir: resolve(import.meta.dirname, 'migrations'),
      direction: 'up',
      migrationsTable: 'migrations',
      logger: { debug: () => {}, info: () => {}, warn: (text) => log.debug(text), error: (text) => log.debug(text) },
    });
    if (done.length > 0) log.info({ migrations: done.map(({ name }) => name) }, 'PostgreSQL is migrated');
  } finally {
    await client.end().catch(() => {}); // it may be gone already
  }
}
