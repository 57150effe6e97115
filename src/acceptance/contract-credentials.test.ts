/** The contract's "Credentials": who may do what with which token, and what is answered otherwise. */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call as rawCall, type CallOptions, concertInput, enter, type Fan, newFan, newFans } from '../testing/fan.ts';
import { JWT_SECRET, OPERATOR_KEY } from '../testing/system.ts';
import { expectShape, type Loose, systemUnderTest } from './contract.fixture.ts';

const under = await systemUnderTest();
let ann: Fan;
let bob: Fan;
/** ann's and bob's ACTIVE places in c1 */
let annToken: string;
let bobToken: string;
let annHold: string;
let annPayment: string;
let queueId: string;

beforeAll(async () => {
  const { url, call, operator } = under;
  await operator('/concerts/c1', { method: 'PUT', body: concertInput({ seatLimit: 8 }) });
  const [first, second] = await newFans(url, 2);
  if (!first || !second) throw new Error('no fans');
  [ann, bob] = [first, second];
  ({ token: annToken, queueId } = await enter(url, ann, 'c1'));
  ({ token: bobToken } = await enter(url, bob, 'c1'));
  await call(`/api/v1/users/${ann.userId}/balance`, { body: { amount: 5_000 }, queue: annToken });
  const held = async (seatIds: string[]) =>
    (await call('/api/v1/reservations', { body: { scheduleId: 'd1', seatIds }, queue: annToken })).body.reservationId;
  const paid = await held(['A-1-1']);
  annHold = await held(['A-1-2']);
  annPayment = (await call('/api/v1/payments', { body: { reservationId: paid }, queue: annToken })).body.paymentId;
});

/** Every call that needs a credential: method, path, body where it takes one. */
const CALLS = (): [string, string, object?][] => [
  ['POST', '/api/v1/queue', { concertId: 'c1' }],
  ['GET', `/api/v1/users/${ann.userId}/places`],
  ['GET', '/api/v1/queue'],
  ['GET', `/api/v1/queue/${queueId}`],
  ['DELETE', '/api/v1/queue/q_none'],
  ['GET', '/api/v1/concerts/schedules'],
  ['GET', '/api/v1/concerts/c1/schedules'],
  ['GET', '/api/v1/concerts/c1/schedules/d1/seats'],
  ['GET', '/api/v1/concerts/c1/seats?date=2027-12-20'],
  ['POST', '/api/v1/reservations', { scheduleId: 'd1', seatIds: ['A-1-2'] }],
  ['GET', `/api/v1/reservations/${annHold}`],
  ['DELETE', `/api/v1/reservations/${annPayment.replace('pay_', 'rsv_')}`],
  ['GET', `/api/v1/users/${ann.userId}/reservations`],
  ['GET', `/api/v1/users/${ann.userId}/balance`],
  ['POST', `/api/v1/users/${ann.userId}/balance`, { amount: 0 }],
  ['GET', `/api/v1/users/${ann.userId}/balance/history`],
  ['POST', '/api/v1/payments', { reservationId: `rsv_c1_${'0'.repeat(32)}` }],
  ['GET', `/api/v1/payments/${annPayment}`],
  ['PUT', '/api/v1/admin/concerts/c1', { title: '' }],
  ['GET', '/api/v1/admin/concerts/c1/room'],
  ['PATCH', '/api/v1/admin/concerts/c1/room', {}],
  ['POST', '/api/v1/admin/concerts/nope/room/reset'],
  ['GET', '/api/v1/admin/concerts/c1/stats'],
  ['GET', `/api/v1/admin/concerts/c1/queue/q_none`],
  ['DELETE', '/api/v1/admin/concerts/c1/queue/q_none'],
  ['GET', '/api/v1/admin/audit'],
];
const send = ([method, path, body]: [string, string, (object | undefined)?], credential: CallOptions = {}) =>
  under.call(path, { method, ...(body ? { body } : {}), ...credential });
const of = (...parts: string[]) =>
  CALLS().filter(([method, path]) => parts.some((part) => `${method} ${path}`.includes(part)));
const isUserCall = ([, path]: [string, string, object?]) => !path.includes('/admin/');

test('every call of the document that has security is in the list above, and is 401 without a credential', async () => {
  const secured = Object.values<Loose>(under.openApi.paths)
    .flatMap((operations) => Object.values<Loose>(operations))
    .filter((operation) => operation.security.length > 0);
  expect(CALLS()).toHaveLength(secured.length);
  for (const one of CALLS()) {
    const { status, body, headers } = await send(one);
    expect([one, status, body.code]).toEqual([one, 401, 'UNAUTHENTICATED']);
    expect(headers.get('www-authenticate')).toBe('Bearer');
  }
});

describe('bad tokens', () => {
  const secretOf = (secret: string) => new TextEncoder().encode(secret);
  async function again(
    token: string,
    claims: JWTPayload = {},
    secret = JWT_SECRET,
    header: object = {},
  ): Promise<string> {
    const signed = new SignJWT({ ...decodeJwt(token), ...claims });
    return signed
      .setProtectedHeader({ ...decodeProtectedHeader(token), ...header } as { alg: string })
      .sign(secretOf(secret));
  }
  const unsigned = (token: string) =>
    `${Buffer.from(JSON.stringify({ ...decodeProtectedHeader(token), alg: 'none' })).toString('base64url')}.${token.split('.')[1]}.`;
  const past = Math.floor(Date.now() / 1000) - 5;
  const spoilt: [string, (token: string) => Promise<string> | string][] = [
    ['another secret', (token) => again(token, {}, 'another secret that is just as long as it')],
    ['past its end', (token) => again(token, { iat: past - 60, exp: past })],
    ['no end', (token) => again(token, { exp: undefined } as never)],
    ['another audience', (token) => again(token, { aud: 'elsewhere' })],
    ['another issuer', (token) => again(token, { iss: 'elsewhere' })],
    ['no subject', (token) => again(token, { sub: undefined } as never)],
    ['another algorithm', (token) => again(token, {}, JWT_SECRET, { alg: 'HS512' })],
    ['alg none', unsigned],
    ['another payload', (token) => token.replace(/\.[^.]+\./, `.${Buffer.from('{"sub":"x"}').toString('base64url')}.`)],
    ['cut off', (token) => token.slice(0, -1)],
    ['no JWT', () => 'not-a-token'],
    ['empty', () => ''],
  ];

  test('a token that is signed alike is good: the next tests can fail', async () => {
    expect(
      (await under.call(`/api/v1/users/${ann.userId}/balance`, { bearer: await again(ann.accessToken) })).status,
    ).toBe(200);
    expect((await under.call('/api/v1/queue', { queue: await again(annToken) })).status).toBe(200);
  });

  test.each(spoilt)('%s', async (_, spoil) => {
    const access = await spoil(ann.accessToken);
    const queue = await spoil(annToken);
    const balance = `/api/v1/users/${ann.userId}/balance`;
    for (const credential of [
      { headers: { authorization: `Bearer ${access}` } },
      { headers: { 'queue-token': queue } },
      { headers: { 'user-token': `Bearer ${queue}` } },
    ])
      expect((await under.call(balance, credential)).body.code).toBe('UNAUTHENTICATED');
    expect((await under.call('/api/v1/queue', { headers: { 'queue-token': queue } })).status).toBe(401);
    const join = { body: { concertId: 'c1' }, headers: { authorization: `Bearer ${access}` } };
    expect((await under.call('/api/v1/queue', join)).status).toBe(401);
    const seats = { headers: { 'queue-token': queue } };
    expect((await under.call('/api/v1/concerts/c1/schedules', seats)).status).toBe(401);
  });

  test('each is for its own audience', async () => {
    const path = `/api/v1/users/${ann.userId}/balance`;
    expect((await under.call(path, { bearer: annToken })).status).toBe(401);
    expect((await under.call(path, { queue: ann.accessToken })).status).toBe(401);
    expect((await under.call('/api/v1/queue', { body: { concertId: 'c1' }, bearer: annToken })).status).toBe(401);
    expect((await under.call('/api/v1/queue', { queue: ann.accessToken })).status).toBe(401);
    expect((await under.call('/api/v1/queue', { bearer: ann.accessToken })).status).toBe(401);
    expect((await under.call(path, { headers: { authorization: `Basic ${ann.accessToken}` } })).status).toBe(401);
  });
});

test('a good token of a user who is not there is 404 USER_NOT_FOUND', async () => {
  const ghost = `u_${randomUUID().replaceAll('-', '')}`;
  const bearer = await new SignJWT({ ...decodeJwt(ann.accessToken), sub: ghost })
    .setProtectedHeader(decodeProtectedHeader(ann.accessToken) as { alg: string })
    .sign(new TextEncoder().encode(JWT_SECRET));
  for (const path of ['balance', 'balance/history', 'reservations', 'places'])
    expect((await under.call(`/api/v1/users/${ghost}/${path}`, { bearer })).body.code).toBe('USER_NOT_FOUND');
  expect((await under.call(`/api/v1/users/${ghost}/balance`, { body: { amount: 5 }, bearer })).body.code).toBe(
    'USER_NOT_FOUND',
  );
  expect((await under.call('/api/v1/queue', { body: { concertId: 'c1' }, bearer })).body.code).toBe('USER_NOT_FOUND');
  expect((await under.call('/api/v1/queue', { body: { concertId: 'nope' }, bearer })).body.code).toBe(
    'CONCERT_NOT_FOUND',
  );
});

describe('the queue token', () => {
  test('is a JWT with the claims of the contract, for 24 hours', () => {
    const claims = decodeJwt(annToken);
    expect(claims).toMatchObject({
      aud: 'queue',
      sub: ann.userId,
      jti: queueId,
      concertId: 'c1',
      epoch: expect.any(String),
    });
    expect(claims).toMatchObject({ sequence: expect.any(Number), joinedAt: expect.any(Number) });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(24 * 3600);
  });

  test('alone is enough for every user call but joining and the list of places, in both headers', async () => {
    for (const credential of [{ queue: annToken }, { headers: { 'user-token': `Bearer ${annToken}` } }])
      for (const one of CALLS().filter(isUserCall)) {
        const { status } = await send(one, credential);
        const needsAccess = one[1].endsWith('/places') || (one[0] === 'POST' && one[1] === '/api/v1/queue');
        expect([one, needsAccess ? status === 401 : status !== 401], `${status}`).toEqual([one, true]);
      }
  });

  test('Queue-Token wins over USER-TOKEN', async () => {
    const both = { queue: annToken, headers: { 'user-token': `Bearer ${bobToken}` } };
    expect((await under.call('/api/v1/queue', both)).body.queueId).toBe(queueId);
    expect((await under.call('/api/v1/queue', { headers: { 'user-token': annToken } })).status).toBe(401);
  });

  test('of another queue id is QUEUE_ID_MISMATCH, whether that one exists or not', async () => {
    for (const path of [`/api/v1/queue/${queueId}`, '/api/v1/queue/q_none'])
      for (const method of ['GET', 'DELETE'])
        expect((await under.call(path, { method, queue: bobToken })).body.code).toBe('QUEUE_ID_MISMATCH');
  });

  test('of an over place reads on: ticket, balance, reservations, payments', async () => {
    const fan = await newFan(under.url);
    const place = await enter(under.url, fan, 'c1');
    const queue = place.token;
    await under.call(`/api/v1/users/${fan.userId}/balance`, { body: { amount: 1_000 }, queue });
    const held = await under.call('/api/v1/reservations', { body: { scheduleId: 'd1', seatIds: ['A-1-30'] }, queue });
    const paid = await under.call('/api/v1/payments', { body: { reservationId: held.body.reservationId }, queue });
    const ticket = await under.call('/api/v1/queue', { queue });
    expectShape('ticket', ticket.body);
    expect(ticket.body).toMatchObject({ status: 'USED', reason: 'PAID', expiresAt: null });
    for (const path of ['balance', 'balance/history', 'reservations'])
      expect((await under.call(`/api/v1/users/${fan.userId}/${path}`, { queue })).status).toBe(200);
    expect((await under.call(`/api/v1/payments/${paid.body.paymentId}`, { queue })).status).toBe(200);
    expect((await under.call(`/api/v1/reservations/${held.body.reservationId}`, { queue })).status).toBe(200);
    expect((await under.call('/api/v1/concerts/c1/schedules', { queue })).body).toMatchObject({
      code: 'NOT_ACTIVE',
      status: 'USED',
      position: null,
    });
  });
});

test('both credentials must name one user', async () => {
  const calls = CALLS().filter(isUserCall);
  for (const one of calls) {
    const { body } = await send(one, { bearer: bob.accessToken, queue: annToken });
    expect([one, body.code]).toEqual([one, 'FORBIDDEN']);
  }
  const same = await under.call('/api/v1/concerts/c1/schedules', { bearer: ann.accessToken, queue: annToken });
  expect(same.status).toBe(200);
});

test('somebody else’s user id is 403, whether that user exists or not', async () => {
  for (const userId of [bob.userId, 'u_none'])
    for (const credential of [{ bearer: ann.accessToken }, { queue: annToken }])
      for (const path of ['balance', 'balance/history', 'reservations', 'places']) {
        if (path === 'places' && !('bearer' in credential)) continue;
        const { body } = await under.call(`/api/v1/users/${userId}/${path}`, credential);
        expect([path, body.code]).toEqual([path, 'FORBIDDEN']);
      }
  const charge = await under.call(`/api/v1/users/${bob.userId}/balance`, {
    body: { amount: 5 },
    bearer: ann.accessToken,
  });
  expect(charge.body.code).toBe('FORBIDDEN');
});

test('somebody else’s reservation and payment are 404', async () => {
  for (const credential of [{ bearer: bob.accessToken }, { queue: bobToken }]) {
    for (const method of ['GET', 'DELETE'])
      expect((await under.call(`/api/v1/reservations/${annHold}`, { method, ...credential })).body.code).toBe(
        'RESERVATION_NOT_FOUND',
      );
    expect((await under.call(`/api/v1/payments/${annPayment}`, credential)).body.code).toBe('PAYMENT_NOT_FOUND');
  }
  for (const reservationId of [annHold, annPayment.replace('pay_', 'rsv_'), 'rsv_none', `rsv_other_${'0'.repeat(32)}`])
    expect((await under.call('/api/v1/payments', { body: { reservationId }, queue: bobToken })).body.code).toBe(
      'RESERVATION_NOT_FOUND',
    );
  expect((await under.call(`/api/v1/reservations/${annHold}`, { queue: annToken })).body.status).toBe('HELD');
});

describe('the operator key', () => {
  test('may be sent on the user reads and on the charge; an unknown user is 404', async () => {
    const reads = of('GET /api/v1/users/', 'GET /api/v1/reservations/', 'GET /api/v1/payments/');
    expect(reads).toHaveLength(6);
    for (const one of reads) expect([one, (await send(one, { bearer: OPERATOR_KEY })).status]).toEqual([one, 200]);
    const path = `/api/v1/users/${bob.userId}/balance`;
    expect((await under.call(path, { body: { amount: 7 }, bearer: OPERATOR_KEY })).body.balance).toBe(7);
    for (const [method, known, body] of of('/users/')) {
      const unknown = known.replace(ann.userId, 'u_none');
      expect((await send([method, unknown, body], { bearer: OPERATOR_KEY })).body.code).toBe('USER_NOT_FOUND');
    }
  });

  test('is no credential for anything else of the users', async () => {
    const others = CALLS().filter(
      (one) =>
        isUserCall(one) &&
        !of('/users/', 'GET /api/v1/reservations/', 'GET /api/v1/payments/').some(
          ([, path]) => path === one[1] && one[0] !== 'DELETE',
        ),
    );
    expect(others.length).toBeGreaterThan(8);
    for (const one of others) expect([one, (await send(one, { bearer: OPERATOR_KEY })).status]).toEqual([one, 401]);
  });

  test('is needed for the operators’ calls: 401 without, 403 for anything else', async () => {
    for (const one of CALLS().filter((each) => !isUserCall(each)))
      for (const bearer of [ann.accessToken, annToken, 'wrong', `${OPERATOR_KEY}x`, OPERATOR_KEY.slice(1)])
        expect([one, (await send(one, { bearer })).body.code]).toEqual([one, 'FORBIDDEN']);
  });

  test('and JWT_SECRET take several values: the first signs, all verify; `off` shuts the operators out', async () => {
    const fresh = 'a fresh secret of the tests, long enough, too'.replaceAll(' ', '-').replaceAll(',', '');
    const rotated = await under.another({
      JWT_SECRET: `${fresh},${JWT_SECRET}`,
      OPERATOR_KEY: `the-new-operator-key,${OPERATOR_KEY}`,
    });
    const stats = '/api/v1/admin/concerts/c1/stats';
    for (const bearer of [OPERATOR_KEY, 'the-new-operator-key'])
      expect((await rawCall(rotated.url, stats, { bearer })).status).toBe(200);
    expect((await rawCall(rotated.url, '/api/v1/queue', { queue: annToken })).status).toBe(200);
    const own = await rawCall(rotated.url, `/api/v1/users/${ann.userId}/places`, { bearer: ann.accessToken });
    expect(own.body.places).toHaveLength(1);
    const newer = own.body.places[0].token;
    expect((await rawCall(rotated.url, '/api/v1/queue', { queue: newer })).status).toBe(200);
    expect((await under.call('/api/v1/queue', { queue: newer })).status).toBe(401);

    const off = await under.another({ OPERATOR_KEY: 'off' });
    for (const options of [{}, { bearer: OPERATOR_KEY }, { bearer: 'off' }, { bearer: ann.accessToken }])
      expect((await rawCall(off.url, stats, options)).body.code).toBe('FORBIDDEN');
  });
});

describe('accounts', () => {
  const email = () => `Some.Body-${randomUUID()}@Example.com`;
  const signUp = (body: object) => under.call('/api/v1/users', { body });
  const logIn = (body: object) => under.call('/api/v1/auth/login', { body });

  test('sign-up and login: shapes, 12 hours, addresses without case', async () => {
    const [address, password] = [email(), 'p4ssword'];
    const made = await signUp({ email: address, password, name: 'Some Body' });
    expect([made.status, made.body]).toEqual([201, { userId: expect.any(String) }]);
    for (const one of [address, address.toLowerCase(), address.toUpperCase()]) {
      const login = await logIn({ email: one, password });
      expect(login.body).toStrictEqual({
        accessToken: expect.any(String),
        tokenType: 'Bearer',
        expiresInSeconds: 43_200,
        userId: made.body.userId,
      });
      const claims = decodeJwt(login.body.accessToken);
      expect(claims).toMatchObject({ aud: 'api', sub: made.body.userId });
      expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(43_200);
      expect((await signUp({ email: one, password: 'another one' })).body.code).toBe('EMAIL_TAKEN');
    }
    const wrong = await logIn({ email: address, password: 'p4ssworD' });
    const nobody = await logIn({ email: email(), password });
    expect(wrong.body).toEqual(nobody.body);
    expect([wrong.status, wrong.body.code]).toEqual([401, 'INVALID_CREDENTIALS']);
    expect((await logIn({ email: address, password: 'short' })).body.code).toBe('INVALID_CREDENTIALS');
  });

  test.each([
    [{ password: 'x'.repeat(7) }, 400],
    [{ password: 'x'.repeat(8) }, 201],
    [{ password: '암호암호암호암호' }, 201],
    [{ password: 'x'.repeat(128) }, 201],
    [{ password: 'x'.repeat(129) }, 400],
    [{ password: 12_345_678 }, 400],
    [{ password: undefined }, 400],
    [{ email: undefined }, 400],
    [{ email: 'no address' }, 400],
    [{ email: '@example.com' }, 400],
    [{ name: 7 }, 400],
  ])('sign-up with %j: %i', async (change, status) => {
    const { body, ...answer } = await signUp({ email: email(), password: 'long enough', ...change });
    expect(answer.status).toBe(status);
    if (status === 400)
      expect(body.errors).toEqual([{ path: `/${Object.keys(change)[0]}`, message: expect.any(String) }]);
  });
});

describe('an outside identity provider', () => {
  let provider: Server;
  afterAll(() => void provider?.close());

  test('issues the access tokens; users come into being at their first call; sign-up and login are 404', async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const jwk = {
      ...(await exportJWK(publicKey)),
      kid: createHash('sha256').update('kid').digest('hex'),
      alg: 'RS256',
      use: 'sig',
    };
    provider = createServer((_, response) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] })),
    );
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    const jwksUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks`;
    const { url } = await under.another({
      JWKS_URL: jwksUrl,
      JWT_ISSUER: 'https://id.example',
      JWT_AUDIENCE: 'tickets',
    });
    const sign = (sub: string, { aud = 'tickets', iss = 'https://id.example', exp = '1h' } = {}) =>
      new SignJWT({ sub, aud, iss })
        .setProtectedHeader({ alg: 'RS256', kid: jwk.kid })
        .setIssuedAt()
        .setExpirationTime(exp)
        .sign(privateKey);

    for (const path of ['/api/v1/users', '/api/v1/auth/login'])
      for (const body of [{ email: 'a@example.com', password: 'long enough' }, {}, { nope: 1 }])
        expect((await rawCall(url, path, { body })).body.code).toBe('NOT_FOUND');
    const sub = 'auth0|김 one';
    const bearer = await sign(sub);
    const path = `/api/v1/users/${encodeURIComponent(sub)}/balance`;
    expect((await rawCall(url, path, { bearer })).body).toEqual({ userId: sub, balance: 0, currency: 'KRW' });
    expect((await rawCall(url, path, { body: { amount: 50 }, bearer })).body.balance).toBe(50);
    const joined = await rawCall(url, '/api/v1/queue', { body: { concertId: 'c1' }, bearer: await sign('second') });
    expect(joined.status).toBe(201);
    const spoilt = [
      await sign(sub, { aud: 'api' }),
      await sign(sub, { iss: 'x' }),
      await sign(sub, { exp: '-1m' }),
      ann.accessToken,
    ];
    for (const bad of [...spoilt, await sign('x'.repeat(129))])
      expect((await rawCall(url, path, { bearer: bad })).status).toBe(401);
    const queue = joined.body.token;
    expect((await rawCall(url, '/api/v1/queue', { queue })).body.queueId).toBe(joined.body.queueId);
  });
});
