/** The contract's "Limits": each is met where it should be, and not by a client that obeys. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { call as rawCall, concertInput, type Fan, newFans } from '../testing/fan.ts';
import { OPERATOR_KEY, type System } from '../testing/system.ts';
import { expectContract, systemUnderTest } from './contract.fixture.ts';

const under = await systemUnderTest({
  LIMIT_USER_PER_SECOND: '1',
  LIMIT_USER_BURST: '4',
  LIMIT_LOGIN_PER_SECOND: '1',
  LIMIT_LOGIN_BURST: '6',
});
let fans: Fan[];
/** behind a proxy, and with no limit at all */
let proxied: System;
let unlimited: System;

beforeAll(async () => {
  const tight = { LIMIT_LOGIN_PER_SECOND: '1', LIMIT_LOGIN_BURST: '3' };
  [proxied, unlimited] = await Promise.all([
    under.another({ ...tight, TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8' }),
    under.another({
      LIMIT_USER_PER_SECOND: '0',
      LIMIT_LOGIN_PER_SECOND: '0',
      LIMIT_POLL_BURST: '0',
    }),
  ]);
  await under.operator('/concerts/c1', { method: 'PUT', body: concertInput({ room: { state: 'PAUSED' } }) });
  fans = await newFans(unlimited.url, 5);
});

const fan = () => {
  const one = fans.pop();
  if (!one) throw new Error('no fans left');
  return one;
};

/** All at once, so that a bucket does not refill between them, however busy the machine is. */
async function statuses(times: number, call: () => Promise<{ status: number }>): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: times }, () => call()));
  return answers.map(({ status }) => status);
}

const passed = (seen: number[]) => seen.filter((status) => status !== 429).length;

test('changing calls and the lists under /users share one bucket a user; reads are not counted', async () => {
  const [one, other] = [fan(), fan()];
  const bearer = one.accessToken;
  const calls = [
    () => under.call(`/api/v1/users/${one.userId}/balance`, { body: { amount: 1 }, bearer }),
    () => under.call(`/api/v1/users/${one.userId}/reservations`, { bearer }),
    () => under.call(`/api/v1/users/${one.userId}/balance/history`, { bearer }),
    () => under.call(`/api/v1/users/${one.userId}/places`, { bearer }),
  ];
  for (const call of calls) expect((await call()).status).toBe(200);
  const refused = await Promise.all([...calls, ...calls].map((call) => call()));
  expect(refused.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(4);
  const limited = refused.find(({ status }) => status === 429);
  expect(limited?.body.code).toBe('RATE_LIMITED');
  expect(await statuses(12, () => under.call(`/api/v1/users/${one.userId}/balance`, { bearer }))).toEqual(
    Array(12).fill(200),
  );
  expect((await under.call(`/api/v1/users/${other.userId}/places`, { bearer: other.accessToken })).status).toBe(200);
  const desk = () => under.call(`/api/v1/users/${one.userId}/reservations`, { bearer: OPERATOR_KEY });
  expect(await statuses(8, desk)).toEqual(Array(8).fill(200));
  await sleep(Number(limited?.headers.get('retry-after')) * 1_000);
  expect((await calls[1]?.())?.status).toBe(200);
});

test('polls of one place: a bucket of 8, refilled; whoever obeys pollAfterSeconds meets nothing', async () => {
  const { accessToken } = fan();
  const { body } = await rawCall(under.url, '/api/v1/queue', { body: { concertId: 'c1' }, bearer: accessToken });
  const poll = () => under.call(`/api/v1/queue/${body.queueId}`, { queue: body.token });
  const hasty = passed(await statuses(20, poll));
  expect(hasty).toBeGreaterThanOrEqual(8);
  expect(hasty).toBeLessThan(14);
  await sleep(body.pollAfterSeconds * 1_000);
  for (let i = 0; i < 2; i++) {
    expect((await poll()).status).toBe(200);
    await sleep(body.pollAfterSeconds * 1_000);
  }
  const other = fan();
  const second = await rawCall(under.url, '/api/v1/queue', { body: { concertId: 'c1' }, bearer: other.accessToken });
  expect((await under.call('/api/v1/queue', { queue: second.body.token })).status).toBe(200);
  expect(await statuses(20, () => rawCall(unlimited.url, '/api/v1/queue', { queue: second.body.token }))).toEqual(
    Array(20).fill(200),
  );
});

describe('sign-up and login', () => {
  const credentials = () => ({ email: `${randomUUID()}@example.com`, password: 'wrong password' });

  test('are counted by address, together; an X-Forwarded-For of anybody is not believed', async () => {
    let i = 0;
    const seen = await statuses(20, () =>
      under.call(i++ % 2 ? '/api/v1/users' : '/api/v1/auth/login', {
        body: credentials(),
        headers: { 'x-forwarded-for': `9.9.9.${i}` },
      }),
    );
    expect(passed(seen)).toBeGreaterThanOrEqual(6);
    expect(passed(seen)).toBeLessThan(12);
  });

  const login = (url: string, body: object, forwarded: string) =>
    rawCall(url, '/api/v1/auth/login', { body, headers: { 'x-forwarded-for': forwarded } });

  test('behind a trusted proxy the address is the first untrusted one from the right', async () => {
    const from = async (forwarded: string) => {
      const answer = await login(proxied.url, credentials(), forwarded);
      expectContract(under.openApi, 'POST /api/v1/auth/login', answer);
      return answer;
    };
    const of = (times: number, forwarded: string) => statuses(times, () => from(forwarded));
    const [one, two, three, four] = await Promise.all([
      of(8, '1.1.1.1, 10.1.2.3'),
      of(8, '3.3.3.3, 1.1.1.1'),
      of(3, '1.1.1.1, 2.2.2.2, 10.1.2.3'),
      of(3, '2001:db8::1'),
    ]);
    expect(passed([...one, ...two])).toBeGreaterThanOrEqual(3);
    expect(passed([...one, ...two])).toBeLessThan(8);
    expect([passed(three), passed(four)]).toEqual([3, 3]);
  });

  test('failed ones are counted by email, in every process, whether there is an account or not', async () => {
    const known = { email: `${randomUUID()}@example.com`, password: 'the right password' };
    expect((await rawCall(unlimited.url, '/api/v1/users', { body: known })).status).toBe(201);
    let address = 0;
    for (const email of [known.email, `${randomUUID()}@example.com`]) {
      const fail = (url: string) => login(url, { email, password: 'wrong password' }, `7.7.7.${address++}`);
      for (let i = 0; i < 5; i++) expect((await fail(i % 2 ? unlimited.url : proxied.url)).status).toBe(401);
      const refused = await fail(unlimited.url);
      expectContract(under.openApi, 'POST /api/v1/auth/login', refused);
      expect(refused.body.code).toBe('RATE_LIMITED');
      expect((await fail(proxied.url)).status).toBe(429);
    }
    expect((await login(unlimited.url, known, '8.8.8.8')).status).toBe(429);
  });
});
