import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../local/free-port.ts';
import { type RedisOptions, type RedisServer, startRedis } from './redis-server.ts';

const SLOTS = 16_384;
const MASTERS = 3;
const FORM_TIMEOUT_MS = 30_000;
const START_TRIES = 5;

export interface ClusterOptions {
  /** of each master; default 0 */
  replicas?: number;
  /** after which a member that does not answer counts as failed, and its replica takes over; default 5,000 */
  nodeTimeoutMs?: number;
  /** of each member */
  redis?: Omit<RedisOptions, 'dir' | 'port'>;
}

/** Who serves a share of the slots just now, and who follows it. */
export interface Shard {
  master: RedisServer;
  /** those whose copy is complete */
  replicas: RedisServer[];
}

export interface RedisCluster {
  readonly nodes: readonly { host: string; port: number }[];
  /** `redis://` addresses of all nodes, separated by commas. */
  readonly url: string;
  /** As the members that answer see it. */
  shards(): Promise<Shard[]>;
  stop(): Promise<void>;
}

interface Member {
  server: RedisServer;
  /** Of the cluster's own traffic; by default the port plus 10,000, which nobody has checked to be free. */
  busPort: number;
}

/** On other ports where somebody has taken one of its two since it was seen to be free. */
async function startMember(options: ClusterOptions): Promise<Member> {
  for (let tries = 1; ; tries++) {
    try {
      return await tryMember(options);
    } catch (error) {
      if (tries === START_TRIES || !(error as Error).message.includes('Failed listening on port')) throw error;
    }
  }
}

async function tryMember({ nodeTimeoutMs = 5_000, redis = {} }: ClusterOptions): Promise<Member> {
  const busPort = await freePort();
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-port': String(busPort),
    'cluster-node-timeout': String(nodeTimeoutMs),
    // As the README has it: one shard without a master does not stop the others.
    'cluster-require-full-coverage': 'no',
    'repl-diskless-sync-delay': '0', // by default a copy waits 5 s for others that want one too
    ...redis.settings,
  };
  return { server: await startRedis({ ...redis, settings }), busPort };
}

/** One command, or a few, to one member. */
export async function withMember<T>({ port }: RedisServer, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => null, connectTimeout: 1_000, lazyConnect: true });
  redis.on('error', () => undefined); // told by the rejected command
  try {
    await redis.connect();
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

async function untilAll(members: readonly Member[], what: string, holds: (redis: Redis) => Promise<boolean>) {
  const deadline = performance.now() + FORM_TIMEOUT_MS;
  for (const { server } of members) {
    while (!(await withMember(server, holds))) {
      if (performance.now() > deadline) throw new Error(`the Redis cluster did not form: ${what}`);
      await sleep(20);
    }
  }
}

/** Gives each master its share of the slots and makes all members known to each other, until all see all slots served. */
async function form(masters: readonly Member[], replicas: readonly Member[]): Promise<void> {
  const members = [...masters, ...replicas];
  const [first] = members;
  for (const [i, { server, busPort }] of members.entries()) {
    await withMember(server, async (redis) => {
      // Equal epochs would have to be settled between the members first.
      await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
      if (i >= masters.length) return;
      const from = Math.floor((i * SLOTS) / masters.length);
      const to = Math.floor(((i + 1) * SLOTS) / masters.length) - 1;
      await redis.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    });
    if (first && i > 0)
      await withMember(first.server, (redis) => redis.call('CLUSTER', 'MEET', '127.0.0.1', server.port, busPort));
  }
  await untilAll(members, 'not all know each other', async (redis) => {
    const info = String(await redis.call('CLUSTER', 'INFO'));
    // Without full coverage the state is ok from the first slot on, and a client would be sent to and fro.
    const whole = ['cluster_state:ok', `cluster_slots_ok:${SLOTS}`, `cluster_known_nodes:${members.length}`];
    return whole.every((line) => info.includes(line));
  });
  for (const [i, { server }] of replicas.entries()) {
    const master = masters[i % masters.length] as Member;
    const id = await withMember(master.server, (redis) => redis.call('CLUSTER', 'MYID'));
    await withMember(server, (redis) => redis.call('CLUSTER', 'REPLICATE', String(id)));
  }
  await untilAll(replicas, 'a replica has no copy', isCopy);
  await untilAll(members, 'not all know the replicas', async (redis) => {
    const rows = String(await redis.call('CLUSTER', 'NODES')).split('\n');
    return rows.filter((row) => row.includes('slave')).length === replicas.length;
  });
}

async function isCopy(redis: Redis): Promise<boolean> {
  const info = await redis.info('replication');
  return info.includes('role:slave') && info.includes('master_link_status:up');
}

async function shardsOf(members: readonly Member[]): Promise<Shard[]> {
  for (const { server } of members) {
    // One that has just come back knows the past only.
    const text = await withMember(server, async (redis) => {
      const info = String(await redis.call('CLUSTER', 'INFO'));
      return info.includes('cluster_state:ok') ? String(await redis.call('CLUSTER', 'NODES')) : '';
    }).catch(() => '');
    if (text === '') continue;
    const rows = text
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    const serverOf = ([, address = '']: string[]) =>
      members.find((member) => address.startsWith(`127.0.0.1:${member.server.port}@`))?.server;
    return rows.flatMap((row) => {
      const [id, , flags = ''] = row;
      const master = serverOf(row);
      if (!master || !flags.includes('master') || flags.includes('fail') || row.length <= 8) return [];
      const followers = rows.filter(
        (other) => other[3] === id && !other[2]?.includes('fail') && other[7] === 'connected',
      );
      return [{ master, replicas: followers.flatMap((other) => serverOf(other) ?? []) }];
    });
  }
  throw new Error('no member of the cluster answers');
}

/** Starts a Redis Cluster of three masters on 127.0.0.1. It ends with this process, however that ends. */
export async function startCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const count = MASTERS * (1 + (options.replicas ?? 0));
  const members = await Promise.all(Array.from({ length: count }, () => startMember(options)));
  const stop = async () => {
    await Promise.all(members.map(({ server }) => server.stop()));
  };
  try {
    await form(members.slice(0, MASTERS), members.slice(MASTERS));
  } catch (error) {
    await stop();
    throw error;
  }
  const nodes = members.map(({ server }) => ({ host: '127.0.0.1', port: server.port }));
  const url = members.map(({ server }) => server.url).join(',');
  const shards = async () => {
    const found = await shardsOf(members);
    for (const shard of found) {
      const complete = await Promise.all(shard.replicas.map((each) => withMember(each, isCopy).catch(() => false)));
      shard.replicas = shard.replicas.filter((_, i) => complete[i]);
    }
    return found;
  };
  return { nodes, url, shards, stop };
}
