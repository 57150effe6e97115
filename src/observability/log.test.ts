import { expect, onTestFinished, test } from 'vitest';
import { openRedis } from '../redis/client.ts';
import { startRedis } from '../testing/redis-server.ts';
import { createAccount } from '../users/create-account.script.ts';
import { createLog } from './log.ts';

test('an error of Redis is told with its command, without what a person has given us', async () => {
  const server = await startRedis({ maxmemory: 1 });
  onTestFinished(() => server.stop());
  const redis = openRedis({ url: server.url, cluster: false }, 'hot');
  onTestFinished(() => redis.disconnect());
  await redis.connect();
  const args = { user_id: 'u_1', email: 'ann@example.com', password: '$argon2id$x', name: 'Ann Lee' };
  const err = await createAccount
    .run(redis, { keys: { account: '{a:x}:account' }, args })
    .catch((error: unknown) => error);
  const lines: string[] = [];
  createLog('error', 'test', { write: (line) => void lines.push(line) }).error({ err }, 'a call failed');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    err: { message: expect.stringContaining('OOM'), command: 'eval' },
  });
  for (const secret of ['ann@example.com', 'argon2id', 'Ann Lee']) expect(lines[0]).not.toContain(secret);
});

test('a rejection with nothing is told as well', () => {
  const lines: string[] = [];
  createLog('error', 'test', { write: (line) => void lines.push(line) }).error({ err: null }, 'a call failed');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ err: null, msg: 'a call failed' });
});
