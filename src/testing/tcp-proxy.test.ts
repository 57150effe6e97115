import { Redis } from 'ioredis';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { testRedis, testRedisUrl } from './connect.ts';
import { type TcpProxy, startProxy } from './tcp-proxy.ts';
import { until } from './until.ts';

const redis = await testRedis();
let proxy: TcpProxy;
let through: Redis;

beforeEach(async () => {
  const [target] = (await testRedisUrl()).nodes;
  if (!target) throw new Error('no Redis');
  proxy = await startProxy({ target });
  through = new Redis({ port: proxy.port, maxRetriesPerRequest: 0, retryStrategy: () => null, lazyConnect: true });
  through.on('error', () => undefined); // told by the rejected commands
  await through.connect();
  await redis.del('n');
  onTestFinished(async () => {
    through.disconnect();
    await proxy.stop();
  });
});

test('a dropped reply leaves its effect, and the client without an answer', async () => {
  proxy.dropNextReply();
  await expect(through.incr('n')).rejects.toThrow();
  expect(await redis.get('n')).toBe('1');
  expect(proxy.dropped).toBe(1);
});

test('only the replies that match are dropped', async () => {
  proxy.dropRepliesMatching(({ request }) => request.includes('incr'));
  expect(await through.get('n')).toBeNull();
  await expect(through.incr('n')).rejects.toThrow();
  expect(await redis.get('n')).toBe('1');
});

test('delay holds replies back', async () => {
  proxy.delay(60);
  const start = performance.now();
  await through.get('n');
  expect(performance.now() - start).toBeGreaterThan(50);
});

test('nothing overtakes what is held back: the replies stay in order, and the end comes last', async () => {
  const order: string[] = [];
  const ask = (name: string, reply: Promise<unknown>) => reply.then((value) => order.push(`${name} ${String(value)}`));
  let replies = 0;
  proxy.dropRepliesMatching(() => ++replies < 0); // drops none
  proxy.delay(150);
  const start = performance.now();
  const slow = ask('slow', through.incr('n'));
  await until(() => replies === 1);
  proxy.delay(0);
  await Promise.all([slow, ask('fast', through.get('n')), ask('last', through.quit())]);
  expect(order).toEqual(['slow 1', 'fast 1', 'last OK']);
  expect(performance.now() - start).toBeGreaterThan(140);
});

test('a cut connection is gone, and a refusing proxy takes no new one', async () => {
  proxy.refuse(true);
  expect(await through.incr('n')).toBe(1);
  proxy.cut();
  await expect.poll(() => through.status).toBe('end');
  await expect(through.connect()).rejects.toThrow();
  proxy.refuse(false);
  await through.connect();
  expect(await through.incr('n')).toBe(2);
});

test('half a request: the server never gets the rest, and does nothing', async () => {
  proxy.decide(({ way }) => (way === 'request' ? { passBytes: 9, next: 'reset' } : null));
  await expect(through.incr('n')).rejects.toThrow();
  expect(await redis.get('n')).toBeNull();
});

test('half a reply: it took effect, and the client has bytes that it can make nothing of', async () => {
  await redis.set('n', '123456');
  proxy.decide(({ way }) => (way === 'reply' ? { passBytes: 3, next: 'reset' } : null));
  await expect(through.incr('n')).rejects.toThrow();
  expect(await redis.get('n')).toBe('123457');
});

test.each(['request', 'reply'] as const)('a %s in two parts arrives whole', async (delayed) => {
  proxy.decide(({ way }) => (way === delayed ? { passBytes: 2, next: { lateMs: 60 } } : null));
  const start = performance.now();
  expect(await through.incr('n')).toBe(1);
  expect(performance.now() - start).toBeGreaterThan(50);
});

test('silence: no answer and no end, until the connection is cut', async () => {
  proxy.decide(({ way }) => (way === 'reply' ? { passBytes: 0, next: 'silence' } : null));
  const answer = through.incr('n').catch(() => 'cut');
  await until(async () => (await redis.get('n')) === '1');
  const later = through.incr('n').catch(() => 'cut');
  proxy.decide(undefined);
  expect(await redis.incr('other')).toBeGreaterThan(0);
  expect(through.status).toBe('ready');
  expect(await redis.get('n')).toBe('1');
  proxy.cut();
  expect(await Promise.all([answer, later])).toEqual(['cut', 'cut']);
});
