import { describe, expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { walletKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { authorize } from './authorize.script.ts';
import { concertsOf } from './note-concerts.ts';
import { authorizeTransfer, postTransfer, voidTransfer } from './transfers.ts';
import { moneyOf, outboxOf, redisNow, userWith } from './wallet.fixture.ts';

const redis = await testRedis();
const deps = { redis };
const reservationId = 'rsv_night_1';
const purchase = (userId: string, amount: number) => ({
  userId,
  reservationId,
  concertId: 'night',
  paymentId: 'pay_night_1',
  amount,
});

async function authorized(userId: string, amount: number) {
  const answer = await authorizeTransfer(deps, purchase(userId, amount));
  if (answer.outcome !== 'AUTHORIZED') throw new Error(answer.outcome);
  return { userId, reservationId, transferId: answer.transferId };
}

describe('authorize', () => {
  test('AUTHORIZED: the amount is pending under a new id, with a deadline; the concert is noted', async () => {
    const userId = await userWith(redis, 1000);
    const before = await redisNow(redis);
    const answer = await authorizeTransfer(deps, purchase(userId, 300));
    expect(answer).toEqual({
      outcome: 'AUTHORIZED',
      transferId: expect.stringMatching(/^t_[0-9a-f]{32}$/),
      balance: 700,
    });
    expect(await moneyOf(redis, userId)).toEqual({ available: 700, pending: 300, posted: 0 });
    const keys = walletKeys(userId);
    const transfer = await redis.hgetall(keys.transfer(reservationId));
    const deadline = Number(transfer.deadline);
    expect(transfer).toEqual({
      id: 'transferId' in answer ? answer.transferId : '',
      state: 'PENDING',
      amount: '300',
      balance: '700',
      payment: 'pay_night_1',
      deadline: String(deadline),
    });
    expect(deadline).toBeGreaterThanOrEqual(before + LIMITS.TRANSFER_DEADLINE_MS);
    expect(deadline).toBeLessThan(before + LIMITS.TRANSFER_DEADLINE_MS + 5_000);
    expect(await redis.zscore(keys.pending, `${reservationId} ${userId}`)).toBe(String(deadline));
    expect(await redis.pttl(keys.transfer(reservationId))).toBe(-1);
    expect(await concertsOf(deps, userId)).toEqual(['night']);
    expect(await outboxOf(redis, userId), 'no history before the post').toHaveLength(1);
  });

  test('PENDING and POSTED: its id, and nothing moves', async () => {
    const userId = await userWith(redis, 1000);
    const attempt = await authorized(userId, 300);
    const same = { transferId: attempt.transferId, balance: 700 };
    expect(await authorizeTransfer(deps, purchase(userId, 300))).toEqual({ outcome: 'PENDING', ...same });
    expect(await moneyOf(redis, userId)).toEqual({ available: 700, pending: 300, posted: 0 });
    await postTransfer(deps, attempt);
    expect(await authorizeTransfer(deps, purchase(userId, 300))).toEqual({ outcome: 'POSTED', ...same });
    expect(await moneyOf(redis, userId)).toEqual({ available: 700, pending: 0, posted: 300 });
  });

  test('VOIDED: a new id, and the record is as of a new one', async () => {
    const userId = await userWith(redis, 1000);
    const first = await authorized(userId, 300);
    await voidTransfer(deps, first);
    const second = await authorized(userId, 300);
    expect(second.transferId).not.toBe(first.transferId);
    expect(await moneyOf(redis, userId)).toEqual({ available: 700, pending: 300, posted: 0 });
    const keys = walletKeys(userId);
    expect(await redis.hget(keys.transfer(reservationId), 'ended')).toBeNull();
    const member = `${reservationId} ${userId}`;
    expect([await redis.zscore(keys.over, member), typeof (await redis.zscore(keys.pending, member))]).toEqual([
      null,
      'string',
    ]);
  });

  test('INSUFFICIENT: stores nothing', async () => {
    const userId = await userWith(redis, 299);
    expect(await authorizeTransfer(deps, purchase(userId, 300))).toEqual({ outcome: 'INSUFFICIENT', balance: 299 });
    const keys = walletKeys(userId);
    expect(await moneyOf(redis, userId)).toEqual({ available: 299, pending: 0, posted: 0 });
    expect(await redis.exists(keys.transfer(reservationId), keys.concerts)).toBe(0);
    expect(await redis.zscore(keys.pending, `${reservationId} ${userId}`)).toBeNull();
  });

  test('INSUFFICIENT after a void: the VOIDED record stays', async () => {
    const userId = await userWith(redis, 300);
    await voidTransfer(deps, await authorized(userId, 300));
    const other = { ...purchase(userId, 250), reservationId: 'rsv_night_2' };
    expect((await authorizeTransfer(deps, other)).outcome).toBe('AUTHORIZED');
    expect(await authorizeTransfer(deps, purchase(userId, 300))).toEqual({ outcome: 'INSUFFICIENT', balance: 50 });
    expect(await redis.hget(walletKeys(userId).transfer(reservationId), 'state')).toBe('VOIDED');
  });

  test('the script itself: under the id that it was given, for so long', async () => {
    const userId = await userWith(redis, 1000);
    const keys = walletKeys(userId);
    const before = await redisNow(redis);
    const run = (transferId: string) =>
      authorize.run(redis, {
        keys: { ...keys, transfer: keys.transfer(reservationId) },
        args: {
          member: `${reservationId} ${userId}`,
          concert_id: 'night',
          payment_id: 'pay_night_1',
          transfer_id: transferId,
          amount: 1000,
          transfer_ms: 60_000,
        },
      });
    expect(await run('t_1')).toEqual({ outcome: 'AUTHORIZED', transferId: 't_1', balance: 0 });
    expect(await run('t_2')).toEqual({ outcome: 'PENDING', transferId: 't_1', balance: 0 });
    const deadline = Number(await redis.hget(keys.transfer(reservationId), 'deadline'));
    expect(deadline).toBeGreaterThanOrEqual(before + 60_000);
  });

  test('NO_WALLET', async () => {
    expect(await authorizeTransfer(deps, purchase('u_none', 0))).toEqual({ outcome: 'NO_WALLET' });
    expect(await redis.exists(walletKeys('u_none').transfer(reservationId))).toBe(0);
  });

  test('the last won can be spent, and nothing is a price too', async () => {
    const userId = await userWith(redis, 300);
    expect(await authorizeTransfer(deps, purchase(userId, 300))).toMatchObject({ outcome: 'AUTHORIZED', balance: 0 });
    const poor = await userWith(redis, 0);
    const attempt = await authorized(poor, 0);
    expect(await postTransfer(deps, attempt)).toBe('POSTED');
    expect(await redis.lrange(walletKeys(poor).history, 0, -1)).toEqual([expect.stringMatching(/^1\|PAYMENT\|0\|0\|/)]);
  });

  test('two users and one reservation: each has a transfer of their own', async () => {
    const [ann, bob] = [await userWith(redis, 10), await userWith(redis, 10)];
    const [byAnn, byBob] = [await authorized(ann, 10), await authorized(bob, 10)];
    expect(await voidTransfer(deps, { ...byBob, transferId: byAnn.transferId })).toBe('OTHER');
    expect(await voidTransfer(deps, byBob)).toBe('VOIDED');
    expect(await moneyOf(redis, ann)).toEqual({ available: 0, pending: 10, posted: 0 });
    expect(await moneyOf(redis, bob)).toEqual({ available: 10, pending: 0, posted: 0 });
  });

  test('twenty at once with money for one: one id, one debit', async () => {
    const userId = await userWith(redis, 300);
    const answers = await Promise.all(Array.from({ length: 20 }, () => authorizeTransfer(deps, purchase(userId, 300))));
    expect(answers.filter(({ outcome }) => outcome === 'AUTHORIZED')).toHaveLength(1);
    expect(new Set(answers.map((answer) => ('transferId' in answer ? answer.transferId : answer.outcome))).size).toBe(
      1,
    );
    expect(await moneyOf(redis, userId)).toEqual({ available: 0, pending: 300, posted: 0 });
  });
});
