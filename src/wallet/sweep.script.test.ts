import { beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { walletKeys, walletPartition } from '../redis/keys.ts';
import { flush, testRedis } from '../testing/connect.ts';
import { dueTransfers as dueScript } from './due-transfers.script.ts';
import { forgetTransfer as forgetScript } from './forget-transfer.script.ts';
import { overTransfers as overScript } from './over-transfers.script.ts';
import {
  authorizeTransfer,
  dueTransfers,
  forgetTransfer,
  overTransfers,
  postTransfer,
  type TransferAttempt,
  voidTransfer,
} from './transfers.ts';
import { ageTransfers, redisNow, userWith } from './wallet.fixture.ts';

const redis = await testRedis();
const deps = { redis };
beforeEach(() => flush(redis));

/** An outside `sub` may hold anything, spaces and bars too. */
async function authorized(userId: string, reservationId = 'rsv_night_1'): Promise<TransferAttempt> {
  const name = { userId, reservationId };
  const answer = await authorizeTransfer(deps, { ...name, concertId: 'night', paymentId: 'pay_night_1', amount: 300 });
  if (answer.outcome !== 'AUTHORIZED') throw new Error(answer.outcome);
  return { ...name, transferId: answer.transferId };
}

const partitionOf = ({ userId }: TransferAttempt) => walletPartition(userId);
const memberOf = ({ userId, reservationId }: TransferAttempt) => `${reservationId} ${userId}`;
const due = (attempt: TransferAttempt, limit = 100) => dueTransfers(deps, { partition: partitionOf(attempt), limit });
const over = (attempt: TransferAttempt) => overTransfers(deps, { partition: partitionOf(attempt), limit: 100 });
/** As if it had ended a day ago. */
const age = (attempt: TransferAttempt) => redis.zadd(walletKeys(attempt.userId).over, 1, memberOf(attempt));

describe('due-transfers', () => {
  test('TRANSFERS: those past their deadline, oldest first, at most so many', async () => {
    const userId = await userWith(redis, 1000);
    const [first, second] = [await authorized(userId), await authorized(userId, 'rsv_night_2')];
    expect(await due(first)).toEqual([]);
    await ageTransfers(redis, [userId]);
    await redis.zadd(walletKeys(userId).pending, 2, memberOf(first));
    expect(await due(first)).toEqual([second, first]);
    expect(await due(first, 1)).toEqual([second]);
    await voidTransfer(deps, first);
    await postTransfer(deps, second);
    expect(await due(first)).toEqual([]);
  });
});

describe('over-transfers and forget-transfer', () => {
  test('FORGOTTEN: a VOIDED one, a day after its end', async () => {
    const attempt = await authorized(await userWith(redis, 1000));
    await voidTransfer(deps, attempt);
    expect(await over(attempt)).toEqual([]);
    await age(attempt);
    expect(await over(attempt)).toEqual([{ ...attempt, state: 'VOIDED' }]);
    expect(await forgetTransfer(deps, { ...attempt, recorded: false })).toBe('FORGOTTEN');
    const keys = walletKeys(attempt.userId);
    expect(await redis.exists(keys.transfer(attempt.reservationId), keys.over)).toBe(0);
    expect(await forgetTransfer(deps, { ...attempt, recorded: false })).toBe('NONE');
  });

  test('FORGOTTEN: a POSTED one only when recorded; KEPT: asked again later', async () => {
    const attempt = await authorized(await userWith(redis, 1000));
    await postTransfer(deps, attempt);
    await age(attempt);
    expect(await over(attempt)).toEqual([{ ...attempt, state: 'POSTED' }]);
    const before = await redisNow(redis);
    expect(await forgetTransfer(deps, { ...attempt, recorded: false })).toBe('KEPT');
    const keys = walletKeys(attempt.userId);
    const again = Number(await redis.zscore(keys.over, memberOf(attempt)));
    expect(again).toBeGreaterThanOrEqual(before + LIMITS.TRANSFER_FORGET_AGAIN_MS);
    expect(await redis.hget(keys.transfer(attempt.reservationId), 'state')).toBe('POSTED');
    expect(await forgetTransfer(deps, { ...attempt, recorded: true })).toBe('FORGOTTEN');
  });

  test('KEPT: a PENDING one, whatever is said of it, and one of another id', async () => {
    const attempt = await authorized(await userWith(redis, 1000));
    await age(attempt);
    expect(await forgetTransfer(deps, { ...attempt, recorded: true })).toBe('KEPT');
    await postTransfer(deps, attempt);
    expect(await forgetTransfer(deps, { ...attempt, transferId: 't_old', recorded: true })).toBe('KEPT');
    expect(await redis.exists(walletKeys(attempt.userId).transfer(attempt.reservationId))).toBe(1);
  });
});

test('user ids with spaces, bars and braces come back as they are', async () => {
  const { openWallet } = await import('./open.ts');
  const { charge } = await import('./charge.ts');
  for (const userId of ['auth0|a b', '{w:1} x', ' ', 'rsv_night_1 rsv']) {
    await openWallet(deps, userId);
    await charge({ redis, config: { currency: 'KRW' } }, { userId, amount: 300, idempotency: null });
    const attempt = await authorized(userId);
    await ageTransfers(redis, [userId]);
    expect(await due(attempt)).toEqual([attempt]);
    await postTransfer(deps, attempt);
    await age(attempt);
    expect(await over(attempt)).toEqual([{ ...attempt, state: 'POSTED' }]);
    expect(await forgetTransfer(deps, { ...attempt, recorded: true })).toBe('FORGOTTEN');
  }
});

test('the scripts themselves: flat replies, and records that are gone', async () => {
  const attempt = await authorized(await userWith(redis, 1000));
  const keys = walletKeys(attempt.userId);
  const member = memberOf(attempt);
  await ageTransfers(redis, [attempt.userId]);
  const dueNow = () => dueScript.run(redis, { keys, args: { limit: 10 } });
  expect(await dueNow()).toEqual({ outcome: 'TRANSFERS', flat: [member, attempt.transferId] });
  await voidTransfer(deps, attempt);
  expect(await dueNow()).toEqual({ outcome: 'TRANSFERS', flat: [] });
  await age(attempt);
  const overNow = () => overScript.run(redis, { keys, args: { limit: 10 } });
  expect(await overNow()).toEqual({ outcome: 'TRANSFERS', flat: [member, attempt.transferId, 'VOIDED'] });
  await redis.del(keys.transfer(attempt.reservationId));
  expect(await overNow()).toEqual({ outcome: 'TRANSFERS', flat: [member, '', ''] });
  const forgotten = await forgetScript.run(redis, {
    keys: { ...keys, transfer: keys.transfer(attempt.reservationId) },
    args: { member, transfer_id: '', recorded: 0, later_ms: 1 },
  });
  expect(forgotten).toEqual({ outcome: 'NONE' });
  expect(await overNow()).toEqual({ outcome: 'TRANSFERS', flat: [] });
});
