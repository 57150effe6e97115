/**
 * Makes users in bulk, for load tests: `node scripts/seed-users.ts <count> > users.json`. Each gets a wallet by the real
 * script and an access token that is signed as a login would; no password is hashed, so nobody can log in as one.
 * It needs what only the operator of an installation has: REDIS_URL and JWT_SECRET, or the `.data` folder of a running
 * `npm start`. Prints `[[userId, accessToken], …]`.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createTokens } from '../src/auth/tokens.ts';
import { loadDotEnv, readConfig } from '../src/config.ts';
import { openRedis } from '../src/redis/client.ts';
import { openWallet } from '../src/wallet/open.ts';

const AT_ONCE = 200;
const MAX = 2_000_000;

class UsageError extends Error {}

function kept(file: string): string {
  const path = resolve('.data', file);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
}

async function main(): Promise<void> {
  const count = Number(process.argv[2]);
  if (!Number.isInteger(count) || count < 1 || count > MAX)
    throw new UsageError(`usage: node scripts/seed-users.ts <count, 1 to ${MAX}>`);
  loadDotEnv();
  const config = readConfig();
  const jwtSecrets = config.jwtSecrets.length > 0 ? config.jwtSecrets : [kept('jwt-secret')];
  if (jwtSecrets[0] === '') throw new UsageError('JWT_SECRET: is not set, and there is no .data/jwt-secret');
  const port = (JSON.parse(kept('redis.json') || '{}') as { port?: number }).port;
  const url = config.redisUrl || (port === undefined ? '' : `redis://127.0.0.1:${port}`);
  if (url === '') throw new UsageError('REDIS_URL: is not set, and there is no .data/redis.json');

  const tokens = createTokens({ jwtSecrets });
  const redis = openRedis({ url, cluster: config.redisCluster }, 'hot');
  await redis.connect();
  try {
    const run = randomUUID().slice(0, 8);
    const users: [string, string][] = [];
    while (users.length < count) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - users.length) }, (_, index) => {
        return `u_load_${run}_${users.length + index}`;
      });
      await Promise.all(some.map((userId) => openWallet({ redis }, userId)));
      for (const userId of some) users.push([userId, tokens.signAccess(userId)]);
    }
    process.stdout.write(`${JSON.stringify(users)}\n`);
  } finally {
    redis.disconnect();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`seed-users: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
