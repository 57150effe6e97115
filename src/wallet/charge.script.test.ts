import { describe, expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { walletKeys, walletPartition } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { charge as script } from './charge.script.ts';
import { charge } from './charge.ts';
import { moneyOf, outboxOf, userWith, config } from './wallet.fixture.ts';

const redis = await testRedis();
const deps = { redis, config };

function run(
  userId: string,
  { amount, key = '', fingerprint = '' }: { amount: number; key?: string; fingerprint?: string },
) {
  const keys = walletKeys(userId);
  return script.run(redis, {
    keys: { ...keys, idempotency: key ? keys.idempotency('charge', key) : keys.noIdempotency },
    args: {
      user_id: userId,
      amount,
      wallet_max: LIMITS.WALLET_MAX,
      charge_id: `chg_${amount}`,
      entry_prefix: 'ent_',
      fingerprint,
    },
  });
}

describe('the script', () => {
  test('CHARGED: money, history entry and outbox line in one', async () => {
    const userId = await userWith(redis, 0);
    const keys = walletKeys(userId);
    expect(await run(userId, { amount: 1500 })).toEqual({ outcome: 'CHARGED', balance: 1500, chargeId: 'chg_1500' });
    expect(await run(userId, { amount: 1 })).toEqual({ outcome: 'CHARGED', balance: 1501, chargeId: 'chg_1' });
    expect(await moneyOf(redis, userId)).toEqual({ available: 1501, pending: 0, posted: 0 });
    const [first, second] = await redis.lrange(keys.history, 0, -1);
    expect(first).toMatch(/^1\|CHARGE\|1500\|1500\|\d{13}\|chg_1500$/);
    expect(second).toMatch(/^2\|CHARGE\|1\|1501\|\d{13}\|chg_1$/);
    expect(await redis.pttl(keys.history)).toBe(-1);
    expect(await outboxOf(redis, userId)).toEqual([
      {
        e: 'entry',
        v: '1',
        userId,
        n: '1',
        kind: 'CHARGE',
        amount: '1500',
        balance: '1500',
        at: expect.stringMatching(/^\d{13}$/),
        reference: 'chg_1500',
        entryId: 'ent_1',
      },
      expect.objectContaining({ n: '2', amount: '1', balance: '1501', entryId: 'ent_2' }),
    ]);
    expect(await redis.exists(keys.noIdempotency)).toBe(0);
  });

  test('TOO_MUCH: nothing changes; pending money counts', async () => {
    const userId = await userWith(redis, 0);
    const keys = walletKeys(userId);
    await redis.hset(keys.wallet, { available: 999_999_000, pending: 900, charged: 999_999_900 });
    expect(await run(userId, { amount: 101, key: 'k', fingerprint: 'f' })).toEqual({ outcome: 'TOO_MUCH', fits: 100 });
    expect(await redis.exists(keys.idempotency('charge', 'k'), keys.history)).toBe(0);
    expect(await run(userId, { amount: 100 })).toMatchObject({ outcome: 'CHARGED', balance: 999_999_100 });
    expect(await run(userId, { amount: 1 })).toEqual({ outcome: 'TOO_MUCH', fits: 0 });
    expect(await redis.lrange(keys.history, 0, -1)).toEqual([expect.stringMatching(/^1\|CHARGE\|100\|1000000000\|/)]);
  });

  test('NO_WALLET: nothing is written', async () => {
    expect(await run('u_nobody', { amount: 5, key: 'k', fingerprint: 'f' })).toEqual({ outcome: 'NO_WALLET' });
    const keys = walletKeys('u_nobody');
    expect(await redis.exists(keys.wallet, keys.history, keys.idempotency('charge', 'k'))).toBe(0);
    expect(await outboxOf(redis, 'u_nobody')).toEqual([]);
  });

  test('REPEAT and MISMATCH: one effect for one key, kept 24 h', async () => {
    const userId = await userWith(redis, 0);
    const first = await run(userId, { amount: 70, key: 'k', fingerprint: 'f' });
    expect(first).toEqual({ outcome: 'CHARGED', balance: 70, chargeId: 'chg_70' });
    await run(userId, { amount: 5 });
    expect(await run(userId, { amount: 70, key: 'k', fingerprint: 'f' })).toEqual({ ...first, outcome: 'REPEAT' });
    expect(await run(userId, { amount: 71, key: 'k', fingerprint: 'g' })).toEqual({ outcome: 'MISMATCH' });
    expect((await moneyOf(redis, userId)).available).toBe(75);
    const ttl = await redis.pttl(walletKeys(userId).idempotency('charge', 'k'));
    expect(ttl).toBeGreaterThan(24 * 3_600_000 - 10_000);
    expect(ttl).toBeLessThanOrEqual(24 * 3_600_000);
  });
});

describe('the use case', () => {
  test('answers the balance and the charge', async () => {
    const userId = await userWith(redis, 10);
    const answer = await charge(deps, { userId, amount: 10_000_000, idempotency: null });
    expect(answer).toEqual({
      userId,
      balance: 10_000_010,
      currency: 'KRW',
      chargeId: expect.stringMatching(/^chg_[0-9a-f]{32}$/),
    });
    const [, line] = await outboxOf(redis, userId);
    expect(line?.entryId).toMatch(new RegExp(`^ent_${walletPartition(userId)}_[\\w-]{22}_2$`));
  });

  test.each([0, -1, 10_000_001, 1.5, '5', null, undefined, Number.NaN, 1e20, true])(
    'INVALID_AMOUNT: %s',
    async (amount) => {
      const userId = await userWith(redis, 0);
      const refused = { refused: 'INVALID_AMOUNT', members: { min: 1, max: 10_000_000 } };
      expect(await charge(deps, { userId, amount, idempotency: null })).toEqual(refused);
      expect((await moneyOf(redis, userId)).available).toBe(0);
    },
  );

  test('INVALID_AMOUNT tells what still fits, 0 where the wallet is full', async () => {
    const userId = await userWith(redis, 0);
    const { wallet } = walletKeys(userId);
    await redis.hset(wallet, { available: 999_999_999, charged: 999_999_999 });
    const refused = (max: number) => ({ refused: 'INVALID_AMOUNT', members: { min: 1, max } });
    expect(await charge(deps, { userId, amount: 2, idempotency: null })).toEqual(refused(1));
    expect(await charge(deps, { userId, amount: 0, idempotency: null })).toEqual(refused(1));
    expect(await charge(deps, { userId, amount: 1, idempotency: null })).toMatchObject({ balance: 1_000_000_000 });
    expect(await charge(deps, { userId, amount: 1, idempotency: null })).toEqual(refused(0));
  });

  test('USER_NOT_FOUND, IDEMPOTENCY_MISMATCH; a refusal is not stored', async () => {
    expect(await charge(deps, { userId: 'u_none', amount: 1, idempotency: null })).toEqual({
      refused: 'USER_NOT_FOUND',
      members: {},
    });
    const userId = await userWith(redis, 0);
    const key = { key: 'one', fingerprint: 'a' };
    expect(await charge(deps, { userId, amount: 0, idempotency: key })).toMatchObject({ refused: 'INVALID_AMOUNT' });
    const first = await charge(deps, { userId, amount: 9, idempotency: key });
    expect(await charge(deps, { userId, amount: 9, idempotency: key })).toEqual(first);
    const other = await charge(deps, { userId, amount: 8, idempotency: { key: 'one', fingerprint: 'b' } });
    expect(other).toEqual({ refused: 'IDEMPOTENCY_MISMATCH', members: {} });
    expect((await moneyOf(redis, userId)).available).toBe(9);
  });

  test('a key is one user’s own', async () => {
    const [ann, bob] = [await userWith(redis, 0), await userWith(redis, 0)];
    const key = { key: 'same', fingerprint: 'same' };
    await charge(deps, { userId: ann, amount: 3, idempotency: key });
    await charge(deps, { userId: bob, amount: 3, idempotency: key });
    expect((await moneyOf(redis, bob)).available).toBe(3);
  });

  test('twenty at once with one key: one effect, one answer; without: twenty', async () => {
    const userId = await userWith(redis, 0);
    const twenty = (key: string | null) =>
      Promise.all(
        Array.from({ length: 20 }, () =>
          charge(deps, { userId, amount: 7, idempotency: key === null ? null : { key, fingerprint: 'f' } }),
        ),
      );
    const answers = await twenty('k');
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect((await moneyOf(redis, userId)).available).toBe(7);
    await twenty(null);
    expect((await moneyOf(redis, userId)).available).toBe(147);
  });
});
