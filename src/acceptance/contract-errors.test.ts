/** The contract's "Order of checks", and the refusals that no other file here meets. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type CallOptions, concertInput, enter, type Fan, newFans } from '../testing/fan.ts';
import { OPERATOR_KEY } from '../testing/system.ts';
import { type Loose, systemUnderTest } from './contract.fixture.ts';

const under = await systemUnderTest({
  LIMIT_USER_PER_SECOND: '0',
  LIMIT_POLL_BURST: '0',
  LIMIT_LOGIN_PER_SECOND: '0',
  LIMIT_FAILED_LOGINS_PER_MINUTE: '0',
});
let ann: Fan;
let bob: Fan;
/** ACTIVE in `open` */
let active: string;
/** WAITING in `paused` */
let waiting: string;
let taken: string;

beforeAll(async () => {
  const [one, two] = await newFans(under.url, 2);
  if (!one || !two) throw new Error('no fans');
  [ann, bob] = [one, two];
  const put = (id: string, body: object) => under.operator(`/concerts/${id}`, { method: 'PUT', body });
  await put('open', concertInput());
  await put('closed', concertInput({ room: { state: 'CLOSED' } }));
  await put('paused', concertInput({ room: { state: 'PAUSED' } }));
  ({ token: active } = await enter(under.url, ann, 'open'));
  const other = await enter(under.url, bob, 'open');
  const held = await under.call('/api/v1/reservations', {
    body: { scheduleId: 'd1', seatIds: ['A-1-1'] },
    queue: other.token,
  });
  taken = held.body.reservationId;
  waiting = (await under.call('/api/v1/queue', { body: { concertId: 'paused' }, bearer: ann.accessToken })).body.token;
});

const TOO_LARGE = `"${'x'.repeat(64 * 1024)}"`;
const tooLong = { headers: { 'content-type': 'text/plain' } };
type Step = [code: string, options: () => CallOptions, path?: string];

/** Each call with everything wrong, then with one thing righted after another: what is told is always the first. */
const ORDERS: [call: string, steps: Step[]][] = [
  [
    'POST /api/v1/reservations',
    [
      ['BODY_TOO_LARGE', () => ({ body: TOO_LARGE })],
      ['UNSUPPORTED_MEDIA_TYPE', () => ({ body: '{', ...tooLong })],
      ['UNAUTHENTICATED', () => ({ body: '{' })],
      ['UNAUTHENTICATED', () => ({ body: '{', queue: 'forged' })],
      ['VALIDATION', () => ({ body: '{', queue: waiting })],
      ['VALIDATION', () => ({ body: { scheduleId: 'd9', seatIds: [] }, queue: waiting })],
      [
        'VALIDATION',
        () => ({
          body: { scheduleId: 'd9', seatIds: ['A-9-9'] },
          queue: waiting,
          headers: { 'idempotency-key': 'a b' },
        }),
      ],
      [
        'FORBIDDEN',
        () => ({ body: { scheduleId: 'd9', seatIds: ['A-9-9'] }, queue: waiting, bearer: bob.accessToken }),
      ],
      ['NOT_ACTIVE', () => ({ body: { scheduleId: 'd9', seatIds: ['A-9-9'] }, queue: waiting })],
      ['NOT_ACTIVE', () => ({ body: { scheduleId: 'd9', seatIds: ['A-9-9'] }, bearer: ann.accessToken })],
      ['SCHEDULE_NOT_FOUND', () => ({ body: { scheduleId: 'd9', seatIds: ['A-9-9'] }, queue: active })],
      ['SEAT_NOT_FOUND', () => ({ body: { scheduleId: 'd1', seatIds: ['A-1-1', 'A-9-9'] }, queue: active })],
      [
        'SEAT_TAKEN',
        () => ({ body: { scheduleId: 'd1', seatIds: ['A-1-1', 'A-1-2', 'A-1-3', 'A-1-4', 'A-1-5'] }, queue: active }),
      ],
      [
        'SEAT_LIMIT',
        () => ({ body: { scheduleId: 'd1', seatIds: ['A-1-6', 'A-1-2', 'A-1-3', 'A-1-4', 'A-1-5'] }, queue: active }),
      ],
    ],
  ],
  [
    'POST /api/v1/payments',
    [
      ['BODY_TOO_LARGE', () => ({ body: TOO_LARGE })],
      ['UNAUTHENTICATED', () => ({ body: { nope: 1 } })],
      ['VALIDATION', () => ({ body: { nope: 1 }, queue: waiting })],
      ['NOT_ACTIVE', () => ({ body: { reservationId: 'rsv_none' }, queue: waiting })],
      ['NOT_ACTIVE', () => ({ body: { reservationId: taken }, bearer: ann.accessToken })],
      ['RESERVATION_NOT_FOUND', () => ({ body: { reservationId: taken }, queue: active })],
    ],
  ],
  [
    'GET /api/v1/concerts/nope/schedules/d9/seats?status=NOPE',
    [
      ['UNAUTHENTICATED', () => ({})],
      ['VALIDATION', () => ({ queue: waiting })],
      ['CONCERT_NOT_FOUND', () => ({ queue: waiting }), '/api/v1/concerts/nope/schedules/d9/seats'],
      ['CONCERT_NOT_FOUND', () => ({ bearer: ann.accessToken }), '/api/v1/concerts/nope/schedules/d9/seats'],
      [
        'CONCERT_NOT_FOUND',
        () => ({ bearer: bob.accessToken, queue: active }),
        '/api/v1/concerts/nope/schedules/d9/seats',
      ],
      ['FORBIDDEN', () => ({ bearer: bob.accessToken, queue: active }), '/api/v1/concerts/open/schedules/d9/seats'],
      ['NOT_ACTIVE', () => ({ queue: active }), '/api/v1/concerts/paused/schedules/d9/seats'],
      ['NOT_ACTIVE', () => ({ queue: waiting }), '/api/v1/concerts/paused/schedules/d9/seats'],
      ['SCHEDULE_NOT_FOUND', () => ({ queue: active }), '/api/v1/concerts/open/schedules/d9/seats'],
    ],
  ],
  [
    'POST /api/v1/queue',
    [
      ['BODY_TOO_LARGE', () => ({ body: TOO_LARGE })],
      ['UNAUTHENTICATED', () => ({ body: { concertId: 'NOPE' } })],
      ['UNAUTHENTICATED', () => ({ body: { concertId: 'NOPE' }, queue: active })],
      ['VALIDATION', () => ({ body: { concertId: 'NOPE' }, bearer: ann.accessToken })],
      ['VALIDATION', () => ({ body: { concertId: 'schedules' }, bearer: ann.accessToken })],
      ['CONCERT_NOT_FOUND', () => ({ body: { concertId: 'nope' }, bearer: bob.accessToken, queue: active })],
      ['CONCERT_NOT_FOUND', () => ({ body: { concertId: 'nope' }, bearer: ann.accessToken })],
      ['FORBIDDEN', () => ({ body: { concertId: 'closed' }, bearer: bob.accessToken, queue: active })],
      ['ROOM_CLOSED', () => ({ body: { concertId: 'closed' }, bearer: ann.accessToken })],
      ['ALREADY_QUEUED', () => ({ body: { concertId: 'open' }, bearer: ann.accessToken })],
    ],
  ],
  [
    'POST /api/v1/users/u_none/balance',
    [
      ['BODY_TOO_LARGE', () => ({ body: TOO_LARGE })],
      ['UNAUTHENTICATED', () => ({ body: { nope: 1 } })],
      ['VALIDATION', () => ({ body: { nope: 1 }, bearer: ann.accessToken })],
      ['FORBIDDEN', () => ({ body: { amount: 0 }, bearer: ann.accessToken })],
      ['USER_NOT_FOUND', () => ({ body: { amount: 0 }, bearer: OPERATOR_KEY })],
    ],
  ],
  [
    'GET /api/v1/users/u_none/reservations?limit=0',
    [
      ['UNAUTHENTICATED', () => ({})],
      ['VALIDATION', () => ({ bearer: ann.accessToken })],
      ['FORBIDDEN', () => ({ bearer: ann.accessToken }), '/api/v1/users/u_none/reservations'],
      ['USER_NOT_FOUND', () => ({ bearer: OPERATOR_KEY }), '/api/v1/users/u_none/reservations'],
    ],
  ],
  [
    'PATCH /api/v1/admin/concerts/nope/room',
    [
      ['UNAUTHENTICATED', () => ({ body: { nope: 1 } })],
      ['FORBIDDEN', () => ({ body: { nope: 1 }, bearer: ann.accessToken })],
      ['VALIDATION', () => ({ body: { nope: 1 }, bearer: OPERATOR_KEY })],
      ['CONCERT_NOT_FOUND', () => ({ body: {}, bearer: OPERATOR_KEY })],
    ],
  ],
];

describe.each(ORDERS)('%s tells the first thing that is wrong', (call, steps) => {
  const [method = '', path = ''] = call.split(' ');
  test.each(steps.map(([code, options, other], i) => [`${i}: ${code}`, code, options, other ?? path] as const))(
    '%s',
    async (_, code, options, at) => {
      const { body } = await under.call(at, { method, ...options() });
      expect(body.code).toBe(code);
    },
  );
});

test('what does not fit is told by part and member, every fault once', async () => {
  const { body } = await under.call('/api/v1/reservations', {
    body: { scheduleId: 'NO', seatIds: ['A-1-1', 7], x: 1 },
    queue: active,
  });
  expect(body.errors.map((fault: Loose) => fault.path).sort()).toEqual(['/scheduleId', '/seatIds/1', '/x']);
  const query = await under.call('/api/v1/concerts/OPEN/seats?date=x&status=y', { queue: active });
  expect(query.body.errors.map((fault: Loose) => fault.path).sort()).toEqual([
    'path/concertId',
    'query/date',
    'query/status',
  ]);
});

test('too many password checks at once are 503 with Retry-After, and nothing is lost by it', async () => {
  const logins: Answer[] = [];
  const codes = new Set<string>();
  // Again where they came in so slowly that there was never a queue.
  for (let round = 0; round < 10 && codes.size < 2; round++) {
    const flood = Array.from({ length: 90 }, (_, i) =>
      under.call('/api/v1/auth/login', { body: { email: `flood-${i}@example.com`, password: 'wrong password' } }),
    );
    logins.push(...(await Promise.all(flood)));
    for (const { body } of logins) codes.add(body.code);
  }
  expect(codes).toEqual(new Set(['INVALID_CREDENTIALS', 'UNAVAILABLE']));
  for (const { body, headers } of logins.filter(({ status }) => status === 503)) {
    expect(body.code).toBe('UNAVAILABLE');
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  }
  expect((await under.call('/healthz')).status).toBe(200);
});

test('NOT_ACTIVE tells of the token’s place: its status and position, null for another room and without a token', async () => {
  const seats = '/api/v1/concerts/paused/schedules';
  const told = async (options: CallOptions, path = seats) => {
    const { status, body } = await under.call(path, options);
    expect([status, body.code]).toEqual([403, 'NOT_ACTIVE']);
    return [body.status, body.position];
  };
  expect(await told({ queue: waiting })).toEqual(['WAITING', 1]);
  expect(await told({ queue: active })).toEqual([null, null]);
  expect(await told({ bearer: ann.accessToken })).toEqual([null, null]);
  expect(await told({ bearer: ann.accessToken }, '/api/v1/concerts/schedules')).toEqual([null, null]);
  expect(await told({ queue: waiting }, '/api/v1/concerts/schedules')).toEqual(['WAITING', 1]);
});

describe('whatever is sent, the answer is one of the table and never a fault of the server', () => {
  const NASTY: unknown[] = [
    null,
    '',
    ' ',
    0,
    -1,
    1.5,
    1e308,
    2 ** 53,
    true,
    [],
    {},
    [[]],
    ['A-1-1', 'A-1-1'],
    'x'.repeat(5_000),
    '\u0000',
    'a\nb',
    '__proto__',
    'constructor',
    '😀'.repeat(40),
    '\ud800',
    '../..',
    '%00',
    'A-1-1 ',
    'rsv_open_',
    { __proto__: null, toString: 1 },
    JSON.parse('['.repeat(40) + ']'.repeat(40)),
  ];
  const BODIES = (): [string, string, Record<string, unknown>, CallOptions][] => [
    ['POST', '/api/v1/users', { email: 'a@example.com', password: 'short', name: 'n' }, {}],
    ['POST', '/api/v1/auth/login', { email: 'a@example.com', password: '' }, {}],
    ['POST', '/api/v1/queue', { concertId: 'open' }, { bearer: ann.accessToken }],
    ['POST', '/api/v1/reservations', { scheduleId: 'd1', seatIds: ['A-1-1'] }, { queue: active }],
    ['POST', '/api/v1/payments', { reservationId: 'rsv_none' }, { queue: active }],
    ['POST', `/api/v1/users/${ann.userId}/balance`, { amount: 0 }, { queue: active }],
    [
      'PATCH',
      '/api/v1/admin/concerts/closed/room',
      { state: 'CLOSED', opensAt: null, capacity: 1, reentry: 'reject' },
      { bearer: OPERATOR_KEY },
    ],
    [
      'PUT',
      '/api/v1/admin/concerts/nasty',
      {
        title: '',
        venue: 'V',
        currency: 'KRW',
        timeZone: 'UTC',
        seatLimit: 1,
        holdSeconds: 1,
        schedules: [],
        room: {},
      },
      { bearer: OPERATOR_KEY },
    ],
  ];

  test('in the members of a body', async () => {
    for (const [method, path, body, credential] of BODIES())
      for (const member of Object.keys(body))
        await Promise.all(
          NASTY.map(async (value) => {
            const { status } = await under.call(path, { method, body: { ...body, [member]: value }, ...credential });
            expect(status, `${method} ${path} ${member} ${JSON.stringify(value)?.slice(0, 60)}`).toBeLessThan(500);
          }),
        );
    expect((await under.call('/api/v1/concerts/closed/room')).status).toBe(200);
  });

  test('in a path and in a query', async () => {
    const words = NASTY.filter((value) => typeof value === 'string' && value.isWellFormed()) as string[];
    const paths = Object.entries<Loose>(under.openApi.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => [method.toUpperCase(), path] as const),
    );
    for (const [method, template] of paths.filter(([, path]) => path.includes('{') && !path.endsWith('/reset')))
      await Promise.all(
        words
          .filter((word) => word !== '')
          .map(async (word) => {
            const path = template.replace(/\{\w+\}/g, encodeURIComponent(word));
            const credential = path.includes('/admin/')
              ? { bearer: OPERATOR_KEY }
              : { bearer: ann.accessToken, queue: active };
            const { status } = await under.call(path, {
              method,
              ...(method === 'GET' ? {} : { body: {} }),
              ...credential,
            });
            expect(status, `${method} ${path.slice(0, 200)}`).toBeLessThan(500);
          }),
      );
    for (const [path, names] of [
      ['/api/v1/concerts', ['limit', 'cursor']],
      [`/api/v1/users/${ann.userId}/reservations`, ['limit', 'cursor', 'status']],
      [`/api/v1/users/${ann.userId}/balance/history`, ['limit', 'cursor']],
      ['/api/v1/concerts/open/seats', ['date', 'status']],
      ['/api/v1/concerts/open/schedules', ['from', 'to', 'soldOut']],
    ] as const)
      for (const name of names)
        for (const word of words) {
          const { body } = await under.call(`${path}?${name}=${encodeURIComponent(word)}`, { queue: active });
          expect(body.code, `${path} ${name}=${word.slice(0, 60)}`).toBe('VALIDATION');
        }
  });

  test('in a header', async () => {
    for (const value of ['', 'x'.repeat(3_000), '"', ',', 'Bearer', 'Bearer a.b.c', 'Bearer ..', '{}', 'W/"', '*']) {
      for (const header of [
        'authorization',
        'queue-token',
        'user-token',
        'idempotency-key',
        'if-none-match',
        'x-forwarded-for',
        'origin',
      ]) {
        const { status } = await under.call('/api/v1/concerts/open/schedules/d1/seats', {
          headers: { [header]: value },
        });
        expect([header, status]).toEqual([header, 401]);
      }
      const seats = await under.call('/api/v1/concerts/open/schedules/d1/seats', {
        queue: active,
        headers: { 'if-none-match': value },
      });
      expect(seats.status).toBe(value === '*' ? 304 : 200);
    }
  });
});
