import { expect, test } from 'vitest';
import { accountKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { readAccount } from './read-account.script.ts';

const redis = await testRedis();

test('ACCOUNT and NONE', async () => {
  const { account } = accountKeys('ann@example.com');
  expect(await readAccount.run(redis, { keys: { account }, args: {} })).toEqual({ outcome: 'NONE' });
  await redis.hset(account, { userId: 'u_1', password: '$argon2id$x', email: 'ann@example.com' });
  expect(await readAccount.run(redis, { keys: { account }, args: {} })).toEqual({
    outcome: 'ACCOUNT',
    userId: 'u_1',
    password: '$argon2id$x',
  });
});
