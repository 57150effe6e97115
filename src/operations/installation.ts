/** What is fixed at the first start of an installation and must never change under its data. */
import { ConfigError } from '../config.ts';
import { directoryKeys, WALLET_PARTITIONS } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';

/**
 * Writes the facts at the first start and compares them at every later one; refuses a Redis whose rebuild has not come
 * to its end. Safe from many processes at once.
 */
export async function checkInstallation(redis: RedisClient, facts: { currency: string }): Promise<void> {
  const since = await redis.get(directoryKeys.rebuild);
  if (since !== null) {
    throw new ConfigError(
      `REDIS_URL: this Redis is being rebuilt since ${since}, or that rebuild was broken off: \`npm run rebuild\` goes on with it.`,
    );
  }
  await keepFacts(redis, facts);
}

export async function keepFacts(redis: RedisClient, { currency }: { currency: string }): Promise<void> {
  const key = directoryKeys.installation;
  const facts: Record<string, string> = { partitions: String(WALLET_PARTITIONS), currency };
  for (const [name, value] of Object.entries(facts)) {
    // Read first: a Redis that is full refuses HSETNX, and a worker that cannot start cannot empty it.
    let kept = await redis.hget(key, name);
    if (kept === null) {
      await redis.hsetnx(key, name, value);
      kept = await redis.hget(key, name);
    }
    if (kept === value) continue;
    const setting = name === 'currency' ? 'CURRENCY' : 'REDIS_URL';
    throw new ConfigError(
      `${setting}: the data in this Redis has ${name} ${kept}, this start wants ${value}. It is fixed at the first start: set it back, or point to another Redis.`,
    );
  }
}
