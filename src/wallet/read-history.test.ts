/** History over what Redis keeps and what only PostgreSQL has. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../observability/log.ts';
import { settleEntries } from '../outbox/settle-entries.script.ts';
import { migrate } from '../postgres/migrate.ts';
import { closePool, inTransaction, openPool } from '../postgres/pool.ts';
import { walletKeys } from '../redis/keys.ts';
import { testDatabase, testRedis } from '../testing/connect.ts';
import { charge } from './charge.ts';
import { unpackEntry } from './entry.ts';
import { readHistory } from './read-history.ts';
import { recordEntries } from './records.ts';
import type { Entry } from './shapes.ts';
import { config, userWith } from './wallet.fixture.ts';

const redis = await testRedis();
const databaseUrl = await testDatabase();
const sql = openPool(databaseUrl, { max: 2 });
const deps = { redis, sql };

beforeAll(() => migrate(databaseUrl, createLog('silent', 'test')));
afterAll(() => closePool(sql, { withinMs: 1_000 }));

/** What the recorder does: rows first, then out of the outbox, and all but the last `kept` out of the history. */
async function recordAll(userId: string, kept: number) {
  const keys = walletKeys(userId);
  const entries = (await redis.lrange(keys.history, 0, -1)).map((packed) => unpackEntry(userId, packed));
  await inTransaction(sql, (client) =>
    recordEntries(
      client,
      entries.map((entry) => ({ ...entry, userId })),
    ),
  );
  const lines = await redis.xrange(keys.outbox, '-', '+');
  const ids = lines.map(([id, flat]) => [
    id,
    String(flat[flat.indexOf('userId') + 1]),
    String(flat[flat.indexOf('n') + 1]),
  ]);
  await settleEntries.run(redis, { keys, args: { kept }, moreArgs: ids.filter(([, of]) => of === userId).flat() });
}

async function pages(userId: string, limit: number): Promise<Entry[][]> {
  const all: Entry[][] = [];
  let cursor: string | null = null;
  do {
    const page = await readHistory(deps, { userId, limit, cursor });
    if ('refused' in page) throw new Error(page.refused);
    all.push(page.entries);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return all;
}

test('the same entries in the same order, before and after Redis has let go of them', async () => {
  const userId = await userWith(redis, 0);
  for (let amount = 1; amount <= 25; amount++) await charge({ redis, config }, { userId, amount, idempotency: null });
  const before = (await pages(userId, 7)).flat();
  expect(before.map(({ amount }) => amount)).toEqual(Array.from({ length: 25 }, (_, i) => 25 - i));

  await recordAll(userId, 10);
  expect(await redis.llen(walletKeys(userId).history)).toBe(10);
  const after = await pages(userId, 7);
  expect(after.flat()).toEqual(before);
  expect(
    after.map((page) => page.length),
    'the page where Redis ends is short',
  ).toEqual([7, 3, 7, 7, 1]);

  await charge({ redis, config }, { userId, amount: 26, idempotency: null });
  await recordAll(userId, 1);
  expect((await pages(userId, 100)).flat().map(({ amount }) => amount)).toEqual(
    Array.from({ length: 26 }, (_, i) => 26 - i),
  );
});
