import { expect, onTestFinished, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { startRedis } from '../testing/redis-server.ts';
import { openRedis } from './client.ts';

async function open() {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const redis = openRedis({ url: server.url, cluster: false }, 'hot');
  onTestFinished(() => redis.disconnect());
  await redis.connect();
  return redis;
}

/** Nothing else runs in this process meanwhile. */
function standStill(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('answers that came while this process stood still count', async () => {
  const redis = await open();
  for (const ask of [() => redis.ping(), () => redis.eval('return "PONG"', 0)]) {
    const asked = Array.from({ length: 100 }, ask);
    await new Promise((sent) => setImmediate(() => setImmediate(sent)));
    standStill(LIMITS.REDIS_COMMAND_TIMEOUT_MS + 200);
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['PONG']));
  }
});

test('a command without an answer is out of time', async () => {
  const redis = await open();
  const blocked = redis.blpop('nothing', 5);
  await expect(blocked).rejects.toThrow('Command timed out');
});
