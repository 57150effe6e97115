import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { flush, testRedis } from '../testing/connect.ts';
import { concertInput } from '../testing/fan.ts';
import { Api } from './api.fixture.ts';
import { type CallOptions, OPERATOR_KEY } from './http.fixture.ts';

const redis = await testRedis();
const api = new Api(redis);
const { start, call, putConcert, fan, join, enter, hold, charge } = api;
beforeEach(async () => {
  await flush(redis);
  await start();
});
afterEach(api.close);

describe('holds and payments', () => {
  beforeEach(() => putConcert('winter', concertInput({ seats: 3, price: 700 })));

  test('hold, pay, and the payment again', async () => {
    const ann = await fan();
    const { token: queue } = await enter(ann, 'winter');
    const held = await hold(queue, ['A-1-1', 'A-1-2']);
    expect(held).toMatchObject({ status: 201, body: { status: 'HELD', amount: 1400 } });
    expect(held.headers.get('location')).toBe(`/api/v1/reservations/${held.body.reservationId}`);
    const pay = (options: CallOptions) =>
      call('/api/v1/payments', { body: { reservationId: held.body.reservationId }, ...options });
    expect((await pay({ queue })).body).toMatchObject({ code: 'INSUFFICIENT_BALANCE', balance: 0, required: 1400 });
    expect((await pay({ bearer: ann.access })).body).toMatchObject({ code: 'NOT_ACTIVE', position: null });
    await charge(ann.userId, { amount: 2000 }, { queue });
    const keyed = { queue, headers: { 'idempotency-key': 'p' } };
    const paid = await pay(keyed);
    expect(paid).toMatchObject({ status: 201, body: { status: 'CONFIRMED', balance: 600 } });
    expect((await pay(keyed)).status).toBe(201);
    expect((await pay({ queue })).status).toBe(200);
    expect((await pay({ bearer: ann.access })).body.paymentId).toBe(paid.body.paymentId);

    const [payment, reservation] = [
      `/api/v1/payments/${paid.body.paymentId}`,
      `/api/v1/reservations/${held.body.reservationId}`,
    ];
    for (const options of [{ queue }, { bearer: ann.access }, { bearer: OPERATOR_KEY }]) {
      expect((await call(payment, options)).body.amount).toBe(1400);
      expect((await call(reservation, options)).body.status).toBe('CONFIRMED');
    }
    const bob = await fan();
    expect((await call(payment, { bearer: bob.access })).body.code).toBe('PAYMENT_NOT_FOUND');
    expect((await call(reservation, { bearer: bob.access })).body.code).toBe('RESERVATION_NOT_FOUND');
    expect((await call('/api/v1/payments/pay_no', { bearer: OPERATOR_KEY })).body.code).toBe('PAYMENT_NOT_FOUND');
    expect((await call(reservation, { method: 'DELETE', bearer: ann.access })).body.code).toBe('ALREADY_PAID');
    const list = `/api/v1/users/${ann.userId}/reservations`;
    expect((await call(`${list}?status=CONFIRMED`, { queue })).body.reservations).toHaveLength(1);
    expect((await call(`${list}?limit=101`, { queue })).body.code).toBe('VALIDATION');
    const history = await call(`/api/v1/users/${ann.userId}/balance/history`, { queue });
    expect(history.body.entries.map((entry: { amount: number }) => entry.amount)).toEqual([-1400, 2000]);
  });

  test('while Redis is fuller still, payments and charges wait; what exists is shown, and leaving goes on', async () => {
    const ann = await fan();
    const { token: queue, queueId } = await enter(ann, 'winter');
    await charge(ann.userId, { amount: 2000 }, { queue });
    const [first, second, third] = [
      await hold(queue, ['A-1-1']),
      await hold(queue, ['A-1-2']),
      await hold(queue, ['A-1-3']),
    ];
    const pay = (held: typeof first) =>
      call('/api/v1/payments', { body: { reservationId: held.body.reservationId }, queue });
    const { memory } = api.served.app;
    memory.full = () => true;
    const paid = await pay(first);
    expect(paid.status, 'above the lower share only joins and holds wait').toBe(201);

    memory.brimful = () => true;
    for (const refused of [await pay(second), await charge(ann.userId, { amount: 1000 }, { queue })]) {
      expect(refused).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
      expect(refused.headers.get('retry-after')).toBe('5');
    }
    expect(await pay(first)).toMatchObject({ status: 200, body: { paymentId: paid.body.paymentId } });
    const balance = await call(`/api/v1/users/${ann.userId}/balance`, { queue });
    expect(balance.body.balance).toBe(1300);
    const reservation = `/api/v1/reservations/${third.body.reservationId}`;
    expect((await call(reservation, { method: 'DELETE', bearer: ann.access })).status).toBe(200);
    memory.brimful = () => false;
    expect((await pay(second)).status).toBe(201);
    memory.brimful = () => true;
    expect((await call(`/api/v1/queue/${queueId}`, { method: 'DELETE', queue })).status).toBe(204);
  });

  test('a hold needs a queue token; its body is checked first', async () => {
    const ann = await fan();
    const post = (body: unknown, options: CallOptions) => call('/api/v1/reservations', { body, ...options });
    expect((await post({ scheduleId: 'd1', seatIds: [] }, { bearer: ann.access })).body).toMatchObject({
      code: 'VALIDATION',
      errors: [{ path: '/seatIds' }],
    });
    expect((await post({ scheduleId: 'd1', seatIds: ['A-1-1', 'A-1-1'] }, { bearer: ann.access })).body.code).toBe(
      'VALIDATION',
    );
    expect((await post({ scheduleId: 'd1', seatIds: ['A-1-1'] }, { bearer: ann.access })).body).toMatchObject({
      code: 'NOT_ACTIVE',
      position: null,
    });
    const { token: queue } = await enter(ann, 'winter');
    expect((await hold(queue, ['A-1-9'])).body).toMatchObject({ code: 'SEAT_NOT_FOUND', seatIds: ['A-1-9'] });
  });

  test('cancel is repeatable', async () => {
    const { token: queue } = await enter(await fan(), 'winter');
    const { body } = await hold(queue, ['A-1-1']);
    for (let i = 0; i < 2; i++) {
      const cancelled = await call(`/api/v1/reservations/${body.reservationId}`, { method: 'DELETE', queue });
      expect(cancelled).toMatchObject({ status: 200, body: { status: 'CANCELLED' } });
    }
  });
});

describe('the wallet', () => {
  test.each([
    [{}],
    [{ amount: 0 }],
    [{ amount: 1.5 }],
    [{ amount: '5' }],
    [{ amount: null }],
    [{ amount: 10_000_001 }],
    [undefined],
  ])('INVALID_AMOUNT: %j', async (body) => {
    const ann = await fan();
    const answer = await charge(ann.userId, body, { method: 'POST', bearer: ann.access });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_AMOUNT', min: 1, max: 10_000_000 } });
  });

  test('VALIDATION for what is no amount at all', async () => {
    const ann = await fan();
    expect((await charge(ann.userId, { amount: 5, currency: 'USD' }, { bearer: ann.access })).body.code).toBe(
      'VALIDATION',
    );
    expect((await charge(ann.userId, '{"amount":', { bearer: ann.access })).body.code).toBe('VALIDATION');
  });

  test('somebody else’s is FORBIDDEN, whether they exist or not; the operator may', async () => {
    const [ann, bob] = [await fan(), await fan()];
    for (const userId of [ann.userId, 'u_nobody']) {
      expect((await charge(userId, { amount: 5 }, { bearer: bob.access })).body.code).toBe('FORBIDDEN');
      expect((await call(`/api/v1/users/${userId}/balance`, { bearer: bob.access })).body.code).toBe('FORBIDDEN');
    }
    expect((await charge(ann.userId, { amount: 5 }, { bearer: OPERATOR_KEY })).body).toMatchObject({ balance: 5 });
    expect((await charge('u_nobody', { amount: 5 }, { bearer: OPERATOR_KEY })).body.code).toBe('USER_NOT_FOUND');
  });

  test('a repeat is one charge; another payload is 422', async () => {
    const ann = await fan();
    const keyed = (amount: number) =>
      charge(ann.userId, { amount }, { bearer: ann.access, headers: { 'idempotency-key': 'k' } });
    const first = await keyed(5);
    expect(await keyed(5)).toMatchObject({ status: 200, body: first.body });
    expect(await keyed(6)).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_MISMATCH' } });
  });

  test('a repeat may write its path in another way', async () => {
    const ann = await fan();
    const headers = { 'idempotency-key': 'k' };
    const own = await charge(ann.userId, { amount: 5 }, { bearer: ann.access, headers });
    const encoded = ann.userId.replace('u', '%75');
    expect((await charge(encoded, { amount: 5 }, { bearer: ann.access, headers })).body).toEqual(own.body);
  });

  test('BALANCE_REQUIRES_ACTIVE: balance, charge and history need an ACTIVE place; a repeat does not', async () => {
    await start({ config: { balanceRequiresActive: true } });
    await putConcert('winter', concertInput({ room: { capacity: 1 } }));
    const [ann, bob] = [await fan(), await fan()];
    const paths = [`/api/v1/users/${ann.userId}/balance`, `/api/v1/users/${ann.userId}/balance/history`];
    for (const path of paths)
      expect((await call(path, { bearer: ann.access })).body).toMatchObject({ code: 'NOT_ACTIVE', position: null });
    const { queueId, token: queue } = await enter(ann, 'winter');
    for (const path of paths) expect((await call(path, { queue })).status).toBe(200);
    const keyed = () => charge(ann.userId, { amount: 5 }, { queue, headers: { 'idempotency-key': 'k' } });
    const first = await keyed();
    expect(first.status).toBe(200);
    expect((await call(paths[0] ?? '', { bearer: OPERATOR_KEY })).status).toBe(200);
    const waiting = await join(bob, 'winter');
    const refused = async () => (await charge(bob.userId, { amount: 5 }, { queue: waiting.token })).body;
    // The position is told from the last tick, which may not have seen the admission yet.
    await expect.poll(refused).toMatchObject({ code: 'NOT_ACTIVE', status: 'WAITING', position: 1 });
    await call(`/api/v1/queue/${queueId}`, { method: 'DELETE', queue });
    expect((await charge(ann.userId, { amount: 5 }, { queue })).body.code).toBe('NOT_ACTIVE');
    expect((await keyed()).body).toEqual(first.body);
  });
});
