import { once } from 'node:events';
import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { isRedisAway, openRedis } from './client.ts';
import { gather } from './gather-writes.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

test('writes of one turn are one, those of the next another', async () => {
  const written: string[][] = [];
  const stream = new Writable({
    decodeStrings: false,
    writev: (chunks, done) => {
      written.push(chunks.map(({ chunk }) => String(chunk)));
      done();
    },
  });
  gather(stream);
  stream.write('a');
  await Promise.resolve();
  stream.write('b');
  expect(written).toEqual([]);
  await turn();
  stream.write('c');
  await turn();
  await turn();
  expect(written).toEqual([['a', 'b'], ['c']]);
});

test('each command has its own reply, in order, after a reconnect too', async () => {
  const client = openRedis({ url: server.url, cluster: false }, 'hot');
  onTestFinished(() => client.disconnect());
  await client.connect();
  const echoes = () => Promise.all(Array.from({ length: 500 }, (_, i) => client.echo(`n${i}`)));
  const expected = Array.from({ length: 500 }, (_, i) => `n${i}`);
  expect(await echoes()).toEqual(expected);
  const ready = once(client, 'ready');
  client.disconnect(true);
  await ready;
  expect(await echoes()).toEqual(expected);
});

test('what is gathered when the connection is lost is refused, and not sent on the next one', async () => {
  const client = openRedis({ url: server.url, cluster: false }, 'hot') as Redis;
  onTestFinished(() => client.disconnect());
  await client.connect();
  const ready = once(client, 'ready');
  const lost = client.incr('counted');
  client.stream.destroy();
  await expect(lost).rejects.toSatisfy(isRedisAway);
  await ready;
  expect(await client.get('counted')).toBeNull();
});
