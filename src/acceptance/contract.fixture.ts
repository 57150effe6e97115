/**
 * A strict stranger's client: every answer is held against the words of the contract (members, headers, times), and
 * against the schemas that the server itself publishes at /openapi.json.
 */
import { Compile } from 'typebox/schema';
import { afterAll, beforeAll, expect } from 'vitest';
import { testDatabase } from '../testing/connect.ts';
import { type Answer, type CallOptions, call as rawCall } from '../testing/fan.ts';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { OPERATOR_KEY, startSystem, type System } from '../testing/system.ts';

// oxlint-disable-next-line typescript/no-explicit-any
export type Loose = any;

/** What is promised within 500 ms or a tick, with what a machine adds that runs other tests too. */
export const SOON_MS = 2_000;

/** The table of the contract: HTTP status, and the extra members. `?`: only where it applies. */
export const CODES: Record<string, [status: number, ...members: string[]]> = {
  VALIDATION: [400, 'errors'],
  INVALID_AMOUNT: [400, 'min', 'max'],
  RESERVATION_EXPIRED: [400, 'expiredAt'],
  INSUFFICIENT_BALANCE: [400, 'balance', 'required'],
  SEAT_LIMIT: [400, 'limit', 'held', 'bought'],
  UNAUTHENTICATED: [401],
  INVALID_CREDENTIALS: [401],
  QUEUE_ID_MISMATCH: [403],
  NOT_ACTIVE: [403, 'position'],
  FORBIDDEN: [403],
  SESSION_OVER: [403, 'expiresAt'],
  ROOM_CLOSED: [403, 'state', 'opensAt'],
  USER_NOT_FOUND: [404],
  CONCERT_NOT_FOUND: [404],
  SCHEDULE_NOT_FOUND: [404],
  SEAT_NOT_FOUND: [404, 'seatIds'],
  RESERVATION_NOT_FOUND: [404],
  PAYMENT_NOT_FOUND: [404],
  QUEUE_NOT_FOUND: [404],
  NOT_FOUND: [404],
  METHOD_NOT_ALLOWED: [405],
  EMAIL_TAKEN: [409],
  ALREADY_QUEUED: [409, 'ticket'],
  SEAT_TAKEN: [409, 'seatIds', '?reservationId'],
  ALREADY_PAID: [409, 'paymentId'],
  RESERVATION_CANCELLED: [409],
  IMPORT_CONFLICT: [409, 'conflicts'],
  BODY_TOO_LARGE: [413, '?maxBytes'],
  UNSUPPORTED_MEDIA_TYPE: [415],
  IDEMPOTENCY_MISMATCH: [422],
  RATE_LIMITED: [429],
  UNAVAILABLE: [503],
  INTERNAL: [500, 'instance'],
};

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
export const time = expect.stringMatching(TIME);
export const text = expect.any(String);
export const count = expect.toSatisfy((value) => Number.isSafeInteger(value) && Number(value) >= 0, 'a count');
export const nullOr = (one: unknown) => expect.toBeOneOf([one, null]);

export const SCHEDULE = { scheduleId: text, startsAt: time, date: text, totalSeats: count, availableSeats: count };
export const SEAT = { seatId: text, section: text, row: text, number: count, price: count };
export const SEAT_ON_MAP = { ...SEAT, status: expect.toBeOneOf(['AVAILABLE', 'HELD', 'SOLD']) };
export const SHAPES = {
  ticket: {
    queueId: text,
    token: text,
    concertId: text,
    status: expect.toBeOneOf(['WAITING', 'ACTIVE', 'EXPIRED', 'LEFT', 'USED']),
    reason: expect.toBeOneOf(['UNCLAIMED', 'SESSION_OVER', 'SUPERSEDED', 'LEFT', 'REMOVED', 'PAID', null]),
    sequence: count,
    position: nullOr(count),
    ahead: nullOr(count),
    waiting: count,
    admitted: count,
    estimatedWaitSeconds: nullOr(count),
    pollAfterSeconds: count,
    joinedAt: time,
    expiresAt: nullOr(time),
    serverTime: time,
  },
  room: {
    concertId: text,
    state: expect.toBeOneOf(['OPEN', 'PAUSED', 'CLOSED']),
    opensAt: nullOr(time),
    capacity: count,
    admitted: count,
    frontier: count,
    waiting: count,
    active: count,
    ratePerSecond: expect.any(Number),
    seatsLeft: count,
    serverTime: time,
  },
  reservation: {
    reservationId: text,
    userId: text,
    concertId: text,
    scheduleId: text,
    seats: expect.any(Array),
    amount: count,
    currency: 'KRW',
    status: expect.toBeOneOf(['HELD', 'CONFIRMED', 'CANCELLED', 'EXPIRED']),
    createdAt: time,
    expiresAt: time,
    paymentId: nullOr(text),
    serverTime: time,
  },
  payment: {
    paymentId: text,
    reservationId: text,
    userId: text,
    concertId: text,
    scheduleId: text,
    seats: expect.any(Array),
    amount: count,
    currency: 'KRW',
    balance: count,
    status: 'CONFIRMED',
    paidAt: time,
    recordedAt: nullOr(time),
  },
};

/** Fails unless the body is the named object of the contract, no member more or less. */
export function expectShape(name: keyof typeof SHAPES, body: unknown): void {
  expect(body).toStrictEqual(SHAPES[name]);
}

export interface Under {
  url: string;
  system: System;
  redis: RedisServer;
  databaseUrl: string;
  openApi: Loose;
  call(path: string, options?: CallOptions): Promise<Answer>;
  operator(path: string, options?: CallOptions): Promise<Answer>;
  /** another server process over the same data */
  another(env: Record<string, string>): Promise<System>;
}

const UNLIMITED = { LIMIT_USER_PER_SECOND: '0', LIMIT_POLL_BURST: '0', LIMIT_LOGIN_PER_SECOND: '0' };

/** One system for a test file, to be called at its top; filled in before the first test. */
export async function systemUnderTest(env: Record<string, string> = UNLIMITED): Promise<Under> {
  const databaseUrl = await testDatabase();
  const under = { databaseUrl } as Under;
  const others: System[] = [];
  beforeAll(async () => {
    under.redis = await startRedis();
    const all = { REDIS_URL: under.redis.url, DATABASE_URL: databaseUrl, ...env };
    under.system = await startSystem(all);
    under.url = under.system.url;
    under.openApi = (await rawCall(under.url, '/openapi.json')).body;
    under.call = (path, options = {}) => checkedCall(under, path, options);
    under.operator = (path, options = {}) => under.call(`/api/v1/admin${path}`, { bearer: OPERATOR_KEY, ...options });
    under.another = async (more) => {
      const other = await startSystem({ ...all, ROLE: 'server', ...more });
      others.push(other);
      return other;
    };
  });
  afterAll(async () => {
    await Promise.all([...others, under.system].map((one) => one?.stop()));
    await under.redis?.stop();
  });
  return under;
}

async function checkedCall({ url, openApi }: Under, path: string, options: CallOptions): Promise<Answer> {
  const answer = await rawCall(url, path, options);
  const method = options.method ?? (options.body === undefined ? 'GET' : 'POST');
  expectContract(openApi, `${method} ${path}`, answer);
  return answer;
}

/** What holds for every answer. */
export function expectContract(openApi: Loose, called: string, answer: Answer): void {
  const { status, headers, body } = answer;
  const what = `${called} -> ${status} ${JSON.stringify(body)?.slice(0, 300)}`;
  expect(headers.get('x-request-id'), what).toMatch(/\S/);
  expectTimes(body, what);
  if (called.startsWith('HEAD') || called.startsWith('OPTIONS')) return;
  if (status >= 400) expectProblem(answer, what);
  expectDocumented(openApi, called, answer, what);
}

function expectProblem({ status, headers, body }: Answer, what: string): void {
  expect(headers.get('content-type'), what).toMatch(/^application\/problem\+json/);
  const [httpStatus, ...extra] = CODES[body.code] ?? [0];
  expect(status, what).toBe(httpStatus);
  const needed = ['type', 'title', 'status', 'detail', 'code', ...extra.filter((name) => !name.startsWith('?'))];
  expect(Object.keys(body), what).toEqual(expect.arrayContaining(needed));
  const allowed = [...needed, ...extra.map((name) => name.replace('?', ''))];
  expect(
    Object.keys(body).filter((name) => !allowed.includes(name)),
    what,
  ).toEqual([]);
  for (const name of ['type', 'title', 'detail', 'code']) expect(body[name], what).toEqual(text);
  if (body.code !== 'NOT_ACTIVE') expect(body.status, what).toBe(status);
  if (status === 429 || status === 503) expect(headers.get('retry-after'), what).toMatch(/^[1-9]\d*$/);
  if (status === 405) expect(headers.get('allow'), what).toMatch(/^[A-Z]+(, [A-Z]+)*$/);
  for (const fault of [...(body.errors ?? []), ...(body.conflicts ?? [])])
    expect(fault, what).toStrictEqual({ path: text, message: text });
}

/** Members that are times are ISO 8601 UTC with milliseconds, wherever they stand. */
function expectTimes(value: unknown, what: string): void {
  if (typeof value !== 'object' || value === null) return;
  if ('openapi' in value || 'asyncapi' in value) return;
  for (const [name, member] of Object.entries(value)) {
    if (/(At|^at|Time)$/.test(name) && member !== null) expect(member, `${name} of ${what}`).toMatch(TIME);
    else expectTimes(member, what);
  }
}

/** The operation of the document that serves a path: literal segments before parameters. */
export function operationOf(openApi: Loose, method: string, path: string): Loose {
  const segments = path.split('?')[0]?.split('/') ?? [];
  const fits = Object.keys(openApi.paths)
    .filter((template) => {
      const parts = template.split('/');
      return (
        parts.length === segments.length &&
        parts.every((part, i) => (part.startsWith('{') ? segments[i] !== '' : part === segments[i]))
      );
    })
    .sort((a, b) => a.split('{').length - b.split('{').length);
  return fits.map((template) => openApi.paths[template][method.toLowerCase()]).find(Boolean);
}

const validators = new Map<string, ReturnType<typeof Compile>>();

function expectDocumented(openApi: Loose, called: string, { status, headers, body }: Answer, what: string): void {
  const [method = '', path = ''] = called.split(' ');
  const operation = operationOf(openApi, method, path);
  if (!operation) return;
  const response = operation.responses[status];
  expect(response, `documented: ${what}`).toBeDefined();
  const [type, media] = Object.entries<Loose>(response.content ?? {})[0] ?? [];
  if (!type) return expect(body, what).toBeNull();
  expect(headers.get('content-type'), what).toBe(type);
  if (!type.includes('json')) return;
  const key = `${operation.operationId} ${status}`;
  let validator = validators.get(key);
  if (!validator) {
    validator = Compile({ ...media.schema, components: openApi.components });
    validators.set(key, validator);
  }
  if (!validator.Check(body)) expect(validator.Errors(body)[1], `fits the document: ${what}`).toEqual([]);
}
