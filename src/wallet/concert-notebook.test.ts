import { Redis } from 'ioredis';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { LIMITS } from '../limits.ts';
import { walletKeys } from '../redis/keys.ts';
import { connectAll, openRedis } from '../redis/client.ts';
import { startRedis } from '../testing/redis-server.ts';
import { startProxy } from '../testing/tcp-proxy.ts';
import { until } from '../testing/until.ts';
import { endNotes, flushNotes, noteLater } from './concert-notebook.ts';

const server = await startRedis();
afterAll(() => server.stop());

async function connect(port: number) {
  const redis = openRedis({ url: `redis://127.0.0.1:${port}`, cluster: false }, 'hot');
  onTestFinished(() => redis.disconnect());
  await connectAll(redis);
  return redis;
}

async function throughProxy() {
  const proxy = await startProxy({ target: server.port });
  onTestFinished(() => proxy.stop());
  return { proxy, redis: await connect(proxy.port) };
}

test('what Redis does not take is kept, up to a bound, told once, and written when it is back', async () => {
  const { proxy, redis } = await throughProxy();
  const warn = vi.fn<() => void>();
  const deps = { redis, log: { warn } };
  onTestFinished(() => endNotes(deps));
  proxy.refuse(true);
  proxy.cut();
  let taken = 0;
  const note = () => {
    for (let i = 0; i < LIMITS.CONCERT_NOTES_KEPT / 2; i++)
      if (noteLater(deps, { userId: `u_${taken}`, concertId: 'c' })) taken++;
  };
  for (let round = 0; round < 4; round++) {
    note();
    await expect(flushNotes(deps)).rejects.toThrow();
  }
  expect(taken).toBe(LIMITS.CONCERT_NOTES_KEPT);
  expect(warn).toHaveBeenCalledTimes(1);
  proxy.refuse(false);
  const direct = new Redis(server.url);
  onTestFinished(() => direct.disconnect());
  const last = walletKeys(`u_${LIMITS.CONCERT_NOTES_KEPT - 1}`).concerts;
  await until(async () => (await direct.smembers(last)).length === 1);
  expect(await direct.smembers(walletKeys('u_0').concerts)).toEqual(['c']);
  await until(() => noteLater(deps, { userId: 'u_more', concertId: 'c' }));
});

test('notes that come while a write has no answer count as well', async () => {
  const { proxy, redis } = await throughProxy();
  const deps = { redis, log: { warn: () => {} } };
  onTestFinished(() => endNotes(deps));
  for (let i = 0; i < LIMITS.CONCERT_NOTES_KEPT; i++) noteLater(deps, { userId: `v_${i}`, concertId: 'c' });
  proxy.decide(() => ({ passBytes: 0, next: 'silence' }));
  const written = flushNotes(deps).catch((error: unknown) => String(error));
  await new Promise(setImmediate);
  expect(noteLater(deps, { userId: 'v_more', concertId: 'c' })).toBe(false);
  expect(await written).toMatch(/timed out/);
  proxy.decide(undefined);
});
