import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../local/free-port.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

const SLOTS = 16_384;
const MASTERS = 3;
const FORM_TIMEOUT_MS = 30_000;

export interface RedisCluster {
  readonly nodes: readonly { host: string; port: number }[];
  /** `redis://` addresses of all nodes, separated by commas. */
  readonly url: string;
  stop(): Promise<void>;
}

interface Member {
  server: RedisServer;
  /** Of the cluster's own traffic; by default the port plus 10,000, which nobody has checked to be free. */
  busPort: number;
  redis: Redis;
}

async function startMember(): Promise<Member> {
  const busPort = await freePort();
  const settings = { 'cluster-enabled': 'yes', 'cluster-port': String(busPort), 'cluster-node-timeout': '5000' };
  const server = await startRedis({ settings });
  return { server, busPort, redis: new Redis(server.port, '127.0.0.1') };
}

/** Gives each member its share of the slots and makes them known to each other, until all see all slots served. */
async function form(members: readonly Member[]): Promise<void> {
  const [first] = members;
  for (const [i, { redis, server, busPort }] of members.entries()) {
    const from = Math.floor((i * SLOTS) / members.length);
    const to = Math.floor(((i + 1) * SLOTS) / members.length) - 1;
    // Equal epochs would have to be settled between the members first.
    await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    await redis.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    if (i > 0) await first?.redis.call('CLUSTER', 'MEET', '127.0.0.1', server.port, busPort);
  }
  const deadline = performance.now() + FORM_TIMEOUT_MS;
  for (const { redis } of members) {
    for (;;) {
      const info = String(await redis.call('CLUSTER', 'INFO'));
      if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${members.length}`)) break;
      if (performance.now() > deadline) throw new Error(`the Redis cluster did not form: ${info}`);
      await sleep(20);
    }
  }
}

/** Starts a Redis Cluster of three masters on 127.0.0.1. It ends with this process, however that ends. */
export async function startCluster(): Promise<RedisCluster> {
  const members = await Promise.all(Array.from({ length: MASTERS }, startMember));
  const stop = async () => {
    await Promise.all(members.map(({ server }) => server.stop()));
  };
  try {
    await form(members);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    for (const { redis } of members) redis.disconnect();
  }
  const nodes = members.map(({ server }) => ({ host: '127.0.0.1', port: server.port }));
  return { nodes, url: members.map(({ server }) => server.url).join(','), stop };
}
