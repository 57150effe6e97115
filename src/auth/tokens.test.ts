import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Unavailable } from '../errors.ts';
import { createSigner, signingKey } from './hs256.ts';
import { ACCESS, createTokens, ISSUER, QUEUE, type QueueClaims } from './tokens.ts';

const SECRET = 'a secret of at least 32 characters';
const OTHER = 'another secret of 32 characters or so';
const tokens = createTokens({ jwtSecrets: [SECRET] });
const claims: QueueClaims = {
  queueId: 'q_1',
  userId: 'u_1',
  concertId: 'winter',
  epoch: '0123456789abcdef',
  sequence: 17,
  joinedAtMs: 1_767_225_600_123,
};

const seconds = () => Math.floor(Date.now() / 1000);
const good = () => ({
  iss: ISSUER,
  aud: 'queue',
  sub: 'u_1',
  jti: 'q_1',
  exp: seconds() + 60,
  concertId: 'c',
  epoch: 'e',
  sequence: 1,
  joinedAt: 1,
});
const goodAccess = () => ({ iss: ISSUER, aud: 'api', sub: 'u_1', exp: seconds() + 60 });

describe('our own tokens', () => {
  test('a queue token says who, where and in which order', async () => {
    expect(await tokens.verifyQueue(tokens.signQueue(claims))).toEqual(claims);
  });

  test('an access token says who', async () => {
    expect(await tokens.verifyAccess(tokens.signAccess('u_1'))).toEqual({ userId: 'u_1' });
  });

  test('jose verifies what we sign, with the times of the contract', async () => {
    const key = new TextEncoder().encode(SECRET);
    const access = await jwtVerify(tokens.signAccess('u_1'), key, {
      algorithms: ['HS256'],
      issuer: ISSUER,
      audience: 'api',
      typ: 'at+jwt',
    });
    const { iat = 0, exp = 0 } = access.payload;
    expect(exp - iat).toBe(12 * 3600);
    const queue = await jwtVerify(tokens.signQueue(claims), key, {
      algorithms: ['HS256'],
      issuer: ISSUER,
      audience: 'queue',
      typ: 'queue+jwt',
    });
    expect((queue.payload.exp ?? 0) - (queue.payload.iat ?? 0)).toBe(24 * 3600);
    expect(queue.payload).toMatchObject({
      sub: 'u_1',
      jti: 'q_1',
      concertId: 'winter',
      epoch: claims.epoch,
      sequence: 17,
      joinedAt: claims.joinedAtMs,
    });
    expect(queue.protectedHeader).toEqual({ alg: 'HS256', typ: 'queue+jwt', kid: signingKey(SECRET).kid });
  });

  test('what jose signs, we verify', async () => {
    const { kid } = signingKey(SECRET);
    const jwt = await new SignJWT(good())
      .setProtectedHeader({ alg: 'HS256', typ: QUEUE.type, kid })
      .sign(new TextEncoder().encode(SECRET));
    expect(await tokens.verifyQueue(jwt)).toMatchObject({ userId: 'u_1', queueId: 'q_1' });
  });

  test('text of any script survives', async () => {
    expect(await tokens.verifyQueue(tokens.signQueue({ ...claims, userId: '김|민수 "x"' }))).toMatchObject({
      userId: '김|민수 "x"',
    });
  });

  const sign = (payload: object, { secret = SECRET, type = 'queue+jwt' } = {}) =>
    createSigner(signingKey(secret), type)(payload);
  const signature = tokens.signQueue(claims).split('.')[2] ?? '';
  test.each<[string, () => string]>([
    ['nothing', () => ''],
    ['noise', () => 'abc'],
    ['three parts of noise', () => 'a.b.c'],
    ['another issuer', () => sign({ ...good(), iss: 'else' })],
    ['another audience', () => sign({ ...good(), aud: 'api' })],
    ['another type', () => sign(good(), { type: 'JWT' })],
    ['an access token', () => tokens.signAccess('u_1')],
    ['past its end', () => sign({ ...good(), exp: seconds() })],
    ['no end', () => sign({ ...good(), exp: undefined })],
    ['no subject', () => sign({ ...good(), sub: undefined })],
    ['no sequence', () => sign({ ...good(), sequence: undefined })],
    ['a sequence that is text', () => sign({ ...good(), sequence: '1' })],
    ['another secret', () => sign(good(), { secret: OTHER })],
    [
      'another payload under the signature',
      () => tokens.signQueue({ ...claims, sequence: 1 }).replace(/[^.]+$/, signature),
    ],
    ['no signature', () => tokens.signQueue(claims).replace(/[^.]+$/, '')],
    [
      'alg none',
      () =>
        `${Buffer.from('{"alg":"none","typ":"queue+jwt"}').toString('base64url')}.${Buffer.from(JSON.stringify(good())).toString('base64url')}.`,
    ],
    ['more than 4 KiB', () => sign({ ...good(), more: 'x'.repeat(4096) })],
  ])('%s is no queue token', async (_, make) => {
    expect(await tokens.verifyQueue(make())).toBeNull();
  });

  test('a queue token is no access token', async () => {
    expect(await tokens.verifyAccess(tokens.signQueue(claims))).toBeNull();
  });

  test('a remembered token ends with its exp', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const exp = seconds() + 60;
    const token = createSigner(signingKey(SECRET), ACCESS.type)({ ...goodAccess(), exp });
    vi.setSystemTime(exp * 1000 - 1);
    expect(await tokens.verifyAccess(token)).toEqual({ userId: 'u_1' });
    expect(await tokens.verifyAccess(token)).toEqual({ userId: 'u_1' });
    vi.setSystemTime(exp * 1000);
    expect(await tokens.verifyAccess(token)).toBeNull();
    expect(await tokens.verifyAccess(token)).toBeNull();
  });

  test('rotation: the first secret signs, all verify, a dropped one no more', async () => {
    const old = tokens.signQueue(claims);
    const both = createTokens({ jwtSecrets: [OTHER, SECRET] });
    expect(await both.verifyQueue(old)).toEqual(claims);
    const fresh = both.signQueue(claims);
    expect(await tokens.verifyQueue(fresh)).toBeNull();
    const later = createTokens({ jwtSecrets: [OTHER] });
    expect(await later.verifyQueue(fresh)).toEqual(claims);
    expect(await later.verifyQueue(old)).toBeNull();
  });

  test('no secret is an error at the start', () => {
    expect(() => createTokens({ jwtSecrets: [] })).toThrow('JWT_SECRET');
    expect(() => createTokens({ jwtSecrets: [SECRET], jwksUrl: 'http://x/', jwtIssuer: 'i', jwtAudience: '' })).toThrow(
      'JWT_AUDIENCE',
    );
  });
});

describe('an outside identity provider', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** A provider with its keys on a local server. */
  async function provider({ alg = 'ES256' } = {}) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg }] };
    const asked = { times: 0 };
    const server = createServer((_request, response) => {
      asked.times += 1;
      response.setHeader('content-type', 'application/json').setHeader('connection', 'close').end(JSON.stringify(keys));
    });
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const jwksUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/jwks.json`;
    const outside = createTokens({
      jwtSecrets: [SECRET],
      jwksUrl,
      jwtIssuer: 'https://id.example',
      jwtAudience: 'tickets',
    });
    const sign = (payload: object, header: object = {}) =>
      new SignJWT({ iss: 'https://id.example', aud: 'tickets', sub: 'auth0|42', exp: seconds() + 60, ...payload })
        .setProtectedHeader({ alg, kid: 'k1', typ: 'JWT', ...header })
        .sign(privateKey);
    return { outside, sign, asked, server };
  }

  test.each(['ES256', 'RS256', 'EdDSA'])('its tokens (%s) say who; its keys are fetched once', async (alg) => {
    const { outside, sign, asked } = await provider({ alg });
    expect(outside.outside).toBe(true);
    expect(await outside.verifyAccess(await sign({}))).toEqual({ userId: 'auth0|42' });
    expect(await outside.verifyAccess(await sign({ sub: 'b' }, { typ: 'at+jwt' }))).toEqual({ userId: 'b' });
    expect(asked.times).toBe(1);
  });

  test('our own access tokens are not good then, our queue tokens are', async () => {
    const { outside } = await provider();
    expect(await outside.verifyAccess(outside.signAccess('u_1'))).toBeNull();
    expect(await outside.verifyQueue(outside.signQueue(claims))).toEqual(claims);
  });

  test.each<[string, object, object?]>([
    ['another issuer', { iss: 'https://evil.example' }],
    ['another audience', { aud: 'else' }],
    ['an end that is past', { exp: 1 }],
    ['no end', { exp: undefined }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['129 bytes of subject', { sub: 'x'.repeat(129) }],
    ['43 letters of three bytes', { sub: '각'.repeat(43) }],
    ['a NUL in the subject', { sub: 'a\0b' }],
    ['half a surrogate pair', { sub: 'a\ud800' }],
    ['another kind of token', {}, { typ: 'queue+jwt' }],
    ['an unknown key', {}, { kid: 'k2' }],
  ])('%s is 401', async (_, payload, header) => {
    const { outside, sign } = await provider();
    expect(await outside.verifyAccess(await sign(payload, header))).toBeNull();
  });

  test('128 bytes of subject are good', async () => {
    const { outside, sign } = await provider();
    expect(await outside.verifyAccess(await sign({ sub: 'x'.repeat(128) }))).toEqual({ userId: 'x'.repeat(128) });
  });

  test('a secret is no key of theirs: HS256 with the public key is refused', async () => {
    const { outside } = await provider();
    const forged = createSigner(
      signingKey(SECRET),
      'JWT',
    )({ iss: 'https://id.example', aud: 'tickets', sub: 'a', exp: seconds() + 60 });
    expect(await outside.verifyAccess(forged)).toBeNull();
  });

  test('while its keys cannot be had, the answer is 503, not 401; known tokens stay good', async () => {
    const { outside, sign, server } = await provider();
    const known = await sign({});
    await outside.verifyAccess(known);
    server.close();
    expect(await outside.verifyAccess(known)).toEqual({ userId: 'auth0|42' });
    expect(await outside.verifyAccess(await sign({ sub: 'new' }))).toEqual({ userId: 'new' });
    const { outside: cold, sign: signCold, server: gone } = await provider();
    await new Promise((done) => gone.close(done));
    await expect(cold.verifyAccess(await signCold({}))).rejects.toThrow(Unavailable);
  });
});
