/** The contract's documents, probes and start: what a stranger's client is generated from, held against live answers. */
import { Compile } from 'typebox/schema';
import { beforeAll, describe, expect, test } from 'vitest';
import { concertInput, enter, type Fan, newFan, openSocket, type Socket } from '../testing/fan.ts';
import { until } from '../testing/until.ts';
import { CODES, type Loose, operationOf, systemUnderTest } from './contract.fixture.ts';

const under = await systemUnderTest();
let fan: Fan;
let place: { token: string; queueId: string };
let asyncApi: Loose;

beforeAll(async () => {
  await under.operator('/concerts/c1', { method: 'PUT', body: concertInput() });
  fan = await newFan(under.url);
  place = await enter(under.url, fan, 'c1');
  asyncApi = (await under.call('/asyncapi.json')).body;
});

/** Every row of the contract's tables. */
const CALLS = `
POST /api/v1/users
POST /api/v1/auth/login
GET /api/v1/concerts
GET /api/v1/concerts/{concertId}
GET /api/v1/concerts/{concertId}/room
POST /api/v1/queue
GET /api/v1/queue/{queueId}
GET /api/v1/queue
DELETE /api/v1/queue/{queueId}
GET /api/v1/users/{userId}/places
GET /api/v1/concerts/{concertId}/schedules
GET /api/v1/concerts/{concertId}/schedules/{scheduleId}/seats
GET /api/v1/concerts/{concertId}/seats
GET /api/v1/concerts/schedules
POST /api/v1/reservations
GET /api/v1/reservations/{reservationId}
GET /api/v1/users/{userId}/reservations
DELETE /api/v1/reservations/{reservationId}
GET /api/v1/users/{userId}/balance
POST /api/v1/users/{userId}/balance
GET /api/v1/users/{userId}/balance/history
POST /api/v1/payments
GET /api/v1/payments/{paymentId}
GET /healthz
GET /readyz
GET /metrics
GET /openapi.json
GET /asyncapi.json
GET /docs
PUT /api/v1/admin/concerts/{concertId}
GET /api/v1/admin/concerts/{concertId}/room
PATCH /api/v1/admin/concerts/{concertId}/room
GET /api/v1/admin/concerts/{concertId}/stats
GET /api/v1/admin/concerts/{concertId}/queue/{queueId}
DELETE /api/v1/admin/concerts/{concertId}/queue/{queueId}
POST /api/v1/admin/concerts/{concertId}/room/reset
GET /api/v1/admin/audit`
  .trim()
  .split('\n');

/** Refusals that the contract's HTTP table names for a call. */
const NAMED: Record<string, string[]> = {
  'POST /api/v1/users': ['EMAIL_TAKEN', 'VALIDATION', 'RATE_LIMITED', 'UNAVAILABLE'],
  'POST /api/v1/auth/login': ['INVALID_CREDENTIALS', 'RATE_LIMITED', 'UNAVAILABLE'],
  'POST /api/v1/queue': [
    'USER_NOT_FOUND',
    'CONCERT_NOT_FOUND',
    'ALREADY_QUEUED',
    'ROOM_CLOSED',
    'FORBIDDEN',
    'IDEMPOTENCY_MISMATCH',
    'UNAUTHENTICATED',
  ],
  'GET /api/v1/queue/{queueId}': ['QUEUE_ID_MISMATCH', 'QUEUE_NOT_FOUND', 'RATE_LIMITED'],
  'GET /api/v1/queue': ['QUEUE_NOT_FOUND', 'RATE_LIMITED'],
  'POST /api/v1/reservations': [
    'NOT_ACTIVE',
    'SCHEDULE_NOT_FOUND',
    'SEAT_NOT_FOUND',
    'SEAT_TAKEN',
    'SEAT_LIMIT',
    'SESSION_OVER',
    'IDEMPOTENCY_MISMATCH',
    'BODY_TOO_LARGE',
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  'DELETE /api/v1/reservations/{reservationId}': ['RESERVATION_NOT_FOUND', 'RESERVATION_EXPIRED', 'ALREADY_PAID'],
  'POST /api/v1/users/{userId}/balance': [
    'INVALID_AMOUNT',
    'USER_NOT_FOUND',
    'FORBIDDEN',
    'NOT_ACTIVE',
    'IDEMPOTENCY_MISMATCH',
  ],
  'POST /api/v1/payments': [
    'NOT_ACTIVE',
    'RESERVATION_NOT_FOUND',
    'RESERVATION_EXPIRED',
    'RESERVATION_CANCELLED',
    'INSUFFICIENT_BALANCE',
    'IDEMPOTENCY_MISMATCH',
  ],
  'GET /api/v1/payments/{paymentId}': ['PAYMENT_NOT_FOUND'],
  'GET /api/v1/concerts/{concertId}/schedules/{scheduleId}/seats': [
    'NOT_ACTIVE',
    'CONCERT_NOT_FOUND',
    'SCHEDULE_NOT_FOUND',
    'QUEUE_NOT_FOUND',
  ],
  'PUT /api/v1/admin/concerts/{concertId}': ['IMPORT_CONFLICT', 'VALIDATION', 'BODY_TOO_LARGE', 'FORBIDDEN'],
};

function walk(value: unknown, visit: (object: Loose) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) visit(value);
  for (const member of Object.values(value)) walk(member, visit);
}

const at = (document: Loose, pointer: string) =>
  pointer
    .slice(2)
    .split('/')
    .reduce((value, name) => value?.[name.replaceAll('~1', '/').replaceAll('~0', '~')], document);

describe('openapi.json', () => {
  test('is OpenAPI 3.1 with every call of the contract and no other', () => {
    const { openapi, info, paths } = under.openApi;
    expect(openapi).toMatch(/^3\.1\.\d+$/);
    expect(info).toMatchObject({ title: expect.any(String), version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    const named = Object.entries<Loose>(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(named.sort()).toEqual([...CALLS].sort());
  });

  test('each operation: an id of its own, its path’s parameters, answers, known security', () => {
    const { paths, components } = under.openApi;
    const ids = new Set<string>();
    for (const [path, operations] of Object.entries<Loose>(paths))
      for (const operation of Object.values<Loose>(operations)) {
        ids.add(operation.operationId);
        const inPath = operation.parameters.filter((one: Loose) => one.in === 'path');
        expect(inPath.map((one: Loose) => `{${one.name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
        for (const one of inPath) expect(one.required).toBe(true);
        for (const one of operation.parameters) expect(() => Compile(one.schema)).not.toThrow();
        expect(Object.keys(operation.responses).some((status) => status.startsWith('2'))).toBe(true);
        for (const response of Object.values<Loose>(operation.responses)) expect(response.description).toMatch(/\S/);
        for (const scheme of operation.security.flatMap(Object.keys))
          expect(components.securitySchemes).toHaveProperty(scheme);
      }
    expect(ids.size).toBe(CALLS.length);
  });

  test('each reference leads somewhere; each schema compiles', () => {
    walk(under.openApi, (object) => {
      if (typeof object.$ref === 'string') expect(at(under.openApi, object.$ref), object.$ref).toBeDefined();
    });
    for (const schema of Object.values<Loose>(under.openApi.components.schemas))
      expect(() => Compile({ ...schema, components: under.openApi.components })).not.toThrow();
  });

  test('names every code that the server may answer, and those of the contract’s table for each call', () => {
    const codesOf = (operation: Loose) => {
      const codes = new Set<string>();
      for (const [status, response] of Object.entries<Loose>(operation.responses)) {
        const { examples = {} } = response.content?.['application/problem+json'] ?? {};
        for (const [code, example] of Object.entries<Loose>(examples)) {
          codes.add(code);
          expect([Number(status), example.value.code]).toEqual([CODES[code]?.[0], code]);
          // Of NOT_ACTIVE it is the place's.
          if (code !== 'NOT_ACTIVE') expect(example.value.status, code).toBe(CODES[code]?.[0]);
        }
      }
      return codes;
    };
    const all = new Set<string>();
    for (const call of CALLS) {
      const [method = '', path = ''] = call.split(' ');
      const codes = codesOf(under.openApi.paths[path][method.toLowerCase()]);
      expect([...codes], call).toEqual(expect.arrayContaining(NAMED[call] ?? []));
      for (const code of codes) all.add(code);
    }
    const table = new Set(Object.keys(CODES));
    expect(all.add('METHOD_NOT_ALLOWED')).toEqual(table);
    expect(new Set(under.openApi.components.schemas.Problem.properties.code.enum)).toEqual(table);
  });

  test('its request schemas take what the server takes, and refuse what it refuses', async () => {
    const cases: [string, string, object, boolean][] = [
      ['POST', '/api/v1/users', { email: 'a@example.com', password: 'long enough' }, true],
      ['POST', '/api/v1/users', { email: 'a@example.com', password: 'short' }, false],
      ['POST', '/api/v1/queue', { concertId: 'c1' }, true],
      ['POST', '/api/v1/queue', { concertId: 'schedules' }, false],
      ['POST', '/api/v1/queue', { concertId: 'c1', nope: 1 }, false],
      ['POST', '/api/v1/reservations', { scheduleId: 'd1', seatIds: ['A-1-1'] }, true],
      ['POST', '/api/v1/reservations', { scheduleId: 'd1', seatIds: ['A-1-1', 'A-1-1'] }, false],
      ['POST', '/api/v1/reservations', { scheduleId: 'd1', seatIds: [] }, false],
      ['PUT', '/api/v1/admin/concerts/c1', concertInput(), true],
      ['PUT', '/api/v1/admin/concerts/c1', { ...concertInput(), seatLimit: 9 }, false],
      ['PATCH', '/api/v1/admin/concerts/c1/room', { opensAt: null }, true],
      ['PATCH', '/api/v1/admin/concerts/c1/room', { opensAt: 'soon' }, false],
      ['PATCH', '/api/v1/admin/concerts/c1/room', { capacity: -1 }, false],
    ];
    for (const [method, path, body, fits] of cases) {
      const { schema } = operationOf(under.openApi, method, path).requestBody.content['application/json'];
      const documented = Compile({ ...schema, components: under.openApi.components }).Check(body);
      expect([path, body, documented]).toEqual([path, body, fits]);
    }
  });
});

describe('asyncapi.json', () => {
  const payloadOf = (name: string) =>
    Compile({ ...asyncApi.components.messages[name].payload, components: asyncApi.components });

  test('is AsyncAPI 3 with the channel, the two directions and every message of the contract', () => {
    const { asyncapi, info, channels, operations, components } = asyncApi;
    expect(asyncapi).toMatch(/^3\.0\.\d+$/);
    expect(info).toMatchObject({ title: expect.any(String), version: under.openApi.info.version });
    expect(Object.values<Loose>(channels).map((channel) => channel.address)).toEqual(['/ws']);
    const said = (action: string) =>
      Object.values<Loose>(operations)
        .filter((operation) => operation.action === action)
        .flatMap((operation) => operation.messages.map((one: Loose) => at(asyncApi, at(asyncApi, one.$ref).$ref).name));
    expect(new Set(said('send'))).toEqual(new Set(['error', 'reservation', 'room', 'seats', 'ticket']));
    expect(new Set(said('receive'))).toEqual(new Set(['auth', 'leave', 'unwatch', 'watch']));
    expect(new Set(Object.keys(components.messages))).toEqual(new Set([...said('send'), ...said('receive')]));
    walk(asyncApi, (object) => {
      if (typeof object.$ref === 'string') expect(at(asyncApi, object.$ref), object.$ref).toBeDefined();
    });
    for (const code of ['4400', '4401', '4403', '4408', '1012']) expect(JSON.stringify(channels)).toContain(code);
  });

  test('takes what the server really sends, and what it is told', async () => {
    const told = { auth: { type: 'auth', token: place.token }, watch: { type: 'watch', scheduleId: 'd1' } };
    for (const [name, message] of Object.entries(told)) expect(payloadOf(name).Check(message)).toBe(true);
    expect(payloadOf('watch').Check({ type: 'watch', scheduleId: 'd1', nope: 1 })).toBe(false);
    const socket: Socket = await openSocket(under.url, place.token);
    const of = (type: string) => socket.messages.filter((message) => message.type === type);
    await socket.next((message) => message.type === 'ticket');
    socket.send(told.watch);
    await socket.next((message) => message.type === 'seats' && message.full === true);
    const held = await under.call('/api/v1/reservations', {
      body: { scheduleId: 'd1', seatIds: ['A-1-1'] },
      queue: place.token,
    });
    await socket.next((message) => message.type === 'seats' && message.full === undefined);
    await socket.next((message) => message.type === 'reservation');
    await under.call(`/api/v1/reservations/${held.body.reservationId}`, { method: 'DELETE', queue: place.token });
    await until(() => of('reservation').length >= 2);
    socket.send({ type: 'watch', scheduleId: 'nowhere' });
    socket.send('{');
    await until(() => of('error').length >= 2);
    await under.operator('/concerts/wait', { method: 'PUT', body: concertInput({ room: { state: 'PAUSED' } }) });
    const waits = await under.call('/api/v1/queue', { body: { concertId: 'wait' }, bearer: fan.accessToken });
    socket.send({ type: 'auth', token: waits.body.token });
    const other = await newFan(under.url);
    await until(() => of('ticket').some((message) => (message.ticket as Loose).concertId === 'wait'));
    await under.call('/api/v1/queue', { body: { concertId: 'wait' }, bearer: other.accessToken });
    await socket.next((message) => message.type === 'room');
    for (const message of socket.messages) {
      const payload = payloadOf(message.type);
      if (!payload.Check(message)) expect(payload.Errors(message)[1], JSON.stringify(message)).toEqual([]);
    }
    expect(new Set(socket.messages.map(({ type }) => type))).toEqual(
      new Set(['ticket', 'seats', 'reservation', 'error', 'room']),
    );
    await socket.close();
  });
});

describe('machines', () => {
  test('liveness and readiness; /docs shows both documents; metrics are Prometheus text', async () => {
    expect((await under.call('/healthz')).status).toBe(200);
    expect((await under.call('/readyz')).status).toBe(200);
    const docs = await under.call('/docs');
    expect(docs.headers.get('content-type')).toMatch(/^text\/html/);
    for (const code of Object.keys(CODES)) expect(docs.body).toContain(code);
    for (const call of CALLS) expect(docs.body).toContain(call.split(' ')[1]);
    for (const type of ['ticket', 'seats', 'unwatch']) expect(docs.body).toContain(type);
    const metrics = await under.call('/metrics');
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain/);
    for (const line of String(metrics.body)
      .split('\n')
      .filter((one) => one !== '' && !one.startsWith('#')))
      expect(line).toMatch(/^[a-z_:][\w:]*(\{.*\})? [-+\d.eInfNa]+( \d+)?$/);
    expect(metrics.body).toMatch(/process="/);
  });

  test('a problem’s `type` leads to its place in /docs', async () => {
    const { body } = await under.call('/api/v1/queue');
    const [path = '', anchor] = String(body.type).split('#');
    expect((await under.call(path)).body).toContain(`id="${anchor}"`);
  });
});
