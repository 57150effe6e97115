/** A failover as the client of a cluster sees it, on one Redis: what the old master answered last is gone. */
import { Cluster } from 'ioredis';
import type { RedisClient } from '../redis/script.ts';

const SLOTS = 16_384;

export interface Failover {
  /** takes this Redis for a cluster */
  readonly client: RedisClient;
  /** Another member is master from now on, and has of these keys what it had when it saw them last. */
  takeOver(copy: Copy): Promise<void>;
}

/** Key -> its dump. */
export type Copy = ReadonlyMap<string, Buffer>;

/** All keys of a concert, as a replica has them. */
export async function copyOf(redis: RedisClient, tag: string): Promise<Copy> {
  const copy = new Map<string, Buffer>();
  for (const key of await redis.keys(`${tag}*`)) {
    const dump = await redis.dumpBuffer(key);
    if (dump) copy.set(key, dump);
  }
  return copy;
}

export function failoverOn(redis: RedisClient): Failover {
  const serving = (name: string) => Array.from({ length: SLOTS }, () => [name]);
  let slots = serving('first');
  const client = new Proxy(redis, {
    getPrototypeOf: () => Cluster.prototype,
    get(target, name) {
      if (name === 'slots') return slots;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return {
    client,
    async takeOver(copy) {
      const [first = ''] = copy.keys();
      const lost = await redis.keys(`${first.slice(0, first.indexOf('}') + 1)}*`);
      for (const key of lost) await redis.del(key);
      for (const [key, dump] of copy) await redis.restore(key, 0, dump);
      slots = serving('second');
    },
  };
}
