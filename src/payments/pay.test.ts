import { beforeEach, describe, expect, test } from 'vitest';
import type { QueueClaims } from '../auth/tokens.ts';
import { Unavailable } from '../errors.ts';
import { concertKeys, walletKeys, walletPartition } from '../redis/keys.ts';
import { paymentIdOf } from '../reservations/ids.ts';
import { testRedis } from '../testing/connect.ts';
import { concertsOf } from '../wallet/note-concerts.ts';
import { ageTransfers, moneyOf, outboxOf, userWith } from '../wallet/wallet.fixture.ts';
import { type Command, hookedRedis, neverSent, replyLost, timeout } from './gate.fixture.ts';
import { type PayDeps, pay } from './pay.ts';
import { readPayment, repeatPayment } from './read-payment.ts';
import {
  ageHold,
  agePlace,
  alarmLog,
  enter,
  hold,
  join,
  openSale,
  payDeps,
  type Sale,
  SCHEDULE,
} from './sale.fixture.ts';
import { sweepTransfers } from './sweep-transfers.ts';

const redis = await testRedis();
const deps = payDeps(redis);
let sale: Sale;
let userId: string;
let claims: QueueClaims;
let reservationId: string;

beforeEach(async () => {
  sale = await openSale(redis);
  userId = await userWith(redis, 10_000);
  claims = await enter(redis, sale, userId);
  reservationId = await hold(redis, sale, claims, [1, 2]);
});

interface Call {
  with?: PayDeps;
  by?: QueueClaims;
  id?: string;
  key?: string;
  fingerprint?: string;
}

function run({ with: these = deps, by = claims, id = reservationId, key = '', fingerprint = 'f' }: Call = {}) {
  return pay(these, { claims: by, reservationId: id, idempotency: key ? { key, fingerprint } : null });
}

const hooked = (hooks: Parameters<typeof hookedRedis>[1]) => payDeps(hookedRedis(redis, hooks));
const before = (what: () => Promise<unknown>) => async (command: Command) => {
  await what();
  return command.send();
};

const untouched = { available: 10_000, pending: 0, posted: 0 };
const paid = { available: 8_000, pending: 0, posted: 2_000 };
const money = () => moneyOf(redis, userId);
const statusOf = (id = reservationId) => redis.hget(concertKeys(sale.concertId).reservation(id), 'status');
const sweep = async () => {
  await ageTransfers(redis, [userId]);
  return sweepTransfers(deps, walletPartition(userId));
};

describe('a payment', () => {
  test('answers what was bought, once the money is posted', async () => {
    const answer = await run();
    expect(answer).toEqual({
      repeated: false,
      payment: {
        paymentId: paymentIdOf(reservationId),
        reservationId,
        userId,
        concertId: sale.concertId,
        scheduleId: SCHEDULE,
        seats: [
          { seatId: 'A-1-1', section: 'A', row: '1', number: 1, price: 1000 },
          { seatId: 'A-1-2', section: 'A', row: '1', number: 2, price: 1000 },
        ],
        amount: 2000,
        currency: 'KRW',
        balance: 8000,
        status: 'CONFIRMED',
        paidAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        recordedAt: null,
      },
    });
    expect(await money()).toEqual(paid);
    expect((await outboxOf(redis, userId)).map(({ kind, amount }) => `${kind} ${amount}`)).toEqual([
      'CHARGE 10000',
      'PAYMENT -2000',
    ]);
    expect(await concertsOf(deps, userId)).toEqual([sale.concertId]);
  });

  test('is read by its user, with recordedAt once PostgreSQL has it', async () => {
    const answer = await run();
    const paymentId = paymentIdOf(reservationId);
    if (!('payment' in answer)) throw new Error(answer.refused);
    expect(await readPayment(deps, { paymentId, userId })).toEqual(answer.payment);
    await redis.hset(concertKeys(sale.concertId).reservation(reservationId), 'recorded_at', '1800000000000');
    expect(await readPayment(deps, { paymentId, userId })).toMatchObject({ recordedAt: '2027-01-15T08:00:00.000Z' });
    const unknown = [
      { paymentId, userId: 'u_other' },
      { paymentId: reservationId, userId },
      { paymentId: paymentIdOf(await hold(redis, sale, await enter(redis, sale, userId), [3])), userId },
      { paymentId: `pay_${sale.concertId}_${'0'.repeat(32)}`, userId },
      { paymentId: 'pay_', userId },
    ];
    for (const call of unknown) {
      expect(await readPayment(deps, call)).toEqual({ refused: 'PAYMENT_NOT_FOUND', members: {} });
    }
  });

  test('a repeat gives the same payment, also when the place is over', async () => {
    const first = await run();
    expect(await run()).toEqual({ ...first, repeated: true });
    expect(await run({ by: { ...claims, queueId: 'q_gone' } })).toEqual({ ...first, repeated: true });
    expect(await money()).toEqual(paid);
  });

  test('a repeat without a place drives the post first, a mere read does not', async () => {
    await expect(run({ with: hooked({ 'wallet/post': neverSent }) })).rejects.toThrow();
    const name = { paymentId: paymentIdOf(reservationId), userId };
    const read = await readPayment(deps, name);
    expect((await money()).pending).toBe(2_000);
    expect(await repeatPayment(deps, name)).toEqual(read);
    expect(await money()).toEqual(paid);
    const other = await repeatPayment(deps, { ...name, userId: 'u_other' });
    expect(other).toEqual({ refused: 'PAYMENT_NOT_FOUND', members: {} });
  });

  test('a repeat without a place posts nothing that its concert does not confirm, now and for good', async () => {
    await expect(run({ with: hooked({ 'wallet/post': neverSent }) })).rejects.toThrow();
    const name = { paymentId: paymentIdOf(reservationId), userId };
    // As with DURABILITY=replica where no replica has the confirm.
    await expect(repeatPayment(hooked({ 'payments/ask': replyLost }), name)).rejects.toThrow('timed out');
    expect((await money()).pending).toBe(2_000);
    // As after a failover that took the confirm back.
    const undo = before(() => redis.hset(concertKeys(sale.concertId).reservation(reservationId), 'status', 'HELD'));
    const undone = await repeatPayment(hooked({ 'payments/ask': undo }), name);
    expect(undone).toEqual({ refused: 'PAYMENT_NOT_FOUND', members: {} });
    expect((await money()).pending).toBe(2_000);
  });

  test('a repeat by key is the first answer as it was; with another payload it is refused', async () => {
    const first = await run({ key: 'k' });
    await redis.hset(concertKeys(sale.concertId).reservation(reservationId), 'recorded_at', '1800000000000');
    expect(await run({ key: 'k' })).toEqual(first);
    expect(await run({ key: 'k', fingerprint: 'g' })).toEqual({ refused: 'IDEMPOTENCY_MISMATCH', members: {} });
    expect(await run({ key: 'another' })).toMatchObject({ repeated: true });
  });
});

describe('refusals, with the wallet untouched and the place claimed', () => {
  const unclaimed = async () => {
    await agePlace(redis, sale, claims.queueId);
    claims = await enter(redis, sale, userId);
  };
  const isClaimed = async () =>
    (await redis.hget(concertKeys(sale.concertId).places, claims.queueId))?.split('|')[4] !== '0';

  test('RESERVATION_NOT_FOUND', async () => {
    await unclaimed();
    for (const id of ['rsv_none', `rsv_${sale.concertId}_${'0'.repeat(32)}`, '']) {
      expect(await run({ id })).toEqual({ refused: 'RESERVATION_NOT_FOUND', members: {} });
    }
    expect(await isClaimed()).toBe(true);
    const other = await enter(redis, sale, await userWith(redis, 10_000));
    expect(await run({ by: other })).toEqual({ refused: 'RESERVATION_NOT_FOUND', members: {} });
    expect(await money()).toEqual(untouched);
  });

  test('RESERVATION_EXPIRED before the balance is looked at', async () => {
    await redis.hset(walletKeys(userId).wallet, { available: 0, charged: 0 });
    await unclaimed();
    await ageHold(redis, sale, reservationId);
    const deadline = Number(await redis.hget(concertKeys(sale.concertId).reservation(reservationId), 'deadline'));
    expect(await run()).toEqual({
      refused: 'RESERVATION_EXPIRED',
      members: { expiredAt: new Date(deadline).toISOString() },
    });
    expect(await isClaimed()).toBe(true);
  });

  test('RESERVATION_CANCELLED', async () => {
    await redis.hset(concertKeys(sale.concertId).reservation(reservationId), 'status', 'CANCELLED');
    expect(await run()).toEqual({ refused: 'RESERVATION_CANCELLED', members: {} });
  });

  test('INSUFFICIENT_BALANCE: the hold stays, and can be paid after a charge', async () => {
    await unclaimed();
    await redis.hset(walletKeys(userId).wallet, { available: 1_999, charged: 1_999 });
    const refused = { refused: 'INSUFFICIENT_BALANCE', members: { balance: 1_999, required: 2_000 } };
    expect(await run({ key: 'k' })).toEqual(refused);
    expect(await isClaimed()).toBe(true);
    expect(await statusOf()).toBe('HELD');
    await redis.hset(walletKeys(userId).wallet, { available: 2_000, charged: 2_000 });
    expect(await run({ key: 'k' })).toMatchObject({ repeated: false, payment: { balance: 0 } });
  });

  test('NOT_ACTIVE tells of the token’s place; QUEUE_NOT_FOUND where it is not known', async () => {
    const waiting = await join(redis, sale, await userWith(redis, 10_000));
    expect(await run({ by: waiting })).toEqual({
      refused: 'NOT_ACTIVE',
      members: { status: 'WAITING', position: waiting.sequence },
    });
    await agePlace(redis, sale, claims.queueId);
    expect(await run()).toEqual({ refused: 'NOT_ACTIVE', members: { status: 'EXPIRED', position: null } });
    expect(await run({ by: { ...claims, epoch: 'old' } })).toEqual({ refused: 'QUEUE_NOT_FOUND', members: {} });
    expect(await money()).toEqual(untouched);
  });

  test('USER_NOT_FOUND: a token without a wallet', async () => {
    const nobody = await enter(redis, sale, 'u_nobody');
    const id = await hold(redis, sale, nobody, [3]);
    expect(await run({ by: nobody, id })).toEqual({ refused: 'USER_NOT_FOUND', members: {} });
  });

  test('refused only at the confirm: the money comes back', async () => {
    const late = hooked({ 'payments/confirm': before(() => ageHold(redis, sale, reservationId)) });
    expect(await run({ with: late })).toMatchObject({ refused: 'RESERVATION_EXPIRED' });
    expect(await money()).toEqual(untouched);
  });

  test('a live hold without its seat is a bug: the money comes back, no seat is sold', async () => {
    await redis.hset(concertKeys(sale.concertId).seats(SCHEDULE), 'A-1-2', 'rsv_other');
    await expect(run()).rejects.toThrow('has lost its seat A-1-2');
    expect(await money()).toEqual(untouched);
    expect(await statusOf()).toBe('HELD');
  });
});

describe('a step without an answer is unknown: nothing is voided on it', () => {
  test.each([
    ['payments/look', untouched],
    ['wallet/authorize', { available: 8_000, pending: 2_000, posted: 0 }],
    ['payments/confirm', { available: 8_000, pending: 2_000, posted: 0 }],
    ['wallet/post', paid],
  ])('reply of %s lost: a repeat has one effect, with the key or without', async (label, left) => {
    await expect(run({ with: hooked({ [label]: replyLost }), key: 'k' })).rejects.toThrow('timed out');
    expect(await money()).toEqual(left);
    expect(await run({ key: 'k' })).toMatchObject({ repeated: false, payment: { balance: 8_000 } });
    expect(await run()).toMatchObject({ repeated: true, payment: { balance: 8_000 } });
    expect(await money()).toEqual(paid);
  });

  test.each(['payments/look', 'wallet/authorize', 'payments/confirm', 'wallet/post'])(
    '%s never sent: a repeat has one effect',
    async (label) => {
      await expect(run({ with: hooked({ [label]: neverSent }) })).rejects.toThrow('timed out');
      expect(await run()).toMatchObject({ payment: { balance: 8_000 } });
      expect(await money()).toEqual(paid);
    },
  );

  test('the sweeper posts what was confirmed', async () => {
    await expect(run({ with: hooked({ 'payments/confirm': replyLost }) })).rejects.toThrow();
    expect(await sweepTransfers(deps, walletPartition(userId)), 'not before the deadline').toBe(0);
    expect(await sweep()).toBe(1);
    expect(await money()).toEqual(paid);
    expect(await sweep()).toBe(0);
  });

  test('the sweeper voids what was not; a confirm that comes after it sells nothing', async () => {
    let late = () => Promise.resolve<unknown>(null);
    const slow = hooked({
      'payments/confirm': ({ send }) => {
        late = send;
        return Promise.reject(timeout());
      },
    });
    await expect(run({ with: slow })).rejects.toThrow();
    expect(await sweep()).toBe(1);
    expect(await money()).toEqual(untouched);
    expect(await late()).toEqual(['MARKED']);
    expect(await statusOf()).toBe('HELD');
    expect(await run()).toMatchObject({ repeated: false });
    expect(await money()).toEqual(paid);
  });

  test('void without an answer: the sweeper gives the money back', async () => {
    const late = hooked({
      'payments/confirm': before(() => ageHold(redis, sale, reservationId)),
      'wallet/void': neverSent,
    });
    await expect(run({ with: late })).rejects.toThrow();
    expect((await money()).pending).toBe(2_000);
    expect(await sweep()).toBe(1);
    expect(await money()).toEqual(untouched);
  });
});

describe('the sweeper in the way while the hold lives', () => {
  test('marked once: voided and paid under a new id', async () => {
    let times = 0;
    const swept = hooked({ 'payments/confirm': before(async () => (times++ === 0 ? sweep() : null)) });
    expect(await run({ with: swept })).toMatchObject({ repeated: false, payment: { balance: 8_000 } });
    expect(times).toBe(2);
    expect(await money()).toEqual(paid);
  });

  test('marked twice: 503, nothing pending, still payable', async () => {
    await expect(run({ with: hooked({ 'payments/confirm': before(sweep) }) })).rejects.toBeInstanceOf(Unavailable);
    expect(await money()).toEqual(untouched);
    expect(await run()).toMatchObject({ repeated: false });
  });
});

describe('a confirmed payment whose transfer is not in the wallet', () => {
  const forget = () => redis.del(walletKeys(userId).transfer(reservationId));

  test('is an alarm, never passed over', async () => {
    await expect(run({ with: hooked({ 'wallet/post': neverSent }) })).rejects.toThrow();
    await forget();
    const { log, alarms } = alarmLog();
    await expect(run({ with: payDeps(redis, log) })).rejects.toThrow('its transfer is NONE');
    expect(alarms).toHaveLength(1);
  });

  test('is done where PostgreSQL has the payment: the transfer was forgotten', async () => {
    const first = await run();
    await forget();
    await redis.hset(concertKeys(sale.concertId).reservation(reservationId), 'recorded_at', '1800000000000');
    const { log, alarms } = alarmLog();
    expect(await run({ with: payDeps(redis, log) })).toEqual({
      repeated: true,
      payment: { ...('payment' in first ? first.payment : {}), recordedAt: '2027-01-15T08:00:00.000Z' },
    });
    expect(alarms).toEqual([]);
  });
});
