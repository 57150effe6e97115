/** Each refusal that the documents show is provoked, and has the members shown. */
import { beforeAll, expect, test } from 'vitest';
import { ERRORS } from '../errors.ts';
import { problemOf, refusalOf } from '../http/answer.ts';
import { PROBLEM_EXAMPLES } from '../http/examples.ts';
import { type CallOptions, concertInput, enter, type Fan, newFans } from '../testing/fan.ts';
import { until } from '../testing/until.ts';
import { type Loose, systemUnderTest } from './contract.fixture.ts';
import { Examples } from './examples.fixture.ts';

const under = await systemUnderTest({ LIMIT_USER_PER_SECOND: '0', LIMIT_POLL_BURST: '0', LIMIT_LOGIN_PER_SECOND: '0' });
let examples: Examples;
let ann: Fan;
let bob: Fan;
/** Ann's queue tokens: ACTIVE in `open`, WAITING in `paused` */
let active: string;
let waiting: string;

const put = (id: string, body: object) => under.operator(`/concerts/${id}`, { method: 'PUT', body });
const hold = (queue: string, ...seatIds: string[]) =>
  under.call('/api/v1/reservations', { queue, body: { scheduleId: 'd1', seatIds } });
const pay = (queue: string, reservationId: string) =>
  under.call('/api/v1/payments', { queue, body: { reservationId } });
const charge = (amount: number, options: CallOptions = {}) =>
  under.call(`/api/v1/users/${ann.userId}/balance`, { queue: active, body: { amount }, ...options });

async function expectRefused(code: string, path: string, options: CallOptions = {}): Promise<void> {
  examples.expectRefused(await under.call(path, options), code);
}

beforeAll(async () => {
  examples = new Examples(under);
  [ann, bob] = (await newFans(under.url, 2)) as [Fan, Fan];
  await put('open', concertInput());
  await put('paused', concertInput({ room: { state: 'PAUSED' } }));
  await put('closed', concertInput({ room: { state: 'CLOSED', opensAt: '2027-12-01T11:00:00Z' } }));
  active = (await enter(under.url, ann, 'open')).token;
  const queued = { body: { concertId: 'paused' }, bearer: ann.accessToken };
  waiting = (await under.call('/api/v1/queue', queued)).body.token;
});

test('who is it, and does it fit', async () => {
  const account = { email: ann.email, password: 'long enough' };
  await expectRefused('VALIDATION', '/api/v1/users', { body: { ...account, password: 'short' } });
  await expectRefused('EMAIL_TAKEN', '/api/v1/users', { body: account });
  await expectRefused('INVALID_CREDENTIALS', '/api/v1/auth/login', { body: account });
  let answer = await under.call('/api/v1/auth/login', { body: account });
  for (let i = 0; i < 10 && answer.status !== 429; i++)
    answer = await under.call('/api/v1/auth/login', { body: account });
  examples.expectRefused(answer, 'RATE_LIMITED');
  await expectRefused('UNAUTHENTICATED', '/api/v1/queue');
  await expectRefused('FORBIDDEN', `/api/v1/users/${bob.userId}/balance`, { bearer: ann.accessToken });
  examples.expectRefused(await under.operator('/concerts/nowhere/stats'), 'CONCERT_NOT_FOUND');
  const key = { bearer: 'operator-key-of-the-tests' };
  await expectRefused('USER_NOT_FOUND', '/api/v1/users/nobody/balance', key);
  await expectRefused('NOT_FOUND', '/api/v1/nowhere');
  await expectRefused('METHOD_NOT_ALLOWED', '/api/v1/queue', { method: 'PUT' });
  const queue = { method: 'POST', bearer: ann.accessToken };
  await expectRefused('BODY_TOO_LARGE', '/api/v1/queue', { ...queue, body: { concertId: 'x'.repeat(70_000) } });
  await expectRefused('UNSUPPORTED_MEDIA_TYPE', '/api/v1/queue', {
    ...queue,
    body: 'concertId=open',
    headers: { 'content-type': 'text/plain' },
  });
  expect(examples.compared.size).toBe(12);
});

test('the waiting room', async () => {
  const join = (concertId: string) => ({ body: { concertId }, bearer: ann.accessToken });
  await expectRefused('ALREADY_QUEUED', '/api/v1/queue', join('paused'));
  await expectRefused('ROOM_CLOSED', '/api/v1/queue', join('closed'));
  await expectRefused('NOT_ACTIVE', '/api/v1/concerts/paused/schedules', { queue: waiting });
  await expectRefused('QUEUE_ID_MISMATCH', '/api/v1/queue/another', { queue: waiting });
  await under.operator('/concerts/paused/room/reset', { method: 'POST' });
  await until(async () => (await under.call('/api/v1/queue', { queue: waiting })).status === 404);
  await expectRefused('QUEUE_NOT_FOUND', '/api/v1/queue', { queue: waiting });
  expect(examples.compared).toContain('QUEUE_NOT_FOUND');
});

test('money', async () => {
  examples.expectRefused(await charge(0), 'INVALID_AMOUNT');
  const headers = { 'idempotency-key': 'once' };
  expect((await charge(10, { headers })).status).toBe(200);
  examples.expectRefused(await charge(20, { headers }), 'IDEMPOTENCY_MISMATCH');
});

test('seats, and paying', async () => {
  const bobs = (await enter(under.url, bob, 'open')).token;
  await expectRefused('SCHEDULE_NOT_FOUND', '/api/v1/concerts/open/schedules/nowhere/seats', { queue: active });
  examples.expectRefused(await hold(active, 'A-1-99'), 'SEAT_NOT_FOUND');
  expect((await hold(bobs, 'A-1-1')).status).toBe(201);
  examples.expectRefused(await hold(active, 'A-1-1'), 'SEAT_TAKEN');
  examples.expectRefused(await hold(active, ...[2, 3, 4, 5, 6].map((n) => `A-1-${n}`)), 'SEAT_LIMIT');
  await expectRefused('RESERVATION_NOT_FOUND', '/api/v1/reservations/rsv_open_none', { queue: active });
  await expectRefused('PAYMENT_NOT_FOUND', '/api/v1/payments/pay_open_none', { queue: active });
  const ids: string[] = [];
  for (const seat of ['A-1-2', 'A-1-3', 'A-1-4']) ids.push((await hold(active, seat)).body.reservationId);
  const [first = '', , third = ''] = ids;
  const at = (id: string) => ({ path: `/api/v1/reservations/${id}`, how: { method: 'DELETE', queue: active } });
  expect((await under.call(at(third).path, at(third).how)).status).toBe(200);
  examples.expectRefused(await pay(active, third), 'RESERVATION_CANCELLED');
  examples.expectRefused(await pay(active, first), 'INSUFFICIENT_BALANCE');
  await charge(5_000);
  expect((await pay(active, first)).status).toBe(201);
  await expectRefused('ALREADY_PAID', at(first).path, at(first).how);
  examples.expectRefused(await hold(active, 'A-1-5'), 'SESSION_OVER');
  examples.expectRefused(await put('open', concertInput({ price: 2_000 })), 'IMPORT_CONFLICT');
});

test('a hold that ran out', async () => {
  await put('short', concertInput({ holdSeconds: 1, price: 1_000_000 }));
  const { token } = await enter(under.url, ann, 'short');
  const { reservationId } = (await hold(token, 'A-1-1')).body;
  let answer = await pay(token, reservationId);
  // Too little money first, so that nothing is bought before the hold is over.
  await until(async () => (answer = await pay(token, reservationId)).body.code !== 'INSUFFICIENT_BALANCE');
  examples.expectRefused(answer, 'RESERVATION_EXPIRED');
  expect(examples.compared).toContain('RESERVATION_EXPIRED');
});

test('Redis away; a bug', async () => {
  const { code, status, ...members } = problemOf(refusalOf(new Error('a bug')));
  expect([code, status]).toEqual(['INTERNAL', 500]);
  const texts = { type: '/docs#INTERNAL', title: ERRORS.INTERNAL.title, detail: ERRORS.INTERNAL.detail };
  examples.compare({ ...texts, ...PROBLEM_EXAMPLES.INTERNAL }, members, 'INTERNAL');
  examples.compared.add('INTERNAL');
  await under.redis.kill9();
  let answer = await under.call('/readyz');
  await until(async () => (answer = await under.call('/readyz')).status === 503);
  examples.expectRefused(answer, 'UNAVAILABLE');
});

test('no code was left out', () => {
  const shown = new Set<string>();
  for (const operation of Object.values<Loose>(under.openApi.paths).flatMap((one) => Object.values<Loose>(one)))
    for (const { content } of Object.values<Loose>(operation.responses))
      for (const code of Object.keys(content?.['application/problem+json']?.examples ?? {})) shown.add(code);
  expect([...shown].filter((code) => !examples.compared.has(code))).toEqual([]);
  expect(new Set([...shown, 'METHOD_NOT_ALLOWED'])).toEqual(new Set(Object.keys(ERRORS)));
});
