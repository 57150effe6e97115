/** onsale as it runs on several machines, to be hit part by part: servers, a worker, Redis and PostgreSQL of its own. */
import { openRedis } from '../../../src/redis/client.ts';
import type { RedisClient } from '../../../src/redis/script.ts';
import { freePort } from '../../../src/local/free-port.ts';
import { type PostgresServer, startPostgres } from '../../../src/testing/postgres-server.ts';
import { type ClusterOptions, type RedisCluster, startCluster } from '../../../src/testing/redis-cluster.ts';
import { type RedisOptions, type RedisServer, startRedis } from '../../../src/testing/redis-server.ts';
import { startSystem, type System } from '../../../src/testing/system.ts';
import { startProxy, type TcpProxy } from '../../../src/testing/tcp-proxy.ts';

export interface FleetOptions {
  /** processes with ROLE=server; default 2 */
  servers?: number;
  /** default `fsync` */
  durability?: 'fsync' | 'memory' | 'replica';
  /** what the Redis is to have beside an append-only file that is synced before each answer */
  redis?: RedisOptions;
  /** a TCP proxy before each server, between each server and Redis, the worker and Redis, and all and PostgreSQL */
  throughProxies?: boolean;
  /** a Redis Cluster instead of the one Redis, which no proxy stands before */
  cluster?: boolean | Pick<ClusterOptions, 'replicas' | 'nodeTimeoutMs'>;
  /** further settings of every process */
  env?: Record<string, string>;
  /** the same of one process, by its name, asked at each of its starts */
  envOf?(name: string): Record<string, string>;
}

/** A process of onsale that keeps its port over its deaths. */
export interface Part {
  readonly name: string;
  /** past any proxy */
  readonly url: string;
  readonly pid: number;
  readonly running: boolean;
  /** all that it printed, over all its lives */
  readonly output: readonly string[];
  kill9(): Promise<void>;
  /** SIGTERM; answers its exit code */
  stop(): Promise<number | null>;
  /** SIGTERM, or another signal, without waiting */
  signal(name: NodeJS.Signals): void;
  /** starts it again; resolves once it says that it is ready */
  start(): Promise<void>;
}

export interface Proxies {
  /** before each server */
  readonly http: readonly TcpProxy[];
  /** between each server and Redis; none before a cluster */
  readonly redis: readonly TcpProxy[];
  readonly redisOfWorker: TcpProxy | null;
  readonly postgres: TcpProxy;
}

export interface Fleet {
  /** where clients call, one a server */
  readonly urls: readonly string[];
  readonly servers: readonly Part[];
  readonly worker: Part;
  /** null with a cluster */
  readonly redis: RedisServer | null;
  readonly cluster: RedisCluster | null;
  readonly postgres: PostgresServer;
  readonly databaseUrl: string;
  /** null unless asked for */
  readonly proxies: Proxies | null;
  /** our own connection to Redis, past any proxy; it comes back by itself after a restart of Redis */
  readonly direct: RedisClient;
  /** aborted by close(): whoever calls the fleet gives up then, also where a case is broken off */
  readonly closing: AbortSignal;
  close(): Promise<void>;
}

/** The load is one address and knows no pauses: no limit of the contract is meant to meet it. */
const NO_LIMITS = {
  LIMIT_USER_PER_SECOND: '0',
  LIMIT_LOGIN_PER_SECOND: '0',
  LIMIT_POLL_BURST: '0',
};

/** Safe on disk before the answer, and a torn end is not cut off in silence (README, "Redis must keep what it answers"). */
const SAFE_REDIS: RedisOptions = { appendonly: true, appendfsync: 'always' };
const SAFE_SETTINGS = { 'aof-load-truncated': 'no' };

/** Starts all of it. What was started so far ends where a part does not start. */
export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  const opened: { close(): Promise<unknown> }[] = [];
  const closing = new AbortController();
  const close = async () => {
    closing.abort();
    for (const each of opened.toReversed()) await each.close();
  };
  try {
    return { ...(await start(options, opened)), closing: closing.signal, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(
  options: FleetOptions,
  opened: { close(): Promise<unknown> }[],
): Promise<Omit<Fleet, 'close' | 'closing'>> {
  const [store, postgres] = await bothOf(startStore(options), startPostgres(), opened);
  const { redis, cluster } = store;
  const databaseUrl = await postgres.createDatabase('onsale');
  const redisUrl = cluster?.url ?? redis?.url ?? '';

  const proxied = async (port: number): Promise<TcpProxy> => {
    const proxy = await startProxy({ target: port });
    opened.push({ close: () => proxy.stop() });
    return proxy;
  };
  const count = options.servers ?? 2;
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  let proxies: Proxies | null = null;
  if (options.throughProxies) {
    proxies = {
      http: await Promise.all(ports.map(proxied)),
      redis: redis ? await Promise.all(ports.map(() => proxied(redis.port))) : [],
      redisOfWorker: redis ? await proxied(redis.port) : null,
      postgres: await proxied(postgres.port),
    };
  }
  const through = (url: string, proxy: TcpProxy | null | undefined) =>
    proxy ? Object.assign(new URL(url), { port: String(proxy.port) }).href.replace(/\/$/, '') : url;
  const env = {
    DATABASE_URL: through(databaseUrl, proxies?.postgres),
    DURABILITY: options.durability ?? 'fsync',
    REDIS_CLUSTER: String(cluster !== null),
    ...NO_LIMITS,
    ...options.env,
  };
  const made = (name: string, own: { PORT?: string; ROLE: string; REDIS_URL: string }) =>
    createPart(name, () => ({ ...env, ...own, ...options.envOf?.(name) }));
  const servers = ports.map((port, index) =>
    made(`server ${index + 1}`, {
      ROLE: 'server',
      PORT: String(port),
      REDIS_URL: through(redisUrl, proxies?.redis[index]),
    }),
  );
  const worker = made('worker', { ROLE: 'worker', REDIS_URL: through(redisUrl, proxies?.redisOfWorker) });
  const parts = [...servers, worker];
  opened.push({ close: () => Promise.all(parts.map((part) => part.stop())) });
  await Promise.all(parts.map((part) => part.start()));
  const direct = openRedis({ url: redisUrl, cluster: cluster !== null }, 'hot');
  opened.push({ close: async () => direct.disconnect() });
  await direct.connect();
  const urls = servers.map(({ url }, index) => through(url, proxies?.http[index]));
  return { urls, servers, worker, redis, cluster, postgres, databaseUrl, proxies, direct };
}

interface Stoppable {
  stop(): Promise<void>;
}

interface Store extends Stoppable {
  redis: RedisServer | null;
  cluster: RedisCluster | null;
}

/** Side by side; where one does not start, the other is still noted as opened. */
async function bothOf<A extends Stoppable, B extends Stoppable>(
  first: Promise<A>,
  second: Promise<B>,
  opened: { close(): Promise<unknown> }[],
): Promise<[A, B]> {
  const noted = async <T extends Stoppable>(starting: Promise<T>): Promise<T> => {
    const started = await starting;
    opened.push({ close: () => started.stop() });
    return started;
  };
  const [a, b] = await Promise.allSettled([noted(first), noted(second)]);
  if (a.status === 'rejected') throw a.reason;
  if (b.status === 'rejected') throw b.reason;
  return [a.value, b.value];
}

async function startStore({ cluster: wantsCluster, redis: wanted = {} }: FleetOptions): Promise<Store> {
  if (wantsCluster) {
    const members = { ...SAFE_REDIS, ...wanted, settings: { ...SAFE_SETTINGS, ...wanted.settings } };
    const cluster = await startCluster({ ...(wantsCluster === true ? {} : wantsCluster), redis: members });
    return { redis: null, cluster, stop: () => cluster.stop() };
  }
  const settings = { ...SAFE_SETTINGS, ...wanted.settings };
  const redis = await startRedis({ ...SAFE_REDIS, ...wanted, settings });
  return { redis, cluster: null, stop: () => redis.stop() };
}

function createPart(name: string, env: () => Parameters<typeof startSystem>[0]): Part {
  let system: System | null = null;
  const printed: string[] = [];
  const gone = () => {
    printed.push(...(system?.output ?? []));
    system = null;
  };
  return {
    name,
    url: `http://127.0.0.1:${env().PORT ?? 0}`,
    get pid() {
      return system?.pid ?? 0;
    },
    get running() {
      return system !== null;
    },
    get output() {
      return [...printed, ...(system?.output ?? [])];
    },
    async kill9() {
      await system?.kill9();
      gone();
    },
    async stop() {
      const code = (await system?.stop()) ?? null;
      gone();
      return code;
    },
    signal: (signal) => system?.signal(signal),
    async start() {
      system ??= await startSystem(env());
    },
  };
}
