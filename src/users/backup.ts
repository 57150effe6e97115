/**
 * The accounts backup. Accounts are in Redis only, so a rebuild after its loss takes them from here: one JSON object a
 * line with the account's fields, and a last line `{"accounts": n, "digest": "…"}` that proves the file whole.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import type { Redis } from 'ioredis';
import { LIMITS } from '../limits.ts';
import { removeUnfinished, unfinishedName } from '../local/unfinished.ts';
import type { Log } from '../observability/log.ts';
import { onEveryMaster } from '../redis/client.ts';
import { ACCOUNT_PATTERN } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';

interface BackupDeps {
  redis: RedisClient;
  log: Log;
  /** the backup is its `backups/accounts.jsonl` */
  dataDir: string;
}

/** Of a backup: how many accounts, and a digest of them that does not depend on their order. */
export interface Summary {
  accounts: number;
  digest: string;
}

export function backupFile(dataDir: string): string {
  return join(dataDir, 'backups', 'accounts.jsonl');
}

/**
 * Writes the backup anew where the accounts have changed since, whole or not at all, readable by its owner alone.
 * Accounts are never deleted, so fewer of them mean that Redis lost some: then the old backup is kept beside the new
 * one, and the log says so. Returns whether it wrote. Throws where Redis or the disk fails, or when `signal` aborts; the
 * old backup stays. A scan of ten million keys takes about 10 s: an exit does not have the time.
 */
export async function backUpAccounts(
  { redis, log, dataDir }: BackupDeps,
  { signal }: { signal?: AbortSignal } = {},
): Promise<boolean> {
  const file = backupFile(dataDir);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  removeUnfinished(dirname(file));
  const fresh = unfinishedName(file);
  try {
    const now = await writeAccounts(redis, fresh, signal);
    const before = await readSummary(file);
    if (before === null ? now.accounts === 0 : before !== 'damaged' && before.digest === now.digest) return false;
    if (before === 'damaged' || (before && now.accounts < before.accounts)) {
      const kept = `${file}.${Date.now()}`;
      await rename(file, kept);
      log.error(
        { before, now, kept },
        'ALARM: accounts are missing from Redis, or their backup is damaged; the older one is kept',
      );
    }
    await rename(fresh, file);
    return true;
  } finally {
    await rm(fresh, { force: true });
  }
}

async function writeAccounts(redis: RedisClient, file: string, signal?: AbortSignal): Promise<Summary> {
  const out = createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true });
  const written = finished(out);
  written.catch(() => {}); // told by the awaits below
  const sum = createSum();
  try {
    if (out.pending) await once(out, 'ready'); // or it might come into being after its removal
    await onEveryMaster(redis, async (node) => {
      for await (const line of accountsOf(node)) {
        signal?.throwIfAborted();
        sum.add(line);
        if (!out.write(`${line}\n`)) await once(out, 'drain');
      }
    });
    const summary = sum.summary();
    out.end(`${JSON.stringify(summary)}\n`);
    await written;
    return summary;
  } catch (error) {
    out.destroy();
    throw error;
  }
}

/** The accounts of one node, a JSON line each, each once. */
async function* accountsOf(node: Redis): AsyncGenerator<string> {
  const seen = new Set<string>(); // SCAN may name a key twice while its table grows
  let cursor = '0';
  do {
    const [next, keys] = await node.scan(cursor, 'MATCH', ACCOUNT_PATTERN, 'COUNT', LIMITS.SCAN_A_CALL);
    cursor = next;
    const fresh = keys.filter((key) => !seen.has(key));
    for (const account of await Promise.all(fresh.map((key) => node.hgetall(key)))) {
      const { userId, email, password, name, created } = account;
      if (userId !== undefined) yield JSON.stringify({ userId, email, password, name, created });
    }
    for (const key of fresh) seen.add(key);
  } while (cursor !== '0');
}

/** Adds up the digests of lines, so that their order does not count. */
function createSum() {
  let accounts = 0;
  let sum = 0n;
  return {
    add(line: string) {
      accounts += 1;
      sum = BigInt.asUintN(256, sum + BigInt(`0x${createHash('sha256').update(line).digest('hex')}`));
    },
    summary: (): Summary => ({ accounts, digest: sum.toString(16) }),
  };
}

/** What the last line of a backup says; null where there is no backup, `damaged` where its lines do not bear it out. */
export async function readSummary(file: string): Promise<Summary | 'damaged' | null> {
  const sum = createSum();
  let last: string | null = null;
  try {
    for await (const line of createInterface({ input: createReadStream(file) })) {
      if (last !== null) sum.add(last);
      last = line;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return last === JSON.stringify(sum.summary()) ? sum.summary() : 'damaged';
}
