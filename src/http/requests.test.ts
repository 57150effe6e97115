import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { flush, testRedis } from '../testing/connect.ts';
import { rawCall } from '../testing/raw-http.ts';
import { created, ok } from './answer.ts';
import { OPERATOR_KEY, type Served, serve, type Setup } from './http.fixture.ts';
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
  route('PUT /api/v1/import', {
    auth: 'operator',
    summary: '',
    body: Anything,
    bodyMaxBytes: LIMITS.IMPORT_BODY_MAX_BYTES,
    answers: { 200: Anything },
    handle: async (_app, { body }) => ok({ length: JSON.stringify(body).length }),
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

describe('bodies', () => {
  const faults = (body: unknown, headers = {}) =>
    start().then(({ call }) => call('/api/v1/things', { method: 'POST', body, headers }));

  test.each<[string, unknown, { path: string; message?: string }[]]>([
    ['JSON that does not parse', '{"name":', [{ path: '' }]],
    ['an unknown member', { name: 'ab', more: 1 }, [{ path: '/more', message: 'is unknown' }]],
    ['__proto__', '{"name":"ab","__proto__":{"a":1}}', [{ path: '/__proto__' }]],
    ['a missing member', {}, [{ path: '/name', message: 'is required' }]],
    ['a member of another type', { name: 5 }, [{ path: '/name', message: 'must be string' }]],
    ['too short a text', { name: 'a' }, [{ path: '/name' }]],
    ['duplicates in a list', { name: 'ab', tags: ['a', 'a'] }, [{ path: '/tags' }]],
    ['a list', [], [{ path: '' }]],
    ['half a surrogate pair', '{"name":"ab\\ud800"}', [{ path: '' }]],
    [
      'a list without end',
      { name: 'ab', tags: Array(30_000).fill(1) },
      [{ path: '', message: 'holds too many values' }],
    ],
    ['nesting without end', `{"name":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, [{ path: '' }]],
  ])('VALIDATION: %s', async (_, body, errors) => {
    expect(await faults(body)).toMatchObject({ status: 400, body: { code: 'VALIDATION', errors } });
  });

  test('VALIDATION: bytes that are no UTF-8', async () => {
    const { port } = await start();
    const body = Buffer.from([0x22, 0xff, 0x22]);
    const head = Buffer.from(
      'POST /api/v1/things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n',
    );
    expect(await rawCall(port, Buffer.concat([head, body]))).toMatchObject({
      status: 400,
      body: expect.stringContaining('UTF-8'),
    });
  });

  test('no body is an empty one', async () => {
    const { port, call } = await start();
    const answer = await rawCall(port, 'POST /api/v1/things HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'VALIDATION', errors: [{ path: '/name' }] });
    expect((await call('/api/v1/things/1', { method: 'DELETE' })).status).toBe(204);
    expect((await call('/api/v1/things/1', { method: 'DELETE', body: {} })).status).toBe(204);
    expect((await call('/api/v1/things/1', { method: 'DELETE', body: { a: 1 } })).status).toBe(400);
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'application/jsonp',
  ])('UNSUPPORTED_MEDIA_TYPE: %s', async (type) => {
    expect(await faults({ name: 'ab' }, { 'content-type': type })).toMatchObject({
      status: 415,
      body: { code: 'UNSUPPORTED_MEDIA_TYPE' },
    });
  });

  test('UNSUPPORTED_MEDIA_TYPE: with a content encoding; identity is none', async () => {
    expect((await faults({ name: 'ab' }, { 'content-encoding': 'gzip' })).status).toBe(415);
    expect((await faults({ name: 'ab' }, { 'content-encoding': 'identity' })).status).toBe(201);
  });

  test.each(['application/json', 'Application/JSON; charset=UTF-8', 'application/json;charset="utf-8"'])(
    '%s is JSON',
    async (type) => {
      expect((await faults({ name: 'ab' }, { 'content-type': type })).status).toBe(201);
    },
  );

  test('BODY_TOO_LARGE from 64 KiB on, 4 MiB for an import, before anything else is looked at', async () => {
    const { call } = await start();
    const sized = (bytes: number) => `{"name":"${'x'.repeat(bytes - 11)}"}`;
    expect((await call('/api/v1/things', { body: sized(64 * 1024) })).status).toBe(201);
    expect(await call('/api/v1/things', { body: sized(64 * 1024 + 1) })).toMatchObject({
      status: 413,
      body: { code: 'BODY_TOO_LARGE' },
    });
    const put = (bytes: number, bearer: string) =>
      call('/api/v1/import', { method: 'PUT', body: sized(bytes), bearer });
    expect((await put(4 * 1024 * 1024, OPERATOR_KEY)).body).toEqual({ length: 4 * 1024 * 1024 });
    expect((await put(4 * 1024 * 1024 + 1, OPERATOR_KEY)).status).toBe(413);
    expect((await put(4 * 1024 * 1024 + 1, 'no-operator')).status).toBe(413);
    expect((await put(1024, 'no-operator')).status).toBe(403);
  });
});

describe('queries', () => {
  test('have defaults and types', async () => {
    const { call } = await start();
    expect((await call('/api/v1/things/1')).body.query).toEqual({ limit: 20 });
    expect((await call('/api/v1/things/1?limit=5&full=true')).body.query).toEqual({ limit: 5, full: true });
  });

  test.each([
    'limit=0',
    'limit=101',
    'limit=1.5',
    'limit=x',
    'limit=',
    'full=1',
    'more=1',
    'limit=1&limit=1',
    'limit=%ff',
    '__proto__=1',
  ])('VALIDATION: %s', async (query) => {
    const { call } = await start();
    const answer = await call(`/api/v1/things/1?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION' } });
    expect(answer.body.errors[0].path).toMatch(/^query/);
  });
});

describe('Idempotency-Key', () => {
  const post = (key: string, body: object = { name: 'ab' }) =>
    (served ?? { call: async () => ({ body: null, status: 0 }) }).call('/api/v1/things', {
      body,
      headers: { 'idempotency-key': key },
    });

  test('comes with a fingerprint of route and payload, whatever the order of members', async () => {
    await start();
    const { body } = await post('k 1'.replace(' ', ''));
    expect(body.idempotency).toEqual({ key: 'k1', fingerprint: expect.stringMatching(/^\S+$/) });
    const same = await post('k2', { tags: ['a'], name: 'ab' });
    expect((await post('k3', { name: 'ab', tags: ['a'] })).body.idempotency.fingerprint).toBe(
      same.body.idempotency.fingerprint,
    );
    expect((await post('k4', { name: 'ab', tags: ['b'] })).body.idempotency.fingerprint).not.toBe(
      same.body.idempotency.fingerprint,
    );
  });

  test.each(['', 'a b', 'é', 'x'.repeat(129)])('VALIDATION: "%s"', async (key) => {
    const { port } = await start();
    const text = `POST /api/v1/things HTTP/1.1\r\nHost: a\r\nIdempotency-Key: ${key}\r\nContent-Length: 13\r\n\r\n{"name":"ab"}`;
    const answer = await rawCall(port, text);
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'VALIDATION',
      errors: [{ path: 'headers/Idempotency-Key' }],
    });
  });

  test('128 characters are good, and where it is not honoured it is not looked at', async () => {
    const { call } = await start();
    expect((await post('~'.repeat(128))).status).toBe(201);
    expect((await call('/api/v1/enter', { method: 'POST', headers: { 'idempotency-key': 'a b' } })).status).toBe(200);
  });
});
