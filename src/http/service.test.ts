import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { refuse, Unavailable } from '../errors.ts';
import { stopClock } from '../testing/clock.ts';
import { flush, testRedis } from '../testing/connect.ts';
import { rawCall } from '../testing/raw-http.ts';
import { openWallet } from '../wallet/open.ts';
import { created, ok, serialised } from './answer.ts';
import { CLAIMS, OPERATOR_KEY, type Served, serve, type Setup } from './http.fixture.ts';
import { type Route, route } from './route.ts';

const redis = await testRedis();
const closed = { additionalProperties: false };
const Anything = Type.Unknown();
const Thing = Type.Object(
  { name: Type.String({ minLength: 2 }), tags: Type.Optional(Type.Array(Type.String(), { uniqueItems: true })) },
  closed,
);
const Page = Type.Object(
  { limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }), full: Type.Optional(Type.Boolean()) },
  closed,
);

const ROWS: Route[] = [
  route('POST /api/v1/things', {
    auth: 'none',
    summary: '',
    body: Thing,
    answers: { 201: Anything },
    idempotent: 'thing',
    handle: async (_app, { body, idempotency }) => created({ body, idempotency }, '/api/v1/things/1'),
  }),
  route('GET /api/v1/things/{thingId}', {
    auth: 'none',
    summary: '',
    query: Page,
    answers: { 200: Anything },
    cache: 'public, max-age=1',
    handle: async (_app, { params, query }) => ok({ params, query }),
  }),
  route('DELETE /api/v1/things/{thingId}', {
    auth: 'none',
    summary: '',
    answers: { 204: null },
    handle: async () => ({ status: 204 }),
  }),
  route('GET /api/v1/fail/{how}', {
    auth: 'none',
    summary: '',
    answers: { 200: null },
    async handle(_app, { params }) {
      if (params.how === 'refuse') return refuse('SEAT_TAKEN', { seatIds: ['A-1-1'] });
      if (params.how === 'away') throw new Unavailable('away', { retryAfterSeconds: 7 });
      if (params.how === 'redis') throw new Error("Stream isn't writeable and enableOfflineQueue options is false");
      throw new Error('a secret detail');
    },
  }),
  route('GET /page', {
    auth: 'none',
    summary: '',
    answers: { 200: 'text/html; charset=utf-8' },
    handle: async () => serialised('<p>', { 'Content-Security-Policy': "default-src 'self'" }),
  }),
  route('POST /api/v1/users/{userId}/thing', {
    auth: 'user or desk',
    summary: '',
    body: Type.Object({ n: Type.Integer() }, closed),
    answers: { 200: Anything },
    handle: async (_app, { caller, params }) => ok({ caller, params }),
  }),
  route('POST /api/v1/enter', {
    auth: 'none',
    summary: '',
    limit: 'address',
    answers: { 200: Anything },
    handle: async () => ok({}),
  }),
];

let served: Served | null = null;
async function start(setup: Partial<Setup> = {}): Promise<Served> {
  served = await serve(redis, { table: ROWS, ...setup });
  return served;
}
beforeEach(() => flush(redis));
afterEach(async () => {
  await served?.close();
  served = null;
});

describe('addresses and methods', () => {
  test('NOT_FOUND for what is not there, trailing slashes and empty parts too', async () => {
    const { call } = await start();
    for (const path of [
      '/',
      '/api/v1/nope',
      '/api/v1/things/',
      '/api/v1/things/1/',
      '/api//v1/things',
      '/API/v1/things/1',
    ]) {
      expect(await call(path)).toMatchObject({
        status: 404,
        body: { code: 'NOT_FOUND', status: 404, type: '/docs#NOT_FOUND' },
      });
    }
  });

  test('METHOD_NOT_ALLOWED names those that are', async () => {
    const { call } = await start();
    const answer = await call('/api/v1/things/1', { method: 'PUT', body: {} });
    expect(answer).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } });
    expect(answer.headers.get('allow')).toBe('GET, HEAD, DELETE');
    expect((await call('/api/v1/things', { method: 'HEAD' })).status).toBe(405);
    expect((await call('/api/v1/things', { method: 'OPTIONS' })).headers.get('allow')).toBe('POST');
  });

  test('HEAD answers as GET does, without the body', async () => {
    const { port, call } = await start();
    const head = await rawCall(port, 'HEAD /api/v1/things/1 HTTP/1.1\r\nHost: a\r\n\r\n', { head: true });
    const got = await call('/api/v1/things/1');
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers['content-length']).toBe(String(JSON.stringify(got.body).length));
    expect(head.headers['cache-control']).toBe('public, max-age=1');
  });

  test('parameters are decoded; what is no UTF-8 is refused', async () => {
    const { call } = await start();
    expect((await call('/api/v1/things/a%2Fb%20%EA%B0%81')).body.params).toEqual({ thingId: 'a/b 각' });
    expect(await call('/api/v1/things/%ff')).toMatchObject({
      status: 400,
      body: { code: 'VALIDATION', errors: [{ path: 'path/thingId' }] },
    });
  });
});

describe('what every answer carries', () => {
  test('request id, security headers, no caching unless the row says so', async () => {
    const { call } = await start();
    const answer = await call('/api/v1/nope', { headers: { 'x-request-id': 'abc-1' } });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'x-request-id': 'abc-1',
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    });
    expect((await call('/api/v1/nope')).headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}-[0-9a-z]+$/);
    const page = await call('/page');
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toBe("default-src 'self'");
    expect((await call('/api/v1/things', { body: { name: 'ab' } })).headers.get('location')).toBe('/api/v1/things/1');
  });

  test('a refusal has the members of the contract; a fault tells its instance and nothing else', async () => {
    const { call, log } = await start();
    expect(await call('/api/v1/fail/refuse')).toMatchObject({
      status: 409,
      body: { code: 'SEAT_TAKEN', seatIds: ['A-1-1'], title: 'Seat taken' },
    });
    const fault = await call('/api/v1/fail/bug', { headers: { 'x-request-id': 'r1' } });
    expect(fault).toMatchObject({
      status: 500,
      body: { code: 'INTERNAL', instance: expect.stringMatching(/^urn:uuid:/) },
    });
    expect(JSON.stringify(fault.body)).not.toContain('secret');
    expect(log.find(({ msg, requestId }) => msg === 'answered' && requestId === 'r1')).toMatchObject({ status: 500 });
    const line = log.find(({ instance }) => instance === fault.body.instance);
    expect(line).toMatchObject({ requestId: 'r1', err: { message: 'a secret detail' }, route: '/api/v1/fail/{how}' });
  });

  test('503 with Retry-After where a dependency is away, told to the log once a second', async () => {
    const { call, log } = await start();
    const lines = () => log.filter(({ msg }) => String(msg).includes('503'));
    const clock = stopClock();
    const away = await call('/api/v1/fail/away');
    expect(away).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
    expect(away.headers.get('retry-after')).toBe('7');
    const redisAway = await call('/api/v1/fail/redis');
    expect([redisAway.status, redisAway.headers.get('retry-after')]).toEqual([503, '1']);
    expect(lines()).toHaveLength(1);
    clock.pass(1_001);
    await call('/api/v1/fail/away');
    expect(lines()).toHaveLength(2);
  });
});

describe('the order of checks', () => {
  const path = '/api/v1/users/ann/thing';
  const callAs = async (user: string, body: unknown, target = path) => {
    const { app, call } = served ?? (await start());
    return call(target, { method: 'POST', body, bearer: app.tokens.signAccess(user) });
  };

  test('credential, schema, guard, user', async () => {
    const { call } = await start();
    expect(
      (await call(path, { method: 'POST', body: 'no json', headers: { 'content-type': 'text/plain' } })).status,
    ).toBe(415);
    expect((await call(path, { body: { n: 'x' } })).body.code).toBe('UNAUTHENTICATED');
    expect((await call(path, { body: { n: 1 } })).headers.get('www-authenticate')).toBe('Bearer');
    expect((await callAs('bob', { n: 'x' })).body.code).toBe('VALIDATION');
    expect((await callAs('bob', { n: 1 })).body.code).toBe('FORBIDDEN');
    expect((await callAs('ann', { n: 1 })).body.code).toBe('USER_NOT_FOUND');
    await openWallet({ redis }, 'ann');
    expect((await callAs('ann', { n: 1 })).status).toBe(200);
    expect((await callAs('ann', { n: 1 }, '/api/v1/users/nobody/thing')).body.code).toBe('FORBIDDEN');
  });

  test('the operator is let in, and told who is not there', async () => {
    const { call } = await start();
    expect((await call(path, { body: { n: 1 }, bearer: OPERATOR_KEY })).body.code).toBe('USER_NOT_FOUND');
    await openWallet({ redis }, 'ann');
    expect((await call(path, { body: { n: 1 }, bearer: OPERATOR_KEY })).body.caller.userId).toBeNull();
  });

  test('two users in one request are FORBIDDEN, one user with both tokens is not', async () => {
    const { app, call } = await start();
    await openWallet({ redis }, 'ann');
    const queue = app.tokens.signQueue(CLAIMS);
    expect((await call(path, { body: { n: 1 }, queue, bearer: app.tokens.signAccess('bob') })).body.code).toBe(
      'FORBIDDEN',
    );
    expect((await call(path, { body: { n: 1 }, queue, bearer: app.tokens.signAccess('ann') })).status).toBe(200);
    expect((await call(path, { body: { n: 1 }, queue })).status).toBe(200);
  });
});

describe('limits', () => {
  test('by address, with the address that trusted proxies tell', async () => {
    const { call } = await start({
      limits: { loginPerSecond: 0.001, loginBurst: 2 },
      config: { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] },
    });
    const from = (forwarded: string) =>
      call('/api/v1/enter', { method: 'POST', headers: { 'x-forwarded-for': forwarded } });
    expect((await from('1.1.1.1')).status).toBe(200);
    expect((await from('9.9.9.9, 1.1.1.1, 10.1.2.3')).status).toBe(200);
    const refused = await from('1.1.1.1');
    expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(500);
    expect((await from('2.2.2.2')).status).toBe(200);
  });

  test('changing calls by user; one user’s haste is not another’s', async () => {
    const { app, call } = await start({ limits: { userPerSecond: 0.001, userBurst: 2 } });
    for (const user of ['ann', 'bob']) {
      await openWallet({ redis }, user);
      const statuses: number[] = [];
      for (let i = 0; i < 3; i++)
        statuses.push(
          (await call(`/api/v1/users/${user}/thing`, { body: { n: 1 }, bearer: app.tokens.signAccess(user) })).status,
        );
      expect(statuses).toEqual([200, 200, 429]);
    }
  });
});

describe('CORS', () => {
  const preflight = {
    method: 'OPTIONS',
    headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' },
  };

  test('off: no header, no preflight', async () => {
    const { call } = await start();
    expect((await call('/api/v1/things', preflight)).status).toBe(405);
    const { headers } = await call('/api/v1/things/1', { headers: { origin: 'https://shop.example' } });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test('on: known origins are answered, errors too; others learn nothing', async () => {
    const { call } = await start({ config: { corsOrigins: ['https://shop.example'] } });
    const answer = await call('/api/v1/things', preflight);
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': 'https://shop.example',
      'access-control-allow-methods': 'POST, OPTIONS',
      'access-control-allow-headers': expect.stringMatching(/Authorization.*Idempotency-Key.*Queue-Token/),
      'x-request-id': expect.any(String),
      vary: 'Origin',
    });
    const failed = await call('/api/v1/things/%ff', { headers: { origin: 'https://shop.example' } });
    expect(failed.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(failed.headers.get('access-control-expose-headers')).toBe('ETag, Location, Retry-After, X-Request-Id');
    const other = await call('/api/v1/things', {
      ...preflight,
      headers: { ...preflight.headers, origin: 'https://evil.example' },
    });
    expect(other.status).toBe(204);
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    expect(other.headers.get('access-control-allow-methods')).toBeNull();
  });
});
