/**
 * All connections to Redis. The client library re-sends nothing by itself: a script in flight when a connection
 * drops may or may not have run, and only the caller, who has the idempotency key, may repeat it.
 */
import { Cluster, Command, Redis, type RedisOptions } from 'ioredis';
import { LIMITS } from '../limits.ts';
import { silentAfterReading, timeOutAfterReading } from './after-reading.ts';
import { gatherWrites } from './gather-writes.ts';
import type { RedisClient } from './script.ts';

timeOutAfterReading();

export interface RedisAddress {
  /** one `redis://` or `rediss://` address; several nodes of a cluster separated by commas */
  url: string;
  cluster: boolean;
}

type Options = Omit<RedisOptions, 'replyMapping'>;

/** In CLIENT LIST, for operators and for a rebuild, which waits until every process has ended. */
export const CONNECTION_NAME = 'onsale';

/** Fail at once while disconnected, never re-send, never wait longer than the command timeout; reconnect for ever. */
const HOT: Options = {
  connectionName: CONNECTION_NAME,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  commandTimeout: LIMITS.REDIS_COMMAND_TIMEOUT_MS,
  socketTimeout: LIMITS.REDIS_SILENT_MS,
  connectTimeout: 2_000,
  retryStrategy: (attempt) => Math.min(50 * attempt, 500),
  lazyConnect: true,
};

/** BullMQ's workers and blocking reads wait as long as it takes. */
const PATIENT: Options = {
  connectionName: CONNECTION_NAME,
  maxRetriesPerRequest: null,
  socketTimeout: LIMITS.REDIS_PATIENT_SILENT_MS,
  retryStrategy: (attempt) => Math.min(100 * attempt, 2_000),
  lazyConnect: true,
};

/** BullMQ's producer: a refused job is the relay's to try again. */
const PRODUCER: Options = {
  ...HOT,
  maxRetriesPerRequest: 1,
  commandTimeout: 5_000,
  socketTimeout: LIMITS.REDIS_PATIENT_SILENT_MS,
};

const KINDS = { hot: HOT, patient: PATIENT, producer: PRODUCER };

/**
 * Opens one connection (one per node of a cluster). `hot`: scripts and reads that a caller waits for;
 * `patient`: BullMQ's worker; `producer`: BullMQ's queue. Not connected until `connect()` or the first command.
 */
export function openRedis({ url, cluster }: RedisAddress, kind: keyof typeof KINDS): RedisClient {
  const options = KINDS[kind];
  const client = cluster ? openCluster(url, options, kind) : new Redis(url, options);
  if (kind === 'hot') {
    const prepare = (node: Redis) => {
      gatherWrites(node);
      silentAfterReading(node);
    };
    if (client instanceof Cluster) client.on('+node', prepare);
    else prepare(client);
  }
  // Without a listener ioredis prints every failed attempt; readiness and the log tell of it once.
  client.on('error', () => {});
  return client;
}

function openCluster(url: string, options: Options, kind: keyof typeof KINDS): Cluster {
  const nodes = url.split(',').map((text) => new URL(text));
  const [first] = nodes;
  if (!first) throw new Error('REDIS_URL names no node');
  const { retryStrategy: _own, lazyConnect: _lazy, ...redisOptions } = options;
  if (first.password) redisOptions.password = decodeURIComponent(first.password);
  if (first.username) redisOptions.username = decodeURIComponent(first.username);
  if (first.protocol === 'rediss:') redisOptions.tls = {};
  const client = new Cluster(
    nodes.map((node) => ({
      host: node.hostname,
      port: Number(node.port || 6379),
    })),
    {
      lazyConnect: true,
      enableOfflineQueue: kind === 'patient',
      maxRedirections: 4,
      slotsRefreshTimeout: 2_000,
      // Not 0, ioredis sends what was in flight on a dropped connection again: one charge counted twice. The slots are
      // learned anew by the interval and by MOVED.
      retryDelayOnFailover: kind === 'hot' ? 0 : 100,
      slotsRefreshInterval: 1_000,
      clusterRetryStrategy: (attempt) => Math.min(100 * attempt, 1_000),
      redisOptions,
    },
  );
  // By itself a node is connected by its first command, and refuses those that follow until it is. Not before the
  // cluster is ready: its own check is such a command, and would be refused.
  const connect = (node: Redis) => {
    if (client.status === 'ready' && node.status === 'wait') node.connect().catch(() => {}); // its next command tries again
  };
  client.on('+node', connect);
  client.on('ready', () => client.nodes('all').forEach(connect));
  return client;
}

/** Connects, all nodes of a cluster included: one that is still connecting refuses the commands of a `hot` client. */
export async function connectAll(redis: RedisClient): Promise<void> {
  await redis.connect();
  if (redis instanceof Cluster) await Promise.all(redis.nodes('all').map((node) => node.ping()));
}

/** Runs `each` on every master, one at a time: SCAN and INFO know one node only. */
export async function onEveryMaster(redis: RedisClient, each: (node: Redis) => Promise<void>): Promise<void> {
  for (const node of redis instanceof Cluster ? redis.nodes('master') : [redis]) await each(node);
}

/**
 * Who serves the slot of this key, as far as this client knows; '' where there is no choice. A master that has taken over
 * may lack what the one before answered last, and use its numbers again for something else.
 */
export function masterOf(redis: RedisClient, key: string): string {
  if (!(redis instanceof Cluster)) return '';
  return redis.slots[new Command('GET', [key]).getSlot()]?.[0] ?? '';
}

/** True for errors that mean "no answer from Redis": the call was refused at once, or its outcome is unknown. */
export function isRedisAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    /^(Command timed out|Connection is closed|Stream isn't writeable|Cluster isn't ready|None of startup nodes|Too many Cluster redirections)/.test(
      error.message,
    ) ||
    /^(LOADING|CLUSTERDOWN|MASTERDOWN|READONLY|TRYAGAIN|OOM|BUSY|MISCONF|NOREPLICAS)/.test(error.message) ||
    ['MaxRetriesPerRequestError', 'ClusterAllFailedError', 'AbortError', 'NotReplicated'].includes(error.name) ||
    ('code' in error && ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes(String(error.code)))
  );
}
