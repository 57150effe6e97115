/** Transfers that cannot be settled or forgotten, as while their concert's shard is away, and the others behind them. */
import { beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { concertKeys, walletKeys, walletPartition } from '../redis/keys.ts';
import { newReservationId, paymentIdOf } from '../reservations/ids.ts';
import { flush, testRedis } from '../testing/connect.ts';
import { authorizeTransfer, voidTransfer } from '../wallet/transfers.ts';
import { ageTransfers, moneyOf, userWith } from '../wallet/wallet.fixture.ts';
import { alarmLog } from './sale.fixture.ts';
import { forgetTransfers, sweepTransfers } from './sweep-transfers.ts';

const redis = await testRedis();
let userId: string;
beforeEach(async () => {
  await flush(redis);
  userId = await userWith(redis, 10_000);
});

const partition = () => walletPartition(userId);

async function authorize(concertId: string) {
  const reservationId = newReservationId(concertId);
  const name = { userId, reservationId };
  const answer = await authorizeTransfer(
    { redis },
    { ...name, concertId, paymentId: paymentIdOf(reservationId), amount: 1 },
  );
  if (answer.outcome !== 'AUTHORIZED') throw new Error(answer.outcome);
  return { ...name, transferId: answer.transferId };
}

/** A key of another type is a concert that answers with an error only. */
async function authorizeStuck(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const { reservationId } = await authorize('away');
    await redis.set(concertKeys('away').reservation(reservationId), 'as if its shard were away');
  }
}

const overScore = (member: string) => redis.zscore(walletKeys(userId).over, member);

describe('sweepTransfers', () => {
  test('a hundred and more that cannot be settled keep none behind them waiting', async () => {
    await authorizeStuck(LIMITS.SWEEP_A_CALL + 20);
    const healthy = await authorize('night');
    await ageTransfers(redis, [userId]);
    // A tie goes by the member; this one comes last.
    await redis.zadd(walletKeys(userId).pending, 2, `${healthy.reservationId} ${userId}`);
    const { log, alarms } = alarmLog();
    expect(await sweepTransfers({ redis, log }, partition())).toBe(1);
    expect(await redis.hget(walletKeys(userId).transfer(healthy.reservationId), 'state')).toBe('VOIDED');
    expect(await moneyOf(redis, userId)).toMatchObject({ pending: LIMITS.SWEEP_A_CALL + 20 });
    expect(alarms).toHaveLength(LIMITS.SWEEP_A_CALL + 20);
  });

  test('they are settled once their concert answers', async () => {
    await authorizeStuck(3);
    await ageTransfers(redis, [userId]);
    const { log, alarms } = alarmLog();
    expect(await sweepTransfers({ redis, log }, partition())).toBe(0);
    expect(await sweepTransfers({ redis, log }, partition()), 'put off').toBe(0);
    expect(alarms).toHaveLength(3);
    for (const key of await redis.keys(`${concertKeys('away').base}*`)) await redis.del(key);
    await ageTransfers(redis, [userId]);
    expect(await sweepTransfers({ redis, log }, partition())).toBe(3);
    expect(await moneyOf(redis, userId)).toEqual({ available: 10_000, pending: 0, posted: 0 });
  });

  test('several full batches in one run', async () => {
    for (let i = 0; i < 2 * LIMITS.SWEEP_A_CALL + 1; i++) await authorize('night');
    await ageTransfers(redis, [userId]);
    expect(await sweepTransfers({ redis, log: alarmLog().log }, partition())).toBe(2 * LIMITS.SWEEP_A_CALL + 1);
  });
});

describe('forgetTransfers', () => {
  test('several full batches in one run, and none waits behind those whose concert does not answer', async () => {
    const { over, transfer } = walletKeys(userId);
    await authorizeStuck(LIMITS.SWEEP_A_CALL + 1);
    const stuck = await redis.zrange(walletKeys(userId).pending, '0', '-1');
    for (const member of stuck) {
      await redis.hset(transfer(member.split(' ')[0] ?? ''), 'state', 'POSTED');
      await redis.zadd(over, 1, member);
    }
    for (let i = 0; i < LIMITS.SWEEP_A_CALL + 1; i++) {
      const attempt = await authorize('night');
      await voidTransfer({ redis }, attempt);
      await redis.zadd(over, 2, `${attempt.reservationId} ${userId}`);
    }
    expect(await forgetTransfers({ redis, log: alarmLog().log }, partition())).toBe(LIMITS.SWEEP_A_CALL + 1);
    expect(await redis.zcard(over)).toBe(LIMITS.SWEEP_A_CALL + 1);
    expect(Number(await overScore(stuck[0] ?? ''))).toBeGreaterThan(Date.now() + LIMITS.TRANSFER_FORGET_AGAIN_MS / 2);
  });
});
