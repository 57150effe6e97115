/** Accounts out of their backup, into a Redis that has lost them. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { accountKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { openWallet } from '../wallet/open.ts';

/**
 * Restores accounts as they were backed up, and opens the wallets of those who have none. Yields the user ids of each
 * batch once they are in Redis. The file has been proven whole (readSummary). Safe to repeat.
 */
export async function* restoreAccounts(
  deps: { redis: RedisClient },
  { file, batch }: { file: string; batch: number },
): AsyncGenerator<string[]> {
  let users: Promise<string>[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const account = JSON.parse(line) as Record<string, string>;
    if (account.userId === undefined) break; // the last line
    users.push(restore(deps, account));
    if (users.length < batch) continue;
    yield await Promise.all(users);
    users = [];
  }
  yield await Promise.all(users);
}

async function restore(deps: { redis: RedisClient }, fields: Record<string, string>): Promise<string> {
  const { userId = '', email = '' } = fields;
  await deps.redis.hset(accountKeys(email).account, fields);
  await openWallet(deps, userId);
  return userId;
}
