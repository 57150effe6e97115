/** What is fixed at the first start of an installation and must never change under its data. */
import type { Pool } from 'pg';
import { signingKey } from '../auth/hs256.ts';
import { ConfigError } from '../config.ts';
import type { Log } from '../observability/log.ts';
import { directoryKeys, WALLET_PARTITIONS } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';

/**
 * Writes the facts at the first start and compares them at every later one; refuses a Redis whose rebuild has not come
 * to its end, and one that has lost the books which PostgreSQL has: every seat sold would be sold again there. Safe from
 * many processes at once.
 * @param sql asked at the first start only; rejects where PostgreSQL cannot be asked
 */
export async function checkInstallation(
  redis: RedisClient,
  { facts, sql }: { facts: { currency: string }; sql: Pick<Pool, 'query'> },
): Promise<void> {
  const since = await redis.get(directoryKeys.rebuild);
  if (since !== null) {
    throw new ConfigError(
      `REDIS_URL: this Redis is being rebuilt since ${since}, or that rebuild was broken off: \`npm run rebuild\` goes on with it.`,
    );
  }
  if (!(await isInstalled(redis)) && (await hasBooks(sql))) {
    throw new ConfigError(
      'REDIS_URL: this Redis is empty, but PostgreSQL (DATABASE_URL) has payments or charges: sold seats would be sold again. If Redis was lost, `npm run rebuild` puts everything back; for a new installation, point to an empty database.',
    );
  }
  await keepFacts(redis, facts);
}

/** Whether a start has written the facts; they go only with everything else. */
export async function isInstalled(redis: RedisClient): Promise<boolean> {
  return (await redis.exists(directoryKeys.installation)) === 1;
}

const NO_SUCH_TABLE = '42P01';

async function hasBooks(sql: Pick<Pool, 'query'>): Promise<boolean> {
  try {
    const { rows } = await sql.query(
      'SELECT EXISTS (SELECT FROM payments) OR EXISTS (SELECT FROM wallet_entries) AS books',
    );
    return rows[0].books;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === NO_SUCH_TABLE) return false;
    throw error;
  }
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

/**
 * Tells of a start whose secrets nobody else has: each host makes its own where JWT_SECRET is not set, and then refuses
 * the tokens of all others.
 */
export async function compareSecrets(
  { redis, log }: { redis: RedisClient; log: Pick<Log, 'warn'> },
  jwtSecrets: readonly string[],
): Promise<void> {
  const kids = jwtSecrets.map((secret) => signingKey(secret).kid);
  const before = await redis.hget(directoryKeys.installation, 'kids');
  if (before === kids.join()) return;
  if (before !== null && !before.split(',').some((kid) => kids.includes(kid)))
    log.warn(
      'JWT_SECRET: the server that started before this one has another. Tokens of the one are refused by the other, and people have to log in and join again: set the same on all hosts.',
    );
  await redis.hset(directoryKeys.installation, 'kids', kids.join()).catch(() => undefined); // Redis may be full
}
