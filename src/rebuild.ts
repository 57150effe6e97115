/**
 * `npm run rebuild -- [--accounts <file>] [--catalogue <file or folder>]...`: a Redis that was lost, anew from PostgreSQL
 * and the backups (operations/rebuild.ts). With the settings of the start, private servers included.
 */
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import pg from 'pg';
import { readCommandLine, refuseCommandLine } from './command-line.ts';
import { createCatalogues } from './concerts/catalogues.ts';
import { type Config, ConfigError, loadDotEnv, readConfig } from './config.ts';
import { startLocalServers } from './local/local-servers.ts';
import { createLog } from './observability/log.ts';
import { rebuild } from './operations/rebuild.ts';
import { RebuildRefused, type RebuildFiles } from './operations/rebuild-files.ts';
import { migrate } from './postgres/migrate.ts';
import { connectAll, openRedis } from './redis/client.ts';
import { checkDurability } from './redis/durability.ts';
import { createRoomViews } from './waiting-room/room-views.ts';

const DATA_DIR = resolve('.data');
const USAGE = 'usage: npm run rebuild -- [--accounts <file>] [--catalogue <file or folder>]...';
const tell = (line: string) => void process.stdout.write(`rebuild: ${line}\n`);

async function main(): Promise<void> {
  const { values, positionals } = readCommandLine(
    { accounts: { type: 'string', default: '' }, catalogue: { type: 'string', multiple: true, default: [] } },
    USAGE,
  );
  if (positionals.length > 0) refuseCommandLine(`Unknown argument: ${positionals.join(' ')}`, USAGE);
  loadDotEnv();
  const config = readConfig();
  const wants = { wantRedis: config.redisUrl === '', wantPostgres: config.databaseUrl === '' };
  const local = await startLocalServers({ dataDir: DATA_DIR, ...wants, log: createLog('warn', 'rebuild') });
  try {
    const { redisUrl = config.redisUrl, databaseUrl = config.databaseUrl } = local;
    await run({ ...config, redisUrl, databaseUrl }, values);
  } finally {
    await local.stop();
  }
}

async function run(config: Config, files: RebuildFiles): Promise<void> {
  const log = createLog('warn', 'rebuild');
  await migrate(config.databaseUrl, log);
  // Without the time limits of the server's pool: nobody waits here, and each query reads all there is.
  const sql = new pg.Pool({ connectionString: config.databaseUrl, application_name: 'onsale rebuild', max: 3 });
  // Patient: it re-sends what may have been done, and every write of a rebuild is safe to repeat.
  const redis = openRedis({ url: config.redisUrl, cluster: config.redisCluster }, 'patient');
  const rooms = createRoomViews({ redis, log });
  try {
    await connectAll(redis);
    await checkDurability(redis, config.durability, log);
    await rebuild(
      { redis, sql, rooms, catalogues: createCatalogues({ redis, rooms }), config, dataDir: DATA_DIR, tell },
      files,
    );
  } finally {
    await rooms.stop();
    redis.disconnect();
    await sql.end();
  }
}

main().catch((error: unknown) => {
  process.exitCode = 1;
  // What the operator can mend is told in words; what only we can mend has its stack.
  const told =
    error instanceof ConfigError ||
    error instanceof RebuildRefused ||
    (error instanceof Error && error.constructor === Error);
  const text = told ? error.message : inspect(error);
  process.stderr.write(`onsale was not rebuilt:\n${text.replaceAll(/^/gm, '  ')}\n`);
});
