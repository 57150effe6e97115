import { beforeEach, describe, expect, test } from 'vitest';
import type { QueueClaims } from '../auth/tokens.ts';
import { concertKeys } from '../redis/keys.ts';
import { paymentIdOf } from '../reservations/ids.ts';
import { testRedis } from '../testing/connect.ts';
import { redisNow, streamOf, userWith } from '../wallet/wallet.fixture.ts';
import { confirm } from './confirm.script.ts';
import { ageHold, agePlace, enter, hold, join, openSale, type Sale, SCHEDULE } from './sale.fixture.ts';

const redis = await testRedis();
let sale: Sale;
let keys: ReturnType<typeof concertKeys>;
let claims: QueueClaims;
let reservationId: string;

beforeEach(async () => {
  sale = await openSale(redis);
  keys = concertKeys(sale.concertId);
  claims = await enter(redis, sale, await userWith(redis, 10_000));
  reservationId = await hold(redis, sale, claims, [1, 2]);
});

interface Call {
  by?: QueueClaims;
  id?: string;
  transferId?: string;
  key?: string;
  fingerprint?: string;
}

function run({ by = claims, id = reservationId, transferId = 't_1', key = '', fingerprint = '' }: Call = {}) {
  return confirm.run(redis, {
    keys: {
      ...keys,
      live: keys.live(by.userId),
      owned_by: keys.ownedBy(by.userId),
      paid_by: keys.paidBy(by.userId),
      reservation: keys.reservation(id),
      idempotency: key ? keys.idempotency(by.userId, 'pay', key) : keys.noIdempotency,
    },
    args: {
      user_id: by.userId,
      queue_id: by.queueId,
      epoch: by.epoch,
      concert_id: sale.concertId,
      reservation_id: id,
      payment_id: paymentIdOf(id),
      transfer_id: transferId,
      balance: 8000,
      fingerprint,
    },
  });
}

const record = () => redis.hgetall(keys.reservation(reservationId));
const setRecord = (fields: Record<string, string>) => redis.hset(keys.reservation(reservationId), fields);
const placeOf = async ({ queueId }: QueueClaims) => (await redis.hget(keys.places, queueId))?.split('|') ?? [];
const logLines = async () => (await streamOf(redis, keys.log)).map(({ k, r, q }) => `${k} ${r ?? q}`);

describe('CONFIRMED', () => {
  test('sells the seats, and says so in the same script to whom it concerns', async () => {
    const before = await redisNow(redis);
    const version = Number(await redis.hget(keys.stock, `v:${SCHEDULE}`));
    const confirmed = await run({ key: 'k', fingerprint: 'f' });
    if (confirmed.outcome !== 'CONFIRMED') throw new Error(confirmed.outcome);
    const { paidAtMs } = confirmed;
    expect(confirmed).toEqual({
      outcome: 'CONFIRMED',
      transferId: 't_1',
      scheduleId: SCHEDULE,
      seats: 'A-1-1,A-1-2',
      prices: '1000,1000',
      amount: 2000,
      currency: 'KRW',
      balance: 8000,
      paidAtMs,
      recordedAtMs: null,
    });
    expect(paidAtMs).toBeGreaterThanOrEqual(before);

    expect(await redis.get(keys.status(SCHEDULE))).toBe('SSAA');
    expect(await redis.hgetall(keys.seats(SCHEDULE))).toEqual({ 'A-1-1': reservationId, 'A-1-2': reservationId });
    expect((await streamOf(redis, keys.seatLog(SCHEDULE))).at(-1)).toEqual({ s: 'S', i: '0,1' });
    expect(await redis.hgetall(keys.stock)).toEqual({
      [`v:${SCHEDULE}`]: String(version + 1),
      [`f:${SCHEDULE}`]: '2',
      sold: '2',
      revenue: '2000',
    });
    expect(await redis.hgetall(keys.bought)).toEqual({ [claims.userId]: '2' });
    expect(await redis.exists(keys.holds, keys.live(claims.userId), keys.ownedBy(claims.userId))).toBe(0);
    const { created = '' } = await record();
    const paid = keys.paidBy(claims.userId);
    expect(await redis.zrange(paid, '0', '-1', 'WITHSCORES')).toEqual([reservationId, created]);
    expect(await redis.pttl(paid), 'and so is its line in the list').toBe(-1);

    const [[outboxId, flat] = ['', []]] = await redis.xrange(keys.outbox, '-', '+');
    expect(await record()).toMatchObject({
      status: 'CONFIRMED',
      transfer: 't_1',
      balance: '8000',
      paid_at: String(paidAtMs),
      place: claims.queueId,
      outbox: outboxId,
    });
    expect(await redis.pttl(keys.reservation(reservationId)), 'a purchase is kept for good').toBe(-1);
    expect(Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : [])))).toEqual({
      e: 'payment',
      v: '1',
      paymentId: paymentIdOf(reservationId),
      reservationId,
      userId: claims.userId,
      concertId: sale.concertId,
      scheduleId: SCHEDULE,
      seats: 'A-1-1,A-1-2',
      prices: '1000,1000',
      amount: '2000',
      currency: 'KRW',
      balance: '8000',
      transferId: 't_1',
      paidAt: String(paidAtMs),
    });
    expect((await logLines()).slice(-2)).toEqual([`E ${claims.queueId}`, `R ${reservationId}`]);
    const ttl = await redis.pttl(keys.idempotency(claims.userId, 'pay', 'k'));
    expect(ttl).toBeGreaterThan(24 * 3_600_000 - 10_000);
  });

  test('the place is USED / PAID, its slot free', async () => {
    await run();
    const [status, , , , , paid, ended, reason] = await placeOf(claims);
    expect([status, paid, Number(ended) > 0, reason]).toEqual(['U', '1', true, 'PAID']);
    expect(await redis.exists(keys.active, keys.members)).toBe(0);
    expect(await redis.hget(keys.room, 'used')).toBe('1');
    expect(await redis.zscore(keys.ended, claims.queueId)).not.toBeNull();
  });

  test('with another live hold the place is kept for that one, to its deadline; the last payment ends it', async () => {
    const second = await hold(redis, sale, claims, [3]);
    await run();
    const deadline = await redis.hget(keys.reservation(second), 'deadline');
    const [status, , , kept, , paid] = await placeOf(claims);
    expect([status, kept, paid]).toEqual(['A', deadline, '1']);
    expect(await redis.zscore(keys.active, claims.queueId)).toBe(deadline);
    expect((await run({ id: second, transferId: 't_2' })).outcome).toBe('CONFIRMED');
    expect((await placeOf(claims))[0]).toBe('U');
    expect(await redis.hget(keys.bought, claims.userId)).toBe('3');
  });

  test('another hold that is past its deadline keeps nothing', async () => {
    const second = await hold(redis, sale, claims, [3]);
    await ageHold(redis, sale, second);
    await run();
    expect((await placeOf(claims))[0]).toBe('U');
  });

  test('whichever place of the user is ACTIVE pays, and an unclaimed one is claimed by it', async () => {
    const second = await hold(redis, sale, claims, [3]);
    await agePlace(redis, sale, claims.queueId);
    const again = await enter(redis, sale, claims.userId);
    expect((await placeOf(again))[4]).toBe('0');
    const before = await redisNow(redis);
    expect((await run({ by: again })).outcome).toBe('CONFIRMED');
    const [status, , , deadline, sessionEnd, paid] = await placeOf(again);
    expect([status, deadline, paid]).toEqual(['A', await redis.hget(keys.reservation(second), 'deadline'), '1']);
    expect(Number(sessionEnd)).toBeGreaterThanOrEqual(before + 600_000);
  });
});

describe('the reservation first', () => {
  test('ALREADY: by the same id or another, whatever became of the place; nothing is marked or written', async () => {
    const first = await run();
    const before = await record();
    expect(await run()).toEqual({ ...first, outcome: 'ALREADY' });
    expect(await run({ transferId: 't_2' })).toEqual({ ...first, outcome: 'ALREADY' });
    expect(await run({ by: { ...claims, queueId: 'q_none' } })).toEqual({ ...first, outcome: 'ALREADY' });
    expect(await record()).toEqual(before);
    expect(await redis.xlen(keys.outbox)).toBe(1);
    expect(await redis.hget(keys.stock, 'sold')).toBe('2');
  });

  test('REPEAT: the same key at the same moment gets the stored answer', async () => {
    const first = await run({ key: 'k', fingerprint: 'f' });
    await setRecord({ recorded_at: '1700000000000' });
    expect(await run({ key: 'k', fingerprint: 'f', transferId: 't_2' })).toEqual({ ...first, outcome: 'REPEAT' });
  });

  test('a confirmed transfer is never MISMATCH: that would be taken for a refusal and voided', async () => {
    const second = await hold(redis, sale, claims, [3]);
    await run({ id: second, transferId: 't_2', key: 'k', fingerprint: 'other' });
    await run();
    expect(await run({ key: 'k', fingerprint: 'f' })).toMatchObject({ outcome: 'ALREADY', transferId: 't_1' });
  });
});

describe('a refusal leaves the mark for its transfer id, and nothing else', () => {
  /** Runs, and checks that all that changed is the mark; a second call with that id is MARKED. */
  async function refused(call: Call = {}) {
    const [before, places, ttl] = [
      await record(),
      await redis.hgetall(keys.places),
      await redis.pttl(keys.reservation(reservationId)),
    ];
    const answer = await run(call);
    const { 'm:t_1': mark, ...after } = await record();
    expect(Number(mark)).toBeGreaterThan(1e12);
    expect(after).toEqual(before);
    expect(await redis.hgetall(keys.places)).toEqual(places);
    expect(await redis.exists(keys.outbox, keys.bought)).toBe(0);
    expect(ttl - (await redis.pttl(keys.reservation(reservationId)))).toBeLessThan(5_000);
    expect(await redis.exists(keys.idempotency(claims.userId, 'pay', 'k'))).toBe(0);
    expect(await run(call)).toEqual({ outcome: 'MARKED' });
    return answer;
  }

  test('NOT_ACTIVE: the place is past its deadline', async () => {
    await agePlace(redis, sale, claims.queueId);
    expect(await refused()).toEqual({ outcome: 'NOT_ACTIVE', status: 'E', sequence: 1 });
  });

  test('NOT_ACTIVE: the place waits, or is of another epoch', async () => {
    const waiting = await join(redis, sale, 'u_waits');
    expect(await refused({ by: waiting })).toEqual({ outcome: 'NOT_ACTIVE', status: 'W', sequence: 2 });
    expect(await run({ by: { ...claims, epoch: 'other' }, transferId: 't_2' })).toMatchObject({ status: '' });
  });

  test('NOT_FOUND: somebody else’s', async () => {
    const other = await enter(redis, sale, 'u_other');
    expect(await refused({ by: other })).toEqual({ outcome: 'NOT_FOUND' });
  });

  test('CANCELLED', async () => {
    await setRecord({ status: 'CANCELLED' });
    expect(await refused()).toEqual({ outcome: 'CANCELLED' });
  });

  test('EXPIRED, by the clock alone', async () => {
    await ageHold(redis, sale, reservationId);
    expect(await refused({ key: 'k', fingerprint: 'f' })).toEqual({
      outcome: 'EXPIRED',
      deadlineMs: Number((await record()).deadline),
    });
  });

  test('SEAT_LOST: every seat must name this reservation', async () => {
    await redis.hset(keys.seats(SCHEDULE), 'A-1-2', 'rsv_other');
    expect(await refused()).toEqual({ outcome: 'SEAT_LOST', seatId: 'A-1-2' });
    expect(await redis.get(keys.status(SCHEDULE))).toBe('HHAA');
  });

  test('MISMATCH', async () => {
    await redis.set(keys.idempotency(claims.userId, 'pay', 'k2'), 'other ["CONFIRMED"]');
    expect(await refused({ key: 'k2', fingerprint: 'f' })).toEqual({ outcome: 'MISMATCH' });
  });

  test('another id can still pay a live hold', async () => {
    await setRecord({ 'm:t_1': '1' });
    expect(await run()).toEqual({ outcome: 'MARKED' });
    expect((await run({ transferId: 't_2' })).outcome).toBe('CONFIRMED');
  });

  test('NOT_FOUND where the record is gone: none is made up for the mark', async () => {
    await redis.del(keys.reservation(reservationId));
    expect(await run()).toEqual({ outcome: 'NOT_FOUND' });
    expect(await redis.exists(keys.reservation(reservationId))).toBe(0);
  });
});
