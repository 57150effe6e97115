import { expect, test } from 'vitest';
import { walletKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { charge } from './charge.ts';
import { entryPrefix } from './entry.ts';
import { readHistory as script } from './read-history.script.ts';
import { readHistory } from './read-history.ts';
import { authorizeTransfer, postTransfer } from './transfers.ts';
import { config, userWith } from './wallet.fixture.ts';

const redis = await testRedis();
const deps = { redis, sql: null };

/** A user who was charged 1, 2, 3 … so many times. */
async function userWithEntries(count: number): Promise<string> {
  const userId = await userWith(redis, 0);
  for (let amount = 1; amount <= count; amount++) {
    await charge({ redis, config }, { userId, amount, idempotency: null });
  }
  return userId;
}

/** As settle-entries.lua trims: entries up to this number are recorded, and no longer in Redis. */
async function trimTo(userId: string, n: number) {
  const { wallet, history } = walletKeys(userId);
  const first = Number(await redis.hget(wallet, 'first'));
  await redis.ltrim(history, n - first + 1, -1);
  await redis.hset(wallet, 'first', n + 1, 'recorded', n);
}

test('ENTRIES: slices by number, oldest first; NO_WALLET', async () => {
  const userId = await userWithEntries(5);
  const run = async (before: number, limit: number) => {
    const answer = await script.run(redis, { keys: walletKeys(userId), args: { before, limit } });
    if (answer.outcome !== 'ENTRIES') throw new Error(answer.outcome);
    return { last: answer.last, numbers: answer.packed.map((packed) => Number(packed.split('|')[0])) };
  };
  expect(await run(0, 2)).toEqual({ last: 5, numbers: [4, 5] });
  expect(await run(4, 2)).toEqual({ last: 3, numbers: [2, 3] });
  expect(await run(2, 2)).toEqual({ last: 1, numbers: [1] });
  expect(await run(1, 2)).toEqual({ last: 0, numbers: [] });
  expect(await run(99, 100)).toEqual({ last: 5, numbers: [1, 2, 3, 4, 5] });
  await trimTo(userId, 3);
  expect(await run(0, 100)).toEqual({ last: 5, numbers: [4, 5] });
  expect(await run(5, 100)).toEqual({ last: 4, numbers: [4] });
  expect(await run(4, 100)).toEqual({ last: 3, numbers: [] });
  const none = await script.run(redis, { keys: walletKeys('u_none'), args: { before: 0, limit: 1 } });
  expect(none).toEqual({ outcome: 'NO_WALLET' });
});

test('shows charges and payments, newest first', async () => {
  const userId = await userWith(redis, 1000);
  const name = { userId, reservationId: 'rsv_night_1' };
  const answer = await authorizeTransfer(deps, { ...name, concertId: 'night', paymentId: 'pay_night_1', amount: 300 });
  if (answer.outcome !== 'AUTHORIZED') throw new Error(answer.outcome);
  await postTransfer(deps, { ...name, transferId: answer.transferId });
  expect(await readHistory(deps, { userId, limit: 20, cursor: null })).toEqual({
    entries: [
      {
        entryId: `${entryPrefix(userId)}2`,
        kind: 'PAYMENT',
        amount: -300,
        balance: 700,
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        reference: 'pay_night_1',
      },
      expect.objectContaining({
        kind: 'CHARGE',
        amount: 1000,
        balance: 1000,
        reference: expect.stringMatching(/^chg_/),
      }),
    ],
    nextCursor: null,
  });
});

test('pages to the end; an empty history has none', async () => {
  const userId = await userWithEntries(5);
  const amounts: number[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages < 9; pages++) {
    const page = await readHistory(deps, { userId, limit: 2, cursor });
    if ('refused' in page) throw new Error(page.refused);
    amounts.push(...page.entries.map(({ amount }) => amount));
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  expect(amounts).toEqual([5, 4, 3, 2, 1]);
  const empty = await readHistory(deps, { userId: await userWith(redis, 0), limit: 2, cursor: null });
  expect(empty).toEqual({ entries: [], nextCursor: null });
});

test('refuses USER_NOT_FOUND, and a cursor that no page gave', async () => {
  expect(await readHistory(deps, { userId: 'u_none', limit: 1, cursor: null })).toMatchObject({
    refused: 'USER_NOT_FOUND',
  });
  for (const cursor of ['', '0', '-1', '1.5', 'x', '9'.repeat(16)]) {
    const refused = await readHistory(deps, { userId: await userWith(redis, 1), limit: 1, cursor });
    expect(refused).toMatchObject({ refused: 'VALIDATION', members: { errors: [{ path: 'query/cursor' }] } });
  }
});

test('what Redis keeps can be read while PostgreSQL is away; what it does not, not', async () => {
  const userId = await userWithEntries(5);
  await trimTo(userId, 3);
  const page = await readHistory(deps, { userId, limit: 20, cursor: null });
  expect(page).toMatchObject({ entries: [{ amount: 5 }, { amount: 4 }], nextCursor: '4' });
  await expect(readHistory(deps, { userId, limit: 20, cursor: '4' })).rejects.toThrow('PostgreSQL');
});
