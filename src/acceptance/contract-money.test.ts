/** The contract's wallet and payments, and the life of a place around a payment. */
import { beforeAll, describe, expect, test } from 'vitest';
import { call as rawCall, concertInput, enter, type Fan, newFans } from '../testing/fan.ts';
import { OPERATOR_KEY, type System } from '../testing/system.ts';
import { until } from '../testing/until.ts';
import { count, expectShape, type Loose, SEAT, systemUnderTest, text, time, SOON_MS } from './contract.fixture.ts';

const under = await systemUnderTest();
const pool: Fan[] = [];
/** the same data, with BALANCE_REQUIRES_ACTIVE=true */
let strict: System;

beforeAll(async () => {
  const [fans, other] = await Promise.all([newFans(under.url, 20), under.another({ BALANCE_REQUIRES_ACTIVE: 'true' })]);
  pool.push(...fans);
  strict = other;
  await put('c1', concertInput({ seats: 60, seatLimit: 8 }));
  await put('c2', concertInput());
}, 60_000);

function aFan(): Fan {
  const fan = pool.pop();
  if (!fan) throw new Error('no fans left');
  return fan;
}

let nextSeat = 1;
const aSeat = () => `A-1-${nextSeat++}`;

const put = (concertId: string, body: object) => under.operator(`/concerts/${concertId}`, { method: 'PUT', body });
const wallet = (fan: Fan, path = '') => `/api/v1/users/${fan.userId}/balance${path}`;
const charge = (fan: Fan, amount: unknown, headers = {}) =>
  under.call(wallet(fan), { body: { amount }, bearer: fan.accessToken, headers });
const balance = async (fan: Fan) => (await under.call(wallet(fan), { bearer: fan.accessToken })).body.balance;
const history = async (fan: Fan, query = '') =>
  (await under.call(wallet(fan, `/history${query}`), { bearer: fan.accessToken })).body;
const hold = (queue: string, seatIds: string[], headers = {}) =>
  under.call('/api/v1/reservations', { body: { scheduleId: 'd1', seatIds }, queue, headers });
const pay = (queue: string, reservationId: string, headers = {}) =>
  under.call('/api/v1/payments', { body: { reservationId }, queue, headers });
const cancel = (reservationId: string, queue: string) =>
  under.call(`/api/v1/reservations/${reservationId}`, { method: 'DELETE', queue });
const poll = async (queue: string) => (await under.call('/api/v1/queue', { queue })).body;

/** A fan with an ACTIVE place, money and holds. */
async function buyer({ concertId = 'c1', money = 10_000, holds = 1 } = {}) {
  const fan = aFan();
  const { token, queueId } = await enter(under.url, fan, concertId);
  if (money > 0) await charge(fan, money);
  const held: Loose[] = [];
  for (let i = 0; i < holds; i++) held.push((await hold(token, [aSeat()])).body);
  return { fan, token, queueId, held };
}

describe('a charge', () => {
  test('answers the new balance and an id, which the history names', async () => {
    const fan = aFan();
    expect((await under.call(wallet(fan), { bearer: fan.accessToken })).body).toStrictEqual({
      userId: fan.userId,
      balance: 0,
      currency: 'KRW',
    });
    const { status, body } = await charge(fan, 1);
    expect([status, body]).toEqual([
      200,
      { userId: fan.userId, balance: 1, currency: 'KRW', chargeId: expect.any(String) },
    ]);
    const { entries } = await history(fan);
    expect(entries).toStrictEqual([
      { entryId: text, kind: 'CHARGE', amount: 1, balance: 1, at: time, reference: body.chargeId },
    ]);
  });

  test.each([undefined, null, 0, -1, 1.5, '100', 10_000_001, 1e21, true, [], {}])(
    'of %j is INVALID_AMOUNT with its bounds',
    async (amount) => {
      const fan = pool[0] as Fan;
      const before = await balance(fan);
      expect((await charge(fan, amount)).body).toMatchObject({
        status: 400,
        code: 'INVALID_AMOUNT',
        min: 1,
        max: 10_000_000,
      });
      expect(await balance(fan)).toBe(before);
    },
  );

  test('may fill a wallet to 1,000,000,000 and not beyond', async () => {
    const fan = aFan();
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 10 }, () => charge(fan, 10_000_000)));
    expect(await balance(fan)).toBe(1_000_000_000);
    expect((await charge(fan, 1)).body).toMatchObject({ code: 'INVALID_AMOUNT', min: 1 });
    expect(await balance(fan)).toBe(1_000_000_000);
  });

  test('is made once for one Idempotency-Key; another payload is 422; the key is the user’s', async () => {
    const [fan, other] = [aFan(), aFan()];
    const key = { 'idempotency-key': 'charge-1' };
    expect((await charge(fan, 0, key)).status).toBe(400);
    const first = await charge(fan, 500, key);
    await charge(fan, 7);
    const again = await charge(fan, 500, key);
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect((await charge(fan, 501, key)).body.code).toBe('IDEMPOTENCY_MISMATCH');
    expect((await charge(other, 501, key)).body.balance).toBe(501);
    const desk = await under.call(wallet(fan), { body: { amount: 500 }, bearer: OPERATOR_KEY, headers: key });
    expect(desk.body).toEqual(first.body);
    expect(await balance(fan)).toBe(507);
  });
});

describe('a payment', () => {
  test('has the members of the contract; a repeat gives 200 and the same; it is in the history, the lists, and PostgreSQL', async () => {
    const { fan, token, held } = await buyer();
    const paid = await pay(token, held[0].reservationId);
    expect([paid.status, paid.headers.get('location')]).toEqual([201, `/api/v1/payments/${paid.body.paymentId}`]);
    expectShape('payment', paid.body);
    expect(paid.body).toMatchObject({
      reservationId: held[0].reservationId,
      userId: fan.userId,
      concertId: 'c1',
      scheduleId: 'd1',
      amount: 1_000,
      balance: 9_000,
      seats: held[0].seats,
      recordedAt: null,
    });
    expect(paid.body.seats).toStrictEqual([SEAT]);
    for (const again of [
      await pay(token, held[0].reservationId),
      await under.call(`/api/v1/payments/${paid.body.paymentId}`, { bearer: fan.accessToken }),
    ])
      expect([again.status, again.body]).toEqual([
        200,
        { ...paid.body, recordedAt: expect.toBeOneOf([null, expect.any(String)]) },
      ]);
    const { entries } = await history(fan);
    expect(entries).toMatchObject([
      { kind: 'PAYMENT', amount: -1_000, balance: 9_000, reference: paid.body.paymentId },
      { kind: 'CHARGE', amount: 10_000, balance: 10_000 },
    ]);
    const reservation = await under.call(`/api/v1/reservations/${held[0].reservationId}`, { queue: token });
    expectShape('reservation', reservation.body);
    expect(reservation.body).toMatchObject({ status: 'CONFIRMED', paymentId: paid.body.paymentId });
    expect((await cancel(held[0].reservationId, token)).body).toMatchObject({
      code: 'ALREADY_PAID',
      paymentId: paid.body.paymentId,
    });
    const answeredMs = Date.now();
    let recorded: Loose;
    await until(
      async () =>
        (recorded = (await under.call(`/api/v1/payments/${paid.body.paymentId}`, { queue: token })).body).recordedAt !==
        null,
    );
    expect(Date.parse(recorded.recordedAt) - answeredMs).toBeLessThan(5_000);
    expect(recorded).toEqual({ ...paid.body, recordedAt: recorded.recordedAt });
  });

  test('with too little is INSUFFICIENT_BALANCE; the hold stays', async () => {
    const { fan, token, held } = await buyer({ money: 999 });
    expect((await pay(token, held[0].reservationId)).body).toMatchObject({
      status: 400,
      code: 'INSUFFICIENT_BALANCE',
      balance: 999,
      required: 1_000,
    });
    expect((await under.call(`/api/v1/reservations/${held[0].reservationId}`, { queue: token })).body.status).toBe(
      'HELD',
    );
    await charge(fan, 1);
    expect((await pay(token, held[0].reservationId)).body).toMatchObject({ balance: 0 });
  });

  test('of what was cancelled, or of nothing, is refused', async () => {
    const { token, held, fan } = await buyer();
    await cancel(held[0].reservationId, token);
    expect((await pay(token, held[0].reservationId)).body).toMatchObject({
      status: 409,
      code: 'RESERVATION_CANCELLED',
    });
    for (const id of ['rsv_none', `rsv_c1_${'0'.repeat(32)}`, `rsv_c2_${'0'.repeat(32)}`, 'pay_x', ' '])
      expect((await pay(token, id)).body.code, id).toBe('RESERVATION_NOT_FOUND');
    for (const id of [
      'pay_none',
      `pay_c1_${'0'.repeat(32)}`,
      held[0].reservationId,
      held[0].reservationId.replace('rsv', 'pay'),
    ])
      expect((await under.call(`/api/v1/payments/${id}`, { queue: token })).body.code, id).toBe('PAYMENT_NOT_FOUND');
    expect(
      (await under.call(`/api/v1/reservations/${held[0].reservationId.replace('rsv', 'pay')}`, { queue: token })).body
        .code,
    ).toBe('RESERVATION_NOT_FOUND');
    expect(await balance(fan)).toBe(10_000);
  });

  test('makes the place USED; a user may queue again', async () => {
    const { fan, token, held } = await buyer();
    await pay(token, held[0].reservationId);
    expect(await poll(token)).toMatchObject({ status: 'USED', reason: 'PAID', expiresAt: null });
    expect((await hold(token, [aSeat()])).body).toMatchObject({ code: 'NOT_ACTIVE', status: 'USED', position: null });
    const again = await enter(under.url, fan, 'c1');
    const more = await hold(again.token, [
      'A-1-50',
      'A-1-51',
      'A-1-52',
      'A-1-53',
      'A-1-54',
      'A-1-55',
      'A-1-56',
      'A-1-57',
    ]);
    expect(more.body).toMatchObject({ code: 'SEAT_LIMIT', limit: 8, held: 0, bought: 1 });
  });

  test.each(['paid', 'cancelled'] as const)(
    'with another live hold keeps the place ACTIVE for that alone, until it is %s',
    async (how) => {
      const { token, held } = await buyer({ holds: 2 });
      const [first, second] = held;
      await pay(token, first.reservationId);
      expect(await poll(token)).toMatchObject({ status: 'ACTIVE', expiresAt: second.expiresAt });
      const refused = await hold(token, [aSeat()]);
      expect(refused.body).toMatchObject({ status: 403, code: 'SESSION_OVER', expiresAt: second.expiresAt });
      expect((await under.call('/api/v1/concerts/c1/schedules', { queue: token })).status).toBe(200);
      if (how === 'paid') expect((await pay(token, second.reservationId)).status).toBe(201);
      else expect((await cancel(second.reservationId, token)).status).toBe(200);
      expect(await poll(token)).toMatchObject({ status: 'USED', reason: 'PAID' });
    },
  );

  test('with another live hold: USED when that one is over by time', async () => {
    await put('brief', concertInput());
    const fan = aFan();
    const { token } = await enter(under.url, fan, 'brief');
    await charge(fan, 5_000);
    const first = await hold(token, ['A-1-1']);
    await put('brief', concertInput({ holdSeconds: 6 })); // long enough to be looked at
    const second = await hold(token, ['A-1-2']);
    expect((await pay(token, first.body.reservationId)).status).toBe(201);
    expect(await poll(token)).toMatchObject({ status: 'ACTIVE', expiresAt: second.body.expiresAt });
    await until(async () => (await poll(token)).status === 'USED', { everyMs: 50 });
    expect(await poll(token)).toMatchObject({ reason: 'PAID' });
  });

  test('can be made with whichever place of its user is ACTIVE in that room, since a hold is the user’s', async () => {
    await put('brief-session', { ...concertInput(), room: { ...concertInput().room, sessionSeconds: 1 } });
    const fan = aFan();
    await charge(fan, 5_000);
    const first = await enter(under.url, fan, 'c2');
    const held = await hold(first.token, ['A-1-40']);
    await under.operator('/concerts/c2/room', { method: 'PATCH', body: { reentry: 'supersede' } });
    const second = await enter(under.url, fan, 'c2');
    expect((await pay(first.token, held.body.reservationId)).body).toMatchObject({
      code: 'NOT_ACTIVE',
      status: 'EXPIRED',
    });
    expect((await pay(second.token, held.body.reservationId)).status).toBe(201);
  });
});

describe('repeats come before the guard', () => {
  test('a payment of yours that exists, whatever the token’s place, its concert, or with the access token alone', async () => {
    const { fan, token, held } = await buyer();
    const key = { 'idempotency-key': 'pay-1' };
    const paid = await pay(token, held[0].reservationId, key);
    expect(paid.status).toBe(201);
    expect((await poll(token)).status).toBe('USED');
    const keyed = await pay(token, held[0].reservationId, key);
    expect([keyed.status, keyed.body]).toEqual([201, paid.body]); // the first success as it was
    const same = { ...paid.body, recordedAt: expect.toBeOneOf([null, expect.any(String)]) };
    const elsewhere = await enter(under.url, fan, 'c2');
    const waiting = await put('idle', concertInput({ room: { state: 'PAUSED' } })).then(() =>
      under.call('/api/v1/queue', { body: { concertId: 'idle' }, bearer: fan.accessToken }),
    );
    for (const credential of [
      { queue: token },
      { bearer: fan.accessToken },
      { queue: elsewhere.token },
      { queue: waiting.body.token },
    ]) {
      const again = await under.call('/api/v1/payments', {
        body: { reservationId: held[0].reservationId },
        ...credential,
      });
      expect([again.status, again.body]).toEqual([200, same]);
    }
    expect(await balance(fan)).toBe(9_000);
    expect((await pay(token, 'rsv_other', key)).body.code).toBe('IDEMPOTENCY_MISMATCH');
  });

  test('of others and of nothing they do not: NOT_ACTIVE', async () => {
    const { held, fan, token } = await buyer({ holds: 2 });
    const other = aFan();
    const { paymentId } = (await pay(token, held[1].reservationId)).body;
    for (const reservationId of [paymentId, 'rsv_none'])
      expect(
        (await under.call('/api/v1/payments', { body: { reservationId }, bearer: fan.accessToken })).body.code,
      ).toBe('NOT_ACTIVE');
    for (const bearer of [fan.accessToken, other.accessToken])
      expect(
        (await under.call('/api/v1/payments', { body: { reservationId: held[0].reservationId }, bearer })).body,
      ).toMatchObject({ code: 'NOT_ACTIVE', status: null, position: null });
    const queued = await under.call('/api/v1/queue', { body: { concertId: 'idle' }, bearer: other.accessToken });
    expect((await pay(queued.body.token, held[0].reservationId)).body).toMatchObject({
      code: 'NOT_ACTIVE',
      status: 'WAITING',
      position: count,
    });
  });
});

describe('BALANCE_REQUIRES_ACTIVE', () => {
  test('balance, charge and history need an ACTIVE place of the room that the queue token names; repeats and operators do not', async () => {
    const { fan, token, queueId } = await buyer({ money: 0, holds: 0 });
    const key = { 'idempotency-key': 'strict' };
    const paths = [wallet(fan), wallet(fan, '/history')];
    const asked = (path: string, options: object) => rawCall(strict.url, path, options);
    for (const path of paths) {
      expect((await asked(path, { queue: token })).status).toBe(200);
      expect((await asked(path, { queue: token, bearer: fan.accessToken })).status).toBe(200);
      expect((await asked(path, { bearer: fan.accessToken })).body).toMatchObject({
        code: 'NOT_ACTIVE',
        status: null,
        position: null,
      });
      expect((await asked(path, { bearer: OPERATOR_KEY })).status).toBe(200);
    }
    const first = await asked(wallet(fan), { body: { amount: 9 }, queue: token, headers: key });
    expect(first.body).toMatchObject({ balance: 9 });
    await under.call(`/api/v1/queue/${queueId}`, { method: 'DELETE', queue: token });
    await until(async () => (await asked(wallet(fan), { queue: token })).status === 403, { timeoutMs: SOON_MS });
    expect((await asked(wallet(fan), { queue: token })).body).toMatchObject({
      code: 'NOT_ACTIVE',
      status: 'LEFT',
      position: null,
    });
    expect((await asked(wallet(fan), { body: { amount: 9 }, queue: token, headers: key })).body).toEqual(first.body);
    expect((await asked(wallet(fan), { body: { amount: 9 }, queue: token })).body.code).toBe('NOT_ACTIVE');
    for (const path of paths) expect((await under.call(path, { queue: token })).status).toBe(200);
  });
});

test('the books: the audit is clean, with the numbers of the contract', async () => {
  await until(async () => (await under.operator('/audit')).body.outbox === 0, { everyMs: 200 });
  const { body } = await under.operator('/audit');
  expect(body).toStrictEqual({
    clean: true,
    differences: [],
    wallets: count,
    pending: count,
    payments: count,
    charges: count,
    seatsSold: count,
    seatsRecorded: count,
    outbox: count,
  });
  expect(body.wallets + body.pending + body.payments).toBe(body.charges);
  expect(body.seatsSold).toBe(body.seatsRecorded + body.outbox);
  expect(body.charges).toBeGreaterThan(1_000_000_000);
});
