/** The contract's "Conventions": bodies, methods, lists, request ids, times, CORS. */
import { beforeAll, describe, expect, test } from 'vitest';
import { call as rawCall, concertInput, enter, type Fan, newFan, openSocket } from '../testing/fan.ts';
import { OPERATOR_KEY, type System } from '../testing/system.ts';
import { expectContract, type Loose, systemUnderTest } from './contract.fixture.ts';

const under = await systemUnderTest();
let fan: Fan;
let token: string;
let names: Record<string, string>;

beforeAll(async () => {
  const { url, call, operator } = under;
  await operator('/concerts/c1', { method: 'PUT', body: concertInput({ seatLimit: 8 }) });
  fan = await newFan(url);
  const place = await enter(url, fan, 'c1');
  ({ token } = place);
  await call(`/api/v1/users/${fan.userId}/balance`, { body: { amount: 9_000 }, queue: token });
  const hold = (seatId: string) =>
    call('/api/v1/reservations', { body: { scheduleId: 'd1', seatIds: [seatId] }, queue: token });
  const first = await hold('A-1-1');
  const second = await hold('A-1-2');
  const paid = await call('/api/v1/payments', { body: { reservationId: first.body.reservationId }, queue: token });
  names = {
    concertId: 'c1',
    scheduleId: 'd1',
    userId: fan.userId,
    queueId: place.queueId,
    reservationId: second.body.reservationId,
    paymentId: paid.body.paymentId,
  };
});

const filled = (template: string) => template.replace(/\{(\w+)\}/g, (_, name: string) => names[name] ?? '');
const credentials = (path: string) =>
  path.includes('/admin/') ? { bearer: OPERATOR_KEY } : { bearer: fan.accessToken, queue: token };
const needsDate = (path: string) => (path.endsWith('{concertId}/seats') ? '?date=2027-12-20' : '');

test('HEAD works where GET does: the same status and type, no body', async () => {
  const paths = Object.keys(under.openApi.paths).filter((path) => 'get' in under.openApi.paths[path]);
  expect(paths.length).toBeGreaterThan(20);
  await Promise.all(
    paths.map(async (template) => {
      const path = filled(template) + needsDate(template);
      const got = await under.call(path, credentials(template));
      const head = await under.call(path, { method: 'HEAD', ...credentials(template) });
      expect([path, head.status, head.body]).toEqual([path, 200, null]);
      expect([path, got.status]).toEqual([path, 200]);
      expect(head.headers.get('content-type')).toBe(got.headers.get('content-type'));
      expect(Number(head.headers.get('content-length'))).toBeGreaterThan(0);
    }),
  );
  expect((await under.call('/api/v1/nope', { method: 'HEAD' })).status).toBe(404);
  expect((await under.call(`/api/v1/queue/${names.queueId}`, { method: 'HEAD' })).status).toBe(401);
});

test('a method that a path does not take is 405, and Allow names those it takes', async () => {
  for (const [template, operations] of Object.entries<Loose>(under.openApi.paths)) {
    const takes = Object.keys(operations).map((method) => method.toUpperCase());
    const allowed = takes.includes('GET') ? [...takes, 'HEAD'] : takes;
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((one) => !takes.includes(one))) {
      const answer = await under.call(filled(template), { method });
      expect([method, template, answer.status, answer.body.code]).toEqual([
        method,
        template,
        405,
        'METHOD_NOT_ALLOWED',
      ]);
      expect(answer.headers.get('allow')?.split(', ').sort()).toEqual([...allowed].sort());
    }
  }
});

test.each(['/api', '/api/v1', '/api/v1/concerts/', '/api/v1/concerts/c1/nope', '/healthz/', '/api/v2/concerts'])(
  '%s is nowhere',
  async (path) => {
    for (const method of ['GET', 'POST', 'DELETE'])
      expect((await under.call(path, { method })).body.code).toBe('NOT_FOUND');
  },
);

describe('bodies', () => {
  /** Every call with a body: its path, a body that fits (but for what is added), a credential. */
  const bodies = (): [string, string, Record<string, unknown>, object][] => [
    ['POST', '/api/v1/users', { email: 'x@example.com', password: 'longenough' }, {}],
    ['POST', '/api/v1/auth/login', { email: fan.email, password: 'longenough' }, {}],
    ['POST', '/api/v1/queue', { concertId: 'c1' }, { bearer: fan.accessToken }],
    ['POST', '/api/v1/reservations', { scheduleId: 'd1', seatIds: ['A-1-9'] }, { queue: token }],
    ['POST', `/api/v1/users/${fan.userId}/balance`, { amount: 5 }, { queue: token }],
    ['POST', '/api/v1/payments', { reservationId: names.reservationId }, { queue: token }],
    ['PUT', '/api/v1/admin/concerts/c9', concertInput(), { bearer: OPERATOR_KEY }],
    ['PATCH', '/api/v1/admin/concerts/c1/room', { capacity: 9 }, { bearer: OPERATOR_KEY }],
  ];

  test('unknown members are refused, by name', async () => {
    for (const [method, path, body, credential] of bodies()) {
      const answer = await under.call(path, { method, body: { ...body, nope: 1 }, ...credential });
      expect([path, answer.status, answer.body.errors]).toEqual([
        path,
        400,
        [{ path: '/nope', message: 'is unknown' }],
      ]);
    }
    const [schedule] = concertInput().schedules;
    const [section] = schedule?.sections ?? [];
    const deep = [
      { ...concertInput(), room: { state: 'OPEN', nope: 1 } },
      { ...concertInput(), schedules: [{ ...schedule, nope: 1 }] },
      { ...concertInput(), schedules: [{ ...schedule, sections: [{ ...section, nope: 1 }] }] },
      {
        ...concertInput(),
        schedules: [{ ...schedule, sections: [{ ...section, rows: [{ row: '1', seats: 1, nope: 1 }] }] }],
      },
    ];
    for (const body of deep) {
      const answer = await under.operator('/concerts/c9', { method: 'PUT', body });
      expect(answer.body).toMatchObject({ code: 'VALIDATION', errors: [{ path: expect.stringMatching(/\/nope$/) }] });
    }
    expect((await under.call('/api/v1/concerts/c9')).status).toBe(404);
  });

  test.each(['', '{', '{"a":1,}', '[]', '"text"', 'null', '7', '{}', '{} x', "{'a':1}"])(
    'what is no object that fits is refused: %j',
    async (body) => {
      for (const [method, path, , credential] of bodies()) {
        const answer = await under.call(path, { method, body, ...credential });
        const charge = path.endsWith('/balance') && (body === '{}' || body === '');
        const fits = method === 'PATCH' && (body === '{}' || body === '');
        const expected = fits ? 200 : charge ? 'INVALID_AMOUNT' : 'VALIDATION';
        expect([method, path, fits ? answer.status : answer.body.code]).toEqual([method, path, expected]);
      }
    },
  );

  test('what is not UTF-8 is refused', async () => {
    const response = await fetch(`${under.url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.concat([Buffer.from('{"email":"'), Buffer.from([0xff, 0xfe]), Buffer.from('","password":"x"}')]),
    });
    expect([response.status, ((await response.json()) as Loose).code]).toEqual([400, 'VALIDATION']);
  });

  test('duplicate list members are refused', async () => {
    const hold = (seatIds: string[]) =>
      under.call('/api/v1/reservations', { body: { scheduleId: 'd1', seatIds }, queue: token });
    expect((await hold(['A-1-9', 'A-1-9'])).body).toMatchObject({ code: 'VALIDATION', errors: [{ path: '/seatIds' }] });
    const input = concertInput();
    const twice = { ...input, schedules: [...input.schedules, ...input.schedules] };
    const again = await under.operator('/concerts/c9', { method: 'PUT', body: twice });
    expect(again.body).toMatchObject({ code: 'VALIDATION', errors: [{ path: '/schedules/1/scheduleId' }] });
  });

  const sized = (bytes: number) => `{"email":"${'x'.repeat(bytes - 12)}"}`;
  test.each([
    ['POST', '/api/v1/users', 64 * 1024],
    ['PUT', '/api/v1/admin/concerts/c9', 4 * 1024 * 1024],
    ['PATCH', '/api/v1/admin/concerts/c1/room', 64 * 1024],
  ])('%s %s takes a body of %i bytes and not one more', async (method, path, max) => {
    const send = (body: string) => under.call(path, { method, body, bearer: OPERATOR_KEY });
    expect(sized(max).length).toBe(max);
    expect((await send(sized(max))).body.code).toBe('VALIDATION');
    expect((await send(sized(max + 1))).body.code).toBe('BODY_TOO_LARGE');
  });

  test.each([
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/jsonx', 415],
    ['application/json; charset=iso-8859-1', 415],
    ['application/json', 401],
    ['application/json; charset=utf-8', 401],
    ['Application/JSON;charset=UTF-8', 401],
  ])('media type %s: %i', async (type, status) => {
    const body = JSON.stringify({ email: 'nobody@example.com', password: 'wrong password' });
    const answer = await under.call('/api/v1/auth/login', { body, headers: { 'content-type': type } });
    expect([answer.status, answer.body.code]).toEqual([
      status,
      status === 415 ? 'UNSUPPORTED_MEDIA_TYPE' : 'INVALID_CREDENTIALS',
    ]);
  });
});

describe('X-Request-Id', () => {
  const sent = async (id: string, path = '/healthz') =>
    (await under.call(path, { headers: { 'x-request-id': id } })).headers.get('x-request-id');

  test('is the client’s where it is plain, with errors too', async () => {
    for (const id of ['abc', 'A-1_2.3', '0b5ad9a2-60c3-4b0c-8f0b-6a3f4e2a9a11']) {
      expect(await sent(id)).toBe(id);
      expect(await sent(id, '/nope')).toBe(id);
      expect(await sent(id, '/api/v1/queue')).toBe(id);
    }
  });

  test('is a new one where none came or it is not plain', async () => {
    const ids = [(await under.call('/healthz')).headers.get('x-request-id')];
    for (const bad of ['with space', '<script>', 'x'.repeat(500), '']) ids.push(await sent(bad));
    expect(new Set(ids).size).toBe(5);
    for (const id of ids) expect(id).toMatch(/^[\w.-]{8,64}$/);
  });

  test('is in the log, with the `instance` of a fault that tells nothing of its inside', async () => {
    const id = `rsv_c1_${'0'.repeat(32)}`;
    const { Redis } = await import('ioredis');
    const redis = new Redis(under.redis.url);
    await redis.set(`{c:c1}:r:${id}`, 'broken on purpose');
    const answer = await under.call(`/api/v1/reservations/${id}`, {
      queue: token,
      headers: { 'x-request-id': 'find-me-7' },
    });
    await redis.del(`{c:c1}:r:${id}`);
    redis.disconnect();
    expect(answer.body).toMatchObject({ code: 'INTERNAL', status: 500 });
    expect(JSON.stringify(answer.body)).not.toMatch(/WRONGTYPE|lua|broken|redis/i);
    await expect
      .poll(() => under.system.output.find((line) => line.includes('find-me-7')))
      .toContain(answer.body.instance);
  });
});

describe('lists', () => {
  const CHARGES = 23;
  let lister: Fan;
  /** path, member that holds the list, member that names an entry, how many there are */
  let lists: [string, string, string, number][];

  beforeAll(async () => {
    lister = await newFan(under.url);
    for (let i = 0; i < CHARGES; i++)
      await under.call(`/api/v1/users/${lister.userId}/balance`, {
        body: { amount: 1 + i },
        bearer: lister.accessToken,
      });
    await under.operator('/concerts/lists', {
      method: 'PUT',
      body: concertInput({ seats: 30, seatLimit: 1, schedules: ['d1', 'd2'] }),
    });
    const { token: queue } = await enter(under.url, lister, 'lists');
    for (let i = 0; i < 22; i++) {
      const held = await under.call('/api/v1/reservations', {
        body: { scheduleId: i % 2 ? 'd1' : 'd2', seatIds: ['A-1-1'] },
        queue,
      });
      await under.call(`/api/v1/reservations/${held.body.reservationId}`, { method: 'DELETE', queue });
    }
    for (let i = 0; i < 20; i++)
      await under.operator(`/concerts/more-${i}`, { method: 'PUT', body: concertInput({ seats: 1 }) });
    lists = [
      ['/api/v1/concerts', 'concerts', 'concertId', 22],
      [`/api/v1/users/${lister.userId}/reservations`, 'reservations', 'reservationId', 22],
      [`/api/v1/users/${lister.userId}/balance/history`, 'entries', 'entryId', CHARGES],
    ];
  });

  test('20 unless asked; limit 1 … 100; what is no limit, cursor or parameter is refused', async () => {
    for (const [path, member] of lists) {
      const of = async (query: string) => under.call(`${path}?${query}`, { bearer: lister.accessToken });
      expect((await of('')).body[member]).toHaveLength(20);
      expect((await of('limit=1')).body[member]).toHaveLength(1);
      expect((await of('limit=100')).body).toMatchObject({ nextCursor: null });
      for (const bad of [
        'limit=0',
        'limit=101',
        'limit=-1',
        'limit=1.5',
        'limit=x',
        'limit=',
        'limit=1&limit=2',
        'limit=1e1',
      ])
        expect((await of(bad)).body, bad).toMatchObject({ code: 'VALIDATION', errors: [{ path: 'query/limit' }] });
      for (const bad of ['cursor=', 'cursor=nope', 'cursor=%00', 'cursor=bm9wZQ', `cursor=${'9'.repeat(50)}`])
        expect((await of(bad)).body, bad).toMatchObject({ code: 'VALIDATION', errors: [{ path: 'query/cursor' }] });
      expect((await of('nope=1')).body).toMatchObject({ code: 'VALIDATION', errors: [{ path: 'query/nope' }] });
      expect((await of('limit=%ff')).body.code).toBe('VALIDATION');
    }
  });

  test.each([1, 3, 7, 20, 100])('%i at a time: to the end without repeats or gaps', async (limit) => {
    for (const [path, member, name, size] of lists) {
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const { body } = await under.call(`${path}?limit=${limit}${query}`, { bearer: lister.accessToken });
        seen.push(...body[member].map((entry: Loose) => entry[name]));
        cursor = body.nextCursor;
        expect(seen.length).toBeLessThanOrEqual(size);
      }
      expect([path, seen.length, new Set(seen).size]).toEqual([path, size, size]);
    }
  });

  test('newest first, and what is new does not move the pages behind it', async () => {
    const path = `/api/v1/users/${lister.userId}/balance/history?limit=5`;
    const first = await under.call(path, { bearer: lister.accessToken });
    expect(first.body.entries.map((entry: Loose) => entry.amount)).toEqual([23, 22, 21, 20, 19]);
    await under.call(`/api/v1/users/${lister.userId}/balance`, { body: { amount: 99 }, bearer: lister.accessToken });
    const second = await under.call(`${path}&cursor=${first.body.nextCursor}`, { bearer: lister.accessToken });
    expect(second.body.entries.map((entry: Loose) => entry.amount)).toEqual([18, 17, 16, 15, 14]);
  });
});

describe('CORS', () => {
  const preflight = {
    method: 'OPTIONS',
    headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' },
  };
  const allowOrigin = 'access-control-allow-origin';
  let open: System;

  beforeAll(async () => {
    open = await under.another({ CORS_ORIGINS: 'https://shop.example,http://localhost:5173' });
  });

  test('is off unless origins are named', async () => {
    const answer = await under.call('/api/v1/queue', preflight);
    expect([answer.status, answer.headers.get(allowOrigin)]).toEqual([405, null]);
    const got = await under.call('/api/v1/concerts', { headers: { origin: 'https://shop.example' } });
    expect([got.status, got.headers.get(allowOrigin)]).toEqual([200, null]);
  });

  test('preflights are answered, and allow the headers of the contract', async () => {
    for (const [path, method] of [
      ['/api/v1/queue', 'POST'],
      [`/api/v1/queue/${names.queueId}`, 'DELETE'],
      ['/api/v1/admin/concerts/c1/room', 'PATCH'],
    ] as const) {
      const { status, headers } = await rawCall(open.url, path, preflight);
      expect([status, headers.get(allowOrigin)]).toEqual([204, 'https://shop.example']);
      expect(headers.get('access-control-allow-methods')?.split(/, */)).toContain(method);
      const allowed = headers.get('access-control-allow-headers')?.toLowerCase().split(/, */);
      for (const name of [
        'authorization',
        'content-type',
        'queue-token',
        'user-token',
        'idempotency-key',
        'if-none-match',
        'x-request-id',
      ])
        expect(allowed, name).toContain(name);
      expect(headers.get('x-request-id')).toBeTruthy();
    }
  });

  test('answers, errors too, expose the headers; other origins get nothing', async () => {
    for (const path of ['/api/v1/concerts', '/api/v1/queue', '/nope']) {
      const named = await rawCall(open.url, path, { headers: { origin: 'http://localhost:5173' } });
      expectContract(under.openApi, `GET ${path}`, named);
      expect(named.headers.get(allowOrigin)).toBe('http://localhost:5173');
      const exposed = named.headers.get('access-control-expose-headers')?.toLowerCase().split(/, */);
      for (const name of ['etag', 'retry-after', 'location', 'x-request-id']) expect(exposed, name).toContain(name);
      const other = await rawCall(open.url, path, { headers: { origin: 'https://evil.example' } });
      expect(other.headers.get(allowOrigin)).toBeNull();
    }
    const other = await rawCall(open.url, '/api/v1/queue', {
      ...preflight,
      headers: { ...preflight.headers, origin: 'https://evil.example' },
    });
    expect(other.headers.get(allowOrigin)).toBeNull();
  });

  test('a WebSocket’s Origin must be one of them, or the server’s own', async () => {
    for (const headers of [{ origin: 'https://shop.example' }, { origin: open.url }, {}]) {
      const socket = await openSocket(open.url, token, headers);
      await socket.next((message) => message.type === 'ticket');
      await socket.close();
    }
    await expect(openSocket(open.url, token, { origin: 'https://evil.example' })).rejects.toThrow('403');
    const anywhere = await openSocket(under.url, token, { origin: 'https://evil.example' });
    await anywhere.close();
  });
});
