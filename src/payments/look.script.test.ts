import { beforeEach, describe, expect, test } from 'vitest';
import type { QueueClaims } from '../auth/tokens.ts';
import { concertKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { userWith } from '../wallet/wallet.fixture.ts';
import { look } from './look.script.ts';
import { pay } from './pay.ts';
import { ageHold, agePlace, enter, hold, join, openSale, payDeps, type Sale } from './sale.fixture.ts';

const redis = await testRedis();
const deps = payDeps(redis);
let sale: Sale;
let claims: QueueClaims;
let reservationId: string;

beforeEach(async () => {
  sale = await openSale(redis);
  claims = await enter(redis, sale, await userWith(redis, 10_000));
  reservationId = await hold(redis, sale, claims, [1, 2]);
});

function run(by: QueueClaims = claims, id = reservationId, { key = '', fingerprint = '' } = {}) {
  const keys = concertKeys(sale.concertId);
  return look.run(redis, {
    keys: {
      ...keys,
      reservation: keys.reservation(id),
      idempotency: key ? keys.idempotency(by.userId, 'pay', key) : keys.noIdempotency,
    },
    args: { user_id: by.userId, queue_id: by.queueId, epoch: by.epoch, fingerprint },
  });
}

const setRecord = (fields: Record<string, string>) =>
  redis.hset(concertKeys(sale.concertId).reservation(reservationId), fields);

describe('PAYABLE and what is in its way, in the order of the contract', () => {
  test('PAYABLE: the amount of the hold', async () => {
    expect(await run()).toEqual({ outcome: 'PAYABLE', amount: 2000 });
  });

  test('NOT_ACTIVE: the place waits, is past its deadline, over, gone, somebody else’s, or of another epoch', async () => {
    const waiting = await join(redis, sale, 'u_waits');
    expect(await run(waiting)).toEqual({ outcome: 'NOT_ACTIVE', status: 'W', sequence: 2 });
    const gone = { outcome: 'NOT_ACTIVE', status: '', sequence: 0 };
    expect(await run({ ...claims, queueId: 'q_none' })).toEqual(gone);
    expect(await run({ ...claims, userId: 'u_other' })).toEqual(gone);
    expect(await run({ ...claims, epoch: 'other' })).toEqual(gone);
    await agePlace(redis, sale, claims.queueId);
    expect(await run()).toEqual({ outcome: 'NOT_ACTIVE', status: 'E', sequence: 1 });
    // Before "not found": who is not let in learns nothing of reservations.
    expect(await run(claims, 'rsv_none')).toMatchObject({ outcome: 'NOT_ACTIVE' });
  });

  test('NOT_FOUND: none, or somebody else’s', async () => {
    expect(await run(claims, 'rsv_none')).toEqual({ outcome: 'NOT_FOUND' });
    const other = await enter(redis, sale, 'u_other');
    expect(await run(other)).toEqual({ outcome: 'NOT_FOUND' });
  });

  test('CANCELLED and EXPIRED, by record or by the clock alone', async () => {
    await setRecord({ status: 'CANCELLED' });
    expect(await run()).toEqual({ outcome: 'CANCELLED' });
    await setRecord({ status: 'EXPIRED', deadline: '1700000000000' });
    expect(await run()).toEqual({ outcome: 'EXPIRED', deadlineMs: 1_700_000_000_000 });
    await setRecord({ status: 'HELD' });
    await ageHold(redis, sale, reservationId);
    expect(await run()).toMatchObject({ outcome: 'EXPIRED' });
  });
});

describe('a payment that exists', () => {
  test('ALREADY: whatever the place’s state, with what is needed to post it', async () => {
    await pay(deps, { claims, reservationId, idempotency: null });
    const seen = await run();
    expect(seen).toMatchObject({ outcome: 'ALREADY', seats: 'A-1-1,A-1-2', prices: '1000,1000', recordedAtMs: null });
    await setRecord({ recorded_at: '1700000000000' });
    expect(await run()).toEqual({ ...seen, recordedAtMs: 1_700_000_000_000 });
    expect(await run({ ...claims, queueId: 'q_none' })).toMatchObject({ outcome: 'ALREADY' });
  });

  test('somebody else’s is NOT_FOUND', async () => {
    await pay(deps, { claims, reservationId, idempotency: null });
    const other = await enter(redis, sale, 'u_other');
    expect(await run(other)).toEqual({ outcome: 'NOT_FOUND' });
  });

  test('REPEAT and MISMATCH come before all', async () => {
    const idempotency = { key: 'k', fingerprint: 'f' };
    await pay(deps, { claims, reservationId, idempotency });
    await setRecord({ recorded_at: '1700000000000' });
    const none = { ...claims, queueId: 'q_none' };
    // As it was: the stored answer does not know of recorded_at.
    expect(await run(none, reservationId, idempotency)).toMatchObject({
      outcome: 'REPEAT',
      amount: 2000,
      recordedAtMs: null,
    });
    expect(await run(none, reservationId, { key: 'k', fingerprint: 'g' })).toEqual({ outcome: 'MISMATCH' });
    expect(await run(none, 'rsv_none', { key: 'other', fingerprint: 'f' })).toMatchObject({ outcome: 'NOT_ACTIVE' });
  });
});
