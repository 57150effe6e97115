import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { startedAt } from '../local/processes.mjs';
import { startRedis } from './redis-server.ts';

test('data written with an append-only file outlives kill -9', async () => {
  const server = await startRedis({ appendonly: true });
  onTestFinished(() => server.stop());
  const redis = new Redis(server.port, '127.0.0.1');
  onTestFinished(() => redis.disconnect());
  redis.on('error', () => undefined); // reconnects by itself
  await redis.set('seat', 'taken');
  const { pid } = server;
  await server.kill9();
  expect(startedAt(pid)).toBeUndefined();
  await server.restart();
  expect(server.pid).not.toBe(pid);
  expect(await redis.get('seat')).toBe('taken');
});

test("a port that somebody else's Redis has is never used", async () => {
  const theirs = await startRedis();
  onTestFinished(() => theirs.stop());
  await expect(startRedis({ port: theirs.port })).rejects.toThrow(/not ours|Address already in use/);
  expect(startedAt(theirs.pid)).toBeDefined();
});
