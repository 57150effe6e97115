import { beforeEach, describe, expect, test } from 'vitest';
import { createPasswords } from '../auth/passwords.ts';
import { createTokens } from '../auth/tokens.ts';
import { isRefusal } from '../errors.ts';
import { accountKeys, walletKeys } from '../redis/keys.ts';
import { flush, testRedis } from '../testing/connect.ts';
import { walletExists } from '../wallet/open.ts';
import { createKnownUsers } from './known-users.ts';
import { createUsers } from './users.ts';

const redis = await testRedis();
const tokens = createTokens({ jwtSecrets: ['a secret of at least 32 characters'] });
const passwords = createPasswords();
const make = (failedLoginsPerMinute = 5) =>
  createUsers({ redis, tokens, passwords, config: { limits: { failedLoginsPerMinute } } });
const users = make();
const ann = { email: 'ann@example.com', password: 'correct horse' };

beforeEach(() => flush(redis));

async function signedUp(input = ann): Promise<string> {
  const user = await users.signUp(input);
  if (isRefusal(user)) throw new Error(user.refused);
  return user.userId;
}

describe('sign-up', () => {
  test('makes an account and its wallet; the password is kept as a hash', async () => {
    const userId = await signedUp();
    expect(userId).toMatch(/^u_[0-9a-f]{32}$/);
    expect(await walletExists({ redis }, userId)).toBe(true);
    const account = await redis.hgetall(accountKeys(ann.email).account);
    expect(account).toMatchObject({ userId, email: ann.email, password: expect.stringMatching(/^\$argon2id\$/) });
    expect(JSON.stringify(account)).not.toContain(ann.password);
  });

  test('EMAIL_TAKEN, without case', async () => {
    await signedUp();
    expect(await users.signUp({ ...ann, email: 'ANN@Example.COM' })).toMatchObject({ refused: 'EMAIL_TAKEN' });
  });

  test('of many at once with one email, one succeeds', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, () => users.signUp(ann)));
    expect(all.filter((each) => !isRefusal(each))).toHaveLength(1);
    expect(all.filter((each) => isRefusal(each) && each.refused === 'EMAIL_TAKEN')).toHaveLength(5);
  });
});

describe('login', () => {
  test('gives an access token that names the user', async () => {
    const userId = await signedUp();
    const login = await users.logIn({ ...ann, email: 'Ann@Example.com' });
    expect(login).toMatchObject({ tokenType: 'Bearer', expiresInSeconds: 43_200, userId });
    if (isRefusal(login)) throw new Error(login.refused);
    expect(await tokens.verifyAccess(login.accessToken)).toEqual({ userId });
  });

  test('opens the wallet that a sign-up cut short did not', async () => {
    const userId = await signedUp();
    await redis.del(walletKeys(userId).wallet);
    expect(await users.logIn(ann)).toMatchObject({ userId });
    expect(await walletExists({ redis }, userId)).toBe(true);
  });

  test('one answer for a wrong password and an unknown email', async () => {
    await signedUp();
    const wrong = await users.logIn({ ...ann, password: 'wrong' });
    const unknown = await users.logIn({ ...ann, email: 'bob@example.com' });
    expect(wrong).toMatchObject({ refused: 'INVALID_CREDENTIALS' });
    expect(unknown).toEqual(wrong);
  });

  test('five failures a minute and email; then RATE_LIMITED, even with the right password, until the minute is over', async () => {
    await signedUp();
    for (let i = 0; i < 5; i++)
      expect(await users.logIn({ ...ann, password: 'wrong' })).toMatchObject({ refused: 'INVALID_CREDENTIALS' });
    const refused = await users.logIn({ ...ann, email: 'ANN@example.com' });
    expect(refused).toMatchObject({ refused: 'RATE_LIMITED' });
    const { failures } = accountKeys(ann.email);
    const ttl = await redis.pttl(failures);
    expect(ttl).toBeGreaterThan(50_000);
    expect(ttl).toBeLessThanOrEqual(60_000);
    expect(isRefusal(refused) && Number(refused.members.retryAfterSeconds) * 1000).toBeGreaterThan(50_000);
    // Another process counts the same.
    expect(await make().logIn(ann)).toMatchObject({ refused: 'RATE_LIMITED' });
    await redis.pexpire(failures, 1);
    await new Promise((wake) => setTimeout(wake, 5));
    expect(await users.logIn(ann)).toMatchObject({ tokenType: 'Bearer' });
  });

  test('failures at the same time are counted one by one', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => users.logIn({ ...ann, password: 'wrong' })));
    const count = (code: string) => all.filter((each) => isRefusal(each) && each.refused === code).length;
    expect([count('INVALID_CREDENTIALS'), count('RATE_LIMITED')]).toEqual([5, 5]);
  });

  test('successes are not failures', async () => {
    await signedUp();
    const all = await Promise.all(Array.from({ length: 8 }, () => users.logIn(ann)));
    expect(all.filter(isRefusal)).toEqual([]);
    expect(await redis.exists(accountKeys(ann.email).failures)).toBe(0);
  });

  test('0 turns the limit off', async () => {
    const unlimited = make(0);
    for (let i = 0; i < 7; i++)
      expect(await unlimited.logIn({ ...ann, password: 'wrong' })).toMatchObject({ refused: 'INVALID_CREDENTIALS' });
  });
});

describe('known users', () => {
  test('with accounts of our own, nobody is there without a wallet; only good news is remembered', async () => {
    const known = createKnownUsers({ redis, outside: false });
    expect(await known.admits('u_1')).toBe(false);
    expect(await known.has('u_1')).toBe(false);
    const userId = await signedUp();
    expect(await known.admits(userId)).toBe(true);
    await redis.del(walletKeys(userId).wallet);
    expect(await known.admits(userId)).toBe(true);
  });

  test('with an outside provider, the first call opens the wallet; a question by somebody else does not', async () => {
    const known = createKnownUsers({ redis, outside: true });
    expect(await known.has('auth0|1')).toBe(false);
    expect(await known.admits('auth0|1')).toBe(true);
    expect(await known.has('auth0|1')).toBe(true);
    expect(await walletExists({ redis }, 'auth0|1')).toBe(true);
  });
});
