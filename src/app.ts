/** The composition root: what the use cases, calls, sockets and loops of one process need, built once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { createPasswords } from './auth/passwords.ts';
import { createTokens, type Tokens } from './auth/tokens.ts';
import { createCatalogues, type Catalogues } from './concerts/catalogues.ts';
import { createSeatMaps, type SeatMaps } from './concerts/seat-maps.ts';
import { type Config, ConfigError } from './config.ts';
import { createRateLimits, type RateLimits } from './http/rate-limits.ts';
import { LIMITS } from './limits.ts';
import type { Log } from './observability/log.ts';
import { metrics } from './observability/metrics.ts';
import { checkInstallation, compareSecrets, isInstalled } from './operations/installation.ts';
import { closePool, openPool } from './postgres/pool.ts';
import { connectAll, openRedis } from './redis/client.ts';
import { checkDurability } from './redis/durability.ts';
import { type MemoryWatch, watchMemory } from './redis/memory.ts';
import { createReplicated } from './redis/replicas.ts';
import { type RedisClient, waitForReplicas } from './redis/script.ts';
import { createUsers, type Users } from './users/users.ts';
import { createRoomViews, type RoomViews } from './waiting-room/room-views.ts';

export interface App {
  config: Config;
  log: Log;
  /** scripts and reads that somebody waits for */
  redis: RedisClient;
  /** history older than Redis keeps, and the audit */
  sql: Pool;
  tokens: Tokens;
  users: Users;
  rooms: RoomViews;
  catalogues: Catalogues;
  seatMaps: SeatMaps;
  rateLimits: RateLimits;
  memory: MemoryWatch;
  /** false where Redis was emptied since the start: what was sold is not known there */
  hasBooks(): Promise<boolean>;
  /** where backups go */
  dataDir: string;
  /** Prometheus text for all processes of this start */
  renderMetrics(): Promise<string>;
  stop(): Promise<void>;
}

interface AppParts {
  config: Config;
  log: Log;
  redis: RedisClient;
  dataDir: string;
  renderMetrics(): Promise<string>;
}

export function createApp({ config, log, redis, dataDir, renderMetrics }: AppParts): App {
  const waits = config.durability === 'replica' ? openWaits(config) : null;
  const tokens = createTokens(config);
  const rooms = createRoomViews({
    redis,
    log,
    onWaitObserved: (estimateSeconds, realSeconds) => {
      metrics.waitErrorRatio.observe((estimateSeconds - realSeconds) / Math.max(realSeconds, 1));
    },
  });
  const catalogues = createCatalogues({ redis, rooms });
  const seatMaps = createSeatMaps({ redis, catalogues, log });
  const sql = openPool(config.databaseUrl, { max: LIMITS.READ_CONNECTIONS });
  const memory = watchMemory(redis);
  rooms.start();
  seatMaps.start();
  return {
    config,
    log,
    redis,
    sql,
    tokens,
    users: createUsers({ redis, tokens, passwords: createPasswords(), config }),
    rooms,
    catalogues,
    seatMaps,
    rateLimits: createRateLimits(config.limits),
    memory,
    hasBooks: () => isInstalled(redis),
    dataDir,
    renderMetrics,
    async stop() {
      memory.stop();
      waits?.disconnect();
      await Promise.all([rooms.stop(), seatMaps.stop(), closePool(sql, { withinMs: LIMITS.CLOSE_POOL_MS })]);
    },
  };
}

/** Until this connection is up, money and seats get 503; it comes by itself. */
function openWaits(config: Config): RedisClient {
  const waits = openRedis({ url: config.redisUrl, cluster: config.redisCluster }, 'hot');
  connectAll(waits).catch(() => undefined);
  waitForReplicas(createReplicated(waits));
  return waits;
}

const TRY_AGAIN_MS = 500;
const WAITING =
  'waiting for Redis (REDIS_URL) or, where that is empty, for PostgreSQL (DATABASE_URL), which tells whether it should be; the start goes on as soon as they answer';

/**
 * Connects, waiting for a Redis that is not there yet: the order in which things start does not matter. One that is
 * there but must not be used (settings that lose what was sold, another installation's data, sold seats lost) stops the
 * start.
 */
export async function connectRedis(config: Config, log: Log): Promise<RedisClient> {
  const redis = openRedis({ url: config.redisUrl, cluster: config.redisCluster }, 'hot');
  redis.on('ready', () => metrics.redisUp.set(1));
  redis.on('close', () => metrics.redisUp.set(0));
  const sql = openPool(config.databaseUrl, { max: 1 });
  try {
    for (let told = false; ; told = true) {
      try {
        if (redis.status === 'wait' || redis.status === 'end') await connectAll(redis);
        await checkDurability(redis, config.durability, log);
        await checkInstallation(redis, { facts: config, sql });
        if (config.role !== 'worker') await compareSecrets({ redis, log }, config.jwtSecrets);
        return redis;
      } catch (error) {
        if (error instanceof ConfigError) {
          redis.disconnect();
          throw error;
        }
        if (!told) log.warn({ err: error }, WAITING);
        await sleep(TRY_AGAIN_MS);
      }
    }
  } finally {
    await sql.end();
  }
}
