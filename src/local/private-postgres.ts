import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askPostgres, initPostgres, launchPostgres } from './postgres-process.ts';
import type { ServerKind } from './private-server.ts';

const SETTINGS = { max_connections: '100', log_timezone: 'UTC', timezone: 'UTC' };

/** The password of the private PostgreSQL; made at the first start, kept in a file that only our user can read. */
function ensurePassword(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/** The private PostgreSQL that keeps its data in that folder. */
export function privatePostgres({ dataDir }: { dataDir: string }): ServerKind & { password: string } {
  const dir = join(dataDir, 'postgres');
  const logFile = join(dataDir, 'postgres.log');
  const passwordFile = join(dataDir, 'postgres-password');
  const password = ensurePassword(passwordFile);
  return {
    name: 'PostgreSQL',
    dir,
    noteFile: join(dataDir, 'postgres.json'),
    password,
    async launch(port, onSpawn) {
      await initPostgres({ dir, passwordFile });
      return launchPostgres({ port, dir, logFile, password, settings: SETTINGS, onSpawn });
    },
    ask: (port) => askPostgres({ port, password }),
    endings: [
      { signal: 'SIGINT', waitMs: 4000 }, // rolls open transactions back and writes a checkpoint
      { signal: 'SIGQUIT', waitMs: 2000 }, // ends at once; the next start recovers
      { signal: 'SIGKILL', waitMs: 1000 },
    ],
  };
}
