import { setTimeout as sleep } from 'node:timers/promises';
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

test.each([
  ['a command may take', LIMITS.REDIS_COMMAND_TIMEOUT_MS],
  ['a connection may be silent', LIMITS.REDIS_SILENT_MS],
])('answers that came while this process stood still for longer than %s count', async (_, ms) => {
  const redis = await open();
  const closed: unknown[] = [];
  redis.on('close', () => closed.push('closed'));
  for (const ask of [() => redis.ping(), () => redis.eval('return "PONG"', 0)]) {
    const asked = Array.from({ length: 100 }, ask);
    await new Promise((sent) => setImmediate(() => setImmediate(sent)));
    standStill(ms + 200);
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['PONG']));
  }
  expect(closed).toEqual([]);
});

test('commands without an answer are out of time, each at its own, and those that were answered between them are not', async () => {
  const [quick, blocked] = [await open(), await open()];
  const started = performance.now();
  const late = [blocked.blpop('nothing', 5), sleep(300).then(() => blocked.blpop('nothing', 5))].map((asked) =>
    asked.then(
      () => null,
      (error: Error) => ({ message: error.message, afterMs: performance.now() - started }),
    ),
  );
  while (performance.now() - started < 500) expect(await quick.ping()).toBe('PONG');
  const [first, second] = await Promise.all(late);
  expect([first?.message, second?.message]).toEqual(['Command timed out', 'Command timed out']);
  expect(first?.afterMs).toBeGreaterThanOrEqual(LIMITS.REDIS_COMMAND_TIMEOUT_MS - 1);
  expect(second?.afterMs).toBeGreaterThanOrEqual(LIMITS.REDIS_COMMAND_TIMEOUT_MS + 299);
  expect(await quick.ping(), 'and none of another time').toBe('PONG');
});
