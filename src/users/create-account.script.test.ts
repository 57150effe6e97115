import { expect, test } from 'vitest';
import { accountKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { createAccount } from './create-account.script.ts';

const redis = await testRedis();
const { account } = accountKeys('Ann@Example.com');
const args = { user_id: 'u_1', email: 'Ann@Example.com', password: '$argon2id$x', name: 'Ann' };

test('CREATED: the account has what was sent and the time, and no end', async () => {
  const before = Date.now();
  expect(await createAccount.run(redis, { keys: { account }, args })).toEqual({ outcome: 'CREATED' });
  const kept = await redis.hgetall(account);
  expect(kept).toEqual({
    userId: 'u_1',
    email: 'Ann@Example.com',
    password: '$argon2id$x',
    name: 'Ann',
    created: expect.stringMatching(/^\d{13}$/),
  });
  expect(Math.abs(Number(kept.created) - before)).toBeLessThan(5_000);
  expect(await redis.ttl(account)).toBe(-1);
});

test('TAKEN: the same email in whatever case; nothing is changed', async () => {
  const again = { keys: { account: accountKeys('ann@example.COM').account }, args: { ...args, user_id: 'u_2' } };
  expect(await createAccount.run(redis, again)).toEqual({ outcome: 'TAKEN' });
  expect(await redis.hget(account, 'userId')).toBe('u_1');
});
