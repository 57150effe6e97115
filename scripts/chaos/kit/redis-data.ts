/** All that a Redis holds, in a form in which two of them compare. */
import type { Redis } from 'ioredis';

/** Key -> its content and end, as one text. */
export type RedisData = ReadonlyMap<string, string>;

/** A key that ends sooner, as a lease does, may be gone at the next look. */
const LASTING_MS = 60_000;

export async function readData(redis: Redis): Promise<RedisData> {
  const keys = (await redis.keys('*')).sort();
  const data = new Map<string, string>();
  for (const key of keys) {
    const [endsAt, leftMs] = [await redis.pexpiretime(key), await redis.pttl(key)];
    if (endsAt === -1 || leftMs > LASTING_MS) data.set(key, JSON.stringify([endsAt, await contentOf(redis, key)]));
  }
  return data;
}

/** Without an order that may differ from one process to the next. */
async function contentOf(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return Object.entries(await redis.hgetall(key)).sort(([a], [b]) => (a < b ? -1 : 1));
    case 'set':
      return (await redis.smembers(key)).sort();
    case 'zset':
      return redis.zrange(key, '0', '-1', 'WITHSCORES');
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'stream':
      return redis.xrange(key, '-', '+');
    default:
      throw new Error(`${key} is a ${type}, which nobody can read here`);
  }
}

/** One line for each key that is not as it should be. */
export function differences(actual: RedisData, expected: RedisData): string[] {
  return [...new Set([...actual.keys(), ...expected.keys()])].flatMap((key) => {
    const [is, should] = [actual.get(key), expected.get(key)];
    if (is === should) return [];
    return [`${key} is ${is ?? 'not there'}, should be ${should ?? 'not there'}`];
  });
}
