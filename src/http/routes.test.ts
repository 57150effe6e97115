import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { directoryKeys } from '../redis/keys.ts';
import { stopClock } from '../testing/clock.ts';
import { flush, testRedis } from '../testing/connect.ts';
import { concertInput } from '../testing/fan.ts';
import { Api } from './api.fixture.ts';
import { OPERATOR_KEY } from './http.fixture.ts';

const redis = await testRedis();
const api = new Api(redis);
const { start, call, operator, putConcert, fan, join, enter, hold } = api;
beforeEach(async () => {
  await flush(redis);
  await start();
});
afterEach(api.close);

describe('accounts', () => {
  const ann = { email: 'Ann@Example.com', password: 'correct horse' };

  test('sign-up, login, and a token that opens the door', async () => {
    const signedUp = await call('/api/v1/users', { body: { ...ann, name: 'Ann' } });
    expect(signedUp.status).toBe(201);
    const login = await call('/api/v1/auth/login', { body: { ...ann, email: 'ann@example.com' } });
    expect(login).toMatchObject({
      status: 200,
      body: { tokenType: 'Bearer', expiresInSeconds: 43_200, userId: signedUp.body.userId },
    });
    const balance = await call(`/api/v1/users/${login.body.userId}/balance`, { bearer: login.body.accessToken });
    expect(balance.body).toEqual({ userId: login.body.userId, balance: 0, currency: 'KRW' });
  });

  test('EMAIL_TAKEN, INVALID_CREDENTIALS', async () => {
    await call('/api/v1/users', { body: ann });
    expect((await call('/api/v1/users', { body: { ...ann, email: 'ann@example.com' } })).body.code).toBe('EMAIL_TAKEN');
    expect((await call('/api/v1/auth/login', { body: { ...ann, password: 'wrong' } })).body.code).toBe(
      'INVALID_CREDENTIALS',
    );
    expect((await call('/api/v1/auth/login', { body: { ...ann, email: 'bob@example.com' } })).body.code).toBe(
      'INVALID_CREDENTIALS',
    );
  });

  test.each([
    [{ email: 'no address' }, '/email'],
    [{ email: 'a@b@c' }, '/email'],
    [{ password: 'seven 7' }, '/password'],
    [{ password: 'x'.repeat(129) }, '/password'],
    [{ name: '' }, '/name'],
    [{ role: 'admin' }, '/role'],
  ])('VALIDATION: %j', async (change, path) => {
    const answer = await call('/api/v1/users', { body: { ...ann, ...change } });
    expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION', errors: [{ path }] } });
  });

  test('with an outside provider both answer 404, and users come into being at their first call', async () => {
    await start({ tokenSettings: { jwksUrl: 'http://127.0.0.1:1/', jwtIssuer: 'i', jwtAudience: 'a' } });
    for (const path of ['/api/v1/users', '/api/v1/auth/login']) {
      expect(await call(path, { body: ann })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    }
  });
});

describe('the waiting room', () => {
  beforeEach(() => putConcert('winter', concertInput({ room: { capacity: 1 } })));

  test('join: 201 with Location, then ALREADY_QUEUED with the ticket and its token', async () => {
    const ann = await fan();
    const joined = await call('/api/v1/queue', { body: { concertId: 'winter' }, bearer: ann.access });
    expect(joined).toMatchObject({
      status: 201,
      body: { status: 'WAITING', position: 1, ahead: 0, token: expect.any(String) },
    });
    expect(joined.headers.get('location')).toBe(`/api/v1/queue/${joined.body.queueId}`);
    const again = await call('/api/v1/queue', { body: { concertId: 'winter' }, bearer: ann.access });
    expect(again).toMatchObject({
      status: 409,
      body: { code: 'ALREADY_QUEUED', ticket: { queueId: joined.body.queueId, token: expect.any(String) } },
    });
  });

  test('join needs the access token, a user who is there, a concert that is there', async () => {
    const ann = await fan();
    const { token } = await join(ann, 'winter');
    expect((await call('/api/v1/queue', { body: { concertId: 'winter' }, queue: token })).status).toBe(401);
    const ghost = api.served.app.tokens.signAccess('u_ghost');
    expect((await call('/api/v1/queue', { body: { concertId: 'winter' }, bearer: ghost })).body.code).toBe(
      'USER_NOT_FOUND',
    );
    expect((await call('/api/v1/queue', { body: { concertId: 'summer' }, bearer: ann.access })).body.code).toBe(
      'CONCERT_NOT_FOUND',
    );
    expect((await call('/api/v1/queue', { body: { concertId: 'NO' }, bearer: ann.access })).body.code).toBe(
      'VALIDATION',
    );
  });

  test('a repeat by Idempotency-Key is the first success, status included; another payload is 422', async () => {
    await putConcert('summer');
    const ann = await fan();
    const keyed = (concertId: string) =>
      call('/api/v1/queue', { body: { concertId }, bearer: ann.access, headers: { 'idempotency-key': 'k' } });
    const first = await keyed('winter');
    const second = await keyed('winter');
    expect([second.status, second.body.queueId]).toEqual([201, first.body.queueId]);
    expect((await keyed('summer')).status).toBe(201);
  });

  test('poll by id and by token; QUEUE_ID_MISMATCH; 401 without the queue token', async () => {
    const ann = await fan();
    const { queueId, token } = await join(ann, 'winter');
    const polled = await call(`/api/v1/queue/${queueId}`, { queue: token });
    expect(polled).toMatchObject({ status: 200, body: { queueId, token, status: 'WAITING' } });
    expect((await call('/api/v1/queue', { headers: { 'user-token': `Bearer ${token}` } })).body.queueId).toBe(queueId);
    expect((await call('/api/v1/queue/q_other', { queue: token })).body.code).toBe('QUEUE_ID_MISMATCH');
    expect((await call(`/api/v1/queue/${queueId}`, { bearer: ann.access })).status).toBe(401);
  });

  test('whoever obeys pollAfterSeconds meets no limit; a bucket of 8 does not last for haste', async () => {
    await start({ limits: { pollBurst: 8 } });
    const { queueId, token } = await join(await fan(), 'winter');
    stopClock(); // or what takes long gives tokens back
    const poll = () => call(`/api/v1/queue/${queueId}`, { queue: token });
    for (let i = 0; i < 8; i++) expect((await poll()).status).toBe(200);
    for (let i = 0; i < 2; i++) expect(await poll()).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
  });

  test('leave: 204, and 204 again', async () => {
    const { queueId, token } = await join(await fan(), 'winter');
    for (let i = 0; i < 2; i++)
      expect((await call(`/api/v1/queue/${queueId}`, { method: 'DELETE', queue: token })).status).toBe(204);
    expect((await call(`/api/v1/queue/${queueId}`, { queue: token })).body).toMatchObject({
      status: 'LEFT',
      reason: 'LEFT',
    });
  });

  test('places: with tokens for their user, without for operators, for nobody else', async () => {
    const [ann, bob] = [await fan(), await fan()];
    await join(ann, 'winter');
    const path = `/api/v1/users/${ann.userId}/places`;
    expect((await call(path, { bearer: bob.access })).body.code).toBe('FORBIDDEN');
    expect((await call(`/api/v1/users/u_nobody/places`, { bearer: OPERATOR_KEY })).body.code).toBe('USER_NOT_FOUND');
    await expect.poll(async () => (await call(path, { bearer: ann.access })).body.places.length).toBe(1);
    expect((await call(path, { bearer: ann.access })).body.places[0]).toHaveProperty('token');
    expect((await call(path, { bearer: OPERATOR_KEY })).body.places[0]).not.toHaveProperty('token');
  });

  test('the room is for a CDN', async () => {
    const room = await call('/api/v1/concerts/winter/room');
    expect(room.headers.get('cache-control')).toBe('public, max-age=1');
    expect((await call('/api/v1/concerts/nope/room')).headers.get('cache-control')).toBe('no-store');
  });

  test('while Redis is nearly full, joins and holds wait', async () => {
    const ann = await fan();
    api.served.app.memory.full = () => true;
    const refused = await call('/api/v1/queue', { body: { concertId: 'winter' }, bearer: ann.access });
    expect(refused).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
    expect(refused.headers.get('retry-after')).toBe('5');
  });
});

describe('dates and seats', () => {
  beforeEach(() => putConcert('winter', concertInput({ seats: 3, schedules: ['d1', 'd2'] })));
  const seats = '/api/v1/concerts/winter/schedules/d1/seats';

  test('are for ACTIVE places of that room; a concert that is not there comes first', async () => {
    await putConcert('summer');
    const ann = await fan();
    expect((await call(seats)).status).toBe(401);
    expect((await call(`${seats}?status=NO`, { bearer: ann.access })).body.code).toBe('VALIDATION');
    expect((await call(seats.replace('winter', 'nope'), { bearer: ann.access })).body.code).toBe('CONCERT_NOT_FOUND');
    expect((await call(seats, { bearer: ann.access })).body).toMatchObject({
      code: 'NOT_ACTIVE',
      status: null,
      position: null,
    });
    const summer = await enter(ann, 'summer');
    expect((await call(seats, { queue: summer.token })).body).toMatchObject({ code: 'NOT_ACTIVE', position: null });
    const waiting = await join(ann, 'winter');
    expect(await call(seats, { queue: waiting.token })).toMatchObject({
      status: 403,
      body: { code: 'NOT_ACTIVE', status: 'WAITING', position: 1 },
    });
  });

  test('every form of the question', async () => {
    const { token: queue } = await enter(await fan(), 'winter');
    expect((await call('/api/v1/concerts/winter/schedules', { queue })).body.schedules).toHaveLength(2);
    expect(
      (await call('/api/v1/concerts/winter/schedules?from=2027-12-21&to=2027-12-21&soldOut=true', { queue })).body
        .schedules,
    ).toMatchObject([{ scheduleId: 'd2' }]);
    expect((await call('/api/v1/concerts/winter/schedules?from=2027-02-30', { queue })).body.code).toBe('VALIDATION');
    expect((await call(seats, { queue })).body).toMatchObject({
      scheduleId: 'd1',
      available: 3,
      seats: [{ seatId: 'A-1-1', status: 'AVAILABLE' }, {}, {}],
    });
    expect((await call(`${seats}?status=SOLD`, { queue })).body.seats).toEqual([]);
    expect((await call('/api/v1/concerts/winter/seats?date=2027-12-20', { queue })).body.schedules).toHaveLength(1);
    expect((await call('/api/v1/concerts/winter/seats', { queue })).body).toMatchObject({
      code: 'VALIDATION',
      errors: [{ path: 'query/date' }],
    });
    expect((await call('/api/v1/concerts/schedules', { queue })).body.schedules).toMatchObject([
      { seats: [{}, {}, {}] },
      {},
    ]);
    expect((await call(seats.replace('d1', 'd9'), { queue })).body.code).toBe('SCHEDULE_NOT_FOUND');
  });

  test('304 for what one has, after the guard', async () => {
    const ann = await fan();
    const { token: queue } = await enter(ann, 'winter');
    const first = await call(seats, { queue });
    const etag = first.headers.get('etag') ?? '';
    expect(first.headers.get('cache-control')).toBe('private, no-cache');
    const again = await call(seats, { queue, headers: { 'if-none-match': etag } });
    expect(again).toMatchObject({ status: 304, body: '' });
    expect(again.headers.get('etag')).toBe(etag);
    expect((await call(seats, { bearer: ann.access, headers: { 'if-none-match': etag } })).status).toBe(403);
    await hold(queue, ['A-1-1']);
    expect((await call(seats, { queue, headers: { 'if-none-match': etag } })).body.available).toBe(2);
  });
});

describe('operators', () => {
  test('401 without a key, 403 for anything else', async () => {
    const ann = await fan();
    const path = '/api/v1/admin/concerts/winter/stats';
    expect((await call(path)).status).toBe(401);
    for (const bearer of [ann.access, 'wrong', `${OPERATOR_KEY}x`])
      expect((await call(path, { bearer })).status).toBe(403);
    await start({ config: { operatorKeys: 'off' } });
    for (const options of [{}, { bearer: OPERATOR_KEY }]) expect((await call(path, options)).status).toBe(403);
  });

  test('a concert: 201 when new, 200 when changed, a dry run changes nothing', async () => {
    expect(
      await operator('/concerts/winter?dryRun=true', { method: 'PUT', body: concertInput({ seats: 3 }) }),
    ).toMatchObject({ status: 200, body: { added: 3 } });
    expect((await call('/api/v1/concerts/winter')).status).toBe(404);
    const made = await putConcert('winter', concertInput({ seats: 3 }));
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe('/api/v1/concerts/winter');
    expect(await putConcert('winter', concertInput({ seats: 3 }))).toMatchObject({
      status: 200,
      body: { unchanged: 3, added: 0 },
    });
    expect((await putConcert('schedules')).body.code).toBe('VALIDATION');
    expect((await call('/api/v1/concerts?limit=1')).body).toMatchObject({
      concerts: [{ concertId: 'winter' }],
      nextCursor: null,
    });
  });

  test('the room: part of it changes; a reset by Idempotency-Key happens once', async () => {
    await putConcert('winter');
    expect((await operator('/concerts/winter/room', { method: 'PATCH', body: { state: 'PAUSED' } })).body.state).toBe(
      'PAUSED',
    );
    expect((await operator('/concerts/nope/room', { method: 'PATCH', body: {} })).body.code).toBe('CONCERT_NOT_FOUND');
    const { queueId, token } = await join(await fan(), 'winter');
    const reset = (headers = {}) => operator('/concerts/winter/room/reset', { method: 'POST', headers });
    const first = await reset({ 'idempotency-key': 'r' });
    expect(first.status).toBe(200);
    expect((await call(`/api/v1/queue/${queueId}`, { queue: token })).body.code).toBe('QUEUE_NOT_FOUND');
    const after = await join(await fan(), 'winter');
    expect((await reset({ 'idempotency-key': 'r' })).body).toEqual(first.body);
    expect((await call(`/api/v1/queue/${after.queueId}`, { queue: after.token })).status).toBe(200);
    await reset();
    expect((await call(`/api/v1/queue/${after.queueId}`, { queue: after.token })).body.code).toBe('QUEUE_NOT_FOUND');
  });

  test('a place: seen without its token, removed', async () => {
    await putConcert('winter');
    const ann = await fan();
    const { queueId, token } = await enter(ann, 'winter');
    await hold(token, ['A-1-1']);
    const path = `/concerts/winter/queue/${queueId}`;
    const seen = await operator(path);
    expect(seen.body).toMatchObject({ queueId, userId: ann.userId, status: 'ACTIVE', holds: [{ seats: 1 }] });
    expect(seen.body).not.toHaveProperty('token');
    expect((await operator(path, { method: 'DELETE' })).status).toBe(204);
    expect((await call(`/api/v1/queue/${queueId}`, { queue: token })).body).toMatchObject({
      status: 'LEFT',
      reason: 'REMOVED',
    });
    expect((await operator('/concerts/winter/queue/q_no')).body.code).toBe('QUEUE_NOT_FOUND');
    expect((await operator('/concerts/nope/queue/q_no')).body.code).toBe('CONCERT_NOT_FOUND');
    expect((await operator('/concerts/winter/stats')).body).toMatchObject({ left: 1, held: 0 });
  });

  test('an audit that takes long is told so; without PostgreSQL it is 503', async () => {
    await redis.set(directoryKeys.auditReport, JSON.stringify({ failure: 'PostgreSQL is away' }));
    expect((await operator('/audit')).status).toBe(503);
  });
});

describe('machines', () => {
  test('probes, metrics, documents, page', async () => {
    expect((await call('/healthz')).body).toEqual({ status: 'alive' });
    expect((await call('/readyz?verbose=1')).body).toEqual({ status: 'ready' });
    expect((await call('/metrics')).body).toBe('# none\n');
    expect((await call('/openapi.json')).body).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
    expect((await call('/asyncapi.json')).body).toMatchObject({ asyncapi: '3.0.0', channels: { socket: {} } });
    const page = await call('/docs');
    expect(page.body).toMatch(
      /POST \/api\/v1\/payments[^]*<h2>WebSocket<\/h2>[^]*<code>ticket<\/code>[^]*id="SEAT_TAKEN"/,
    );
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
  });

  test('not ready while draining, alive until the end', async () => {
    void api.served.server.drain(0);
    expect((await call('/readyz')).status).toBe(503);
    expect((await call('/healthz')).status).toBe(200);
  });
});
