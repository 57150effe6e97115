/** Starting, refusing to start, several processes on one port, and stopping without losing an accepted request. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { testDatabase } from '../testing/connect.ts';
import { call, concertInput, enter, newFan, newFans, openSocket, operatorCall, putConcert } from '../testing/fan.ts';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { startSystem, type System } from '../testing/system.ts';
import { until } from '../testing/until.ts';

const databaseUrl = await testDatabase();
const lostDatabaseUrl = await testDatabase();
let redis: RedisServer;
const env = () => ({ REDIS_URL: redis.url, DATABASE_URL: databaseUrl });

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(async () => {
  await redis?.stop();
});

/** Starts onsale, which is stopped when the test has ended, in whatever way. */
async function start(settings: Parameters<typeof startSystem>[0]): Promise<System> {
  const system = await startSystem(settings);
  onTestFinished(async () => void (await system.stop()));
  return system;
}

/** Starts with settings that must not work; answers what it printed and its exit code. */
async function refusedStart(settings: Record<string, string>): Promise<{ code: number | null; text: string }> {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, '../main.ts')], {
    env: { PATH: process.env.PATH, DEMO: 'false', PORT: '0', LOG_LEVEL: 'warn', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (text += data.toString('utf8')));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, text };
}

describe('a start that must not go on stops with one line that says what to do', () => {
  test('a wrong setting is named', async () => {
    const { code, text } = await refusedStart({ ...env(), PORT: 'many' });
    expect(code).toBe(1);
    expect(text).toMatch(/^onsale did not start: PORT: /);
    expect(text.trim().split('\n')).toHaveLength(1);
  });

  test('a Redis that may lose what was sold is refused, unless DURABILITY=memory', async () => {
    const { code, text } = await refusedStart({ ...env(), DURABILITY: 'fsync' });
    expect(code).toBe(1);
    expect(text).toMatch(/appendonly no.*DURABILITY=memory/);
  });

  test('a Redis that would bring half of a script to life after a power loss is refused; DURABILITY=memory tells of it', async () => {
    const halves = await startRedis({ appendonly: true, settings: { 'aof-load-truncated': 'yes' } });
    onTestFinished(() => halves.stop());
    const { code, text } = await refusedStart({ ...env(), REDIS_URL: halves.url, DURABILITY: 'fsync' });
    expect(code).toBe(1);
    expect(text).toMatch(/aof-load-truncated yes.*Set `aof-load-truncated no`/);
    const system = await start({ ...env(), REDIS_URL: halves.url, DURABILITY: 'memory' });
    expect(system.output.join('\n')).toMatch(/aof-load-truncated yes: after a power loss/);
  });

  test('a Redis that forbids CONFIG GET cannot be told to keep what it answers', async () => {
    const managed = await startRedis({ appendonly: true, settings: { 'aof-load-truncated': 'yes' } });
    onTestFinished(() => managed.stop());
    const operator = new Redis(managed.url);
    await operator.call('ACL', 'SETUSER', 'default', '-config');
    operator.disconnect();
    const { text } = await refusedStart({ ...env(), REDIS_URL: managed.url, DURABILITY: 'fsync' });
    expect(text).toMatch(/does not let us read its setting appendonly.*Allow CONFIG GET/);
    const system = await start({ ...env(), REDIS_URL: managed.url, DURABILITY: 'memory' });
    expect(system.output.join('\n')).toMatch(/aof-load-truncated \(unknown: it does not let us read it\)/);
  });

  test('a start with another JWT_SECRET than the one before is told of', async () => {
    const [one, two] = ['a'.repeat(32), 'b'.repeat(32)];
    const said = async (JWT_SECRET: string) => {
      const system = await start({ ...env(), JWT_SECRET });
      await system.stop();
      return system.output.join('\n');
    };
    await said(one);
    expect(await said(`${two},${one}`)).not.toMatch(/JWT_SECRET/);
    expect(await said(two)).not.toMatch(/JWT_SECRET/);
    expect(await said(one)).toMatch(/JWT_SECRET: the server that started before this one has another/);
  });

  test('data of an installation with another currency is refused', async () => {
    const first = await start(env());
    await first.stop();
    const { text } = await refusedStart({ ...env(), DURABILITY: 'memory', CURRENCY: 'EUR' });
    expect(text).toMatch(/CURRENCY: the data in this Redis has currency KRW/);
  });

  test('a Redis that has lost the books which PostgreSQL has is refused: it would sell what is sold', async () => {
    const books = { ...env(), DATABASE_URL: lostDatabaseUrl };
    const system = await start(books);
    const fan = await newFan(system.url);
    const headers = { 'idempotency-key': 'c' };
    const balance = `/api/v1/users/${fan.userId}/balance`;
    await call(system.url, balance, { body: { amount: 1_000 }, bearer: fan.accessToken, headers });
    const database = new Client({ connectionString: lostDatabaseUrl });
    onTestFinished(() => database.end());
    await database.connect();
    await until(async () => (await database.query('SELECT FROM wallet_entries')).rowCount === 1);
    const operator = new Redis(redis.url);
    await operator.flushall();
    operator.disconnect();
    expect((await putConcert(system.url, 'again', concertInput())).status, 'a running server sells nothing in it').toBe(
      503,
    );
    await system.stop();
    expect(system.output.join('\n')).toMatch(/this Redis was emptied since the start.*npm run rebuild/);
    const { code, text } = await refusedStart({ ...books, DURABILITY: 'memory' });
    expect(code).toBe(1);
    expect(text).toMatch(/this Redis is empty, but PostgreSQL.*would be sold again.*npm run rebuild/);
  });

  test.each(['1', '2'])('a port that is taken is refused, with PROCESSES=%s', async (processes) => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => other.once('listening', done));
    const { port } = other.address() as { port: number };
    const { code, text } = await refusedStart({
      ...env(),
      DURABILITY: 'memory',
      PORT: String(port),
      PROCESSES: processes,
    });
    other.close();
    expect(code).toBe(1);
    expect(text).toMatch(new RegExp(`PORT.*${port}`));
    expect(text).toMatch(/taken/);
  });
});

test('two processes share the port: one place is the same on both, frames reach all sockets, metrics have both', {
  timeout: 60_000,
}, async () => {
  const system = await start({ ...env(), PROCESSES: '2' });
  const { url } = system;
  await putConcert(url, 'shared', concertInput({ room: { capacity: 1 } }));
  const [first, ...others] = await newFans(url, 6);
  if (!first) throw new Error('no fan');
  const place = await enter(url, first, 'shared');
  const tickets: { token: string; position: number }[] = [];
  for (const fan of others)
    tickets.push((await call(url, '/api/v1/queue', { body: { concertId: 'shared' }, bearer: fan.accessToken })).body);
  // Many connections, so that both processes answer some of them.
  const answers = await Promise.all(
    Array.from({ length: 24 }, () =>
      call(url, '/api/v1/queue', { queue: tickets[2]?.token ?? '', headers: { connection: 'close' } }),
    ),
  );
  const positions = answers.filter((answer) => answer.status === 200).map((answer) => answer.body.position);
  expect(positions.length).toBeGreaterThan(4);
  expect(new Set(positions)).toEqual(new Set([3]));
  const sockets = await Promise.all(tickets.map((ticket) => openSocket(url, ticket.token)));
  for (const socket of sockets) await socket.next((message) => message.type === 'ticket');
  await call(url, `/api/v1/queue/${place.queueId}`, { method: 'DELETE', queue: place.token });
  const [front] = sockets;
  await front?.next(({ type, ticket }) => type === 'ticket' && (ticket as { status: string }).status === 'ACTIVE');
  for (const socket of sockets.slice(1))
    await socket.next(({ type, room }) => type === 'room' && (room as { admitted: number }).admitted === 2);
  let scraped = new Set<string | undefined>();
  // A process that is slow to answer is left out of a scrape.
  await until(async () => {
    const metrics = (await call(url, '/metrics')).body as string;
    scraped = new Set([...metrics.matchAll(/onsale_redis_up\{process="(\d)"\}/g)].map((match) => match[1]));
    return scraped.size === 2;
  });
  expect(scraped).toEqual(new Set(['1', '2']));
  const closed = sockets.map((socket) => socket.closed);
  expect(await system.stop()).toBe(0);
  expect(new Set(await Promise.all(closed))).toEqual(new Set([1012]));
});

test('SIGTERM drains: accepted requests are answered, sockets are told 1012, a second signal changes nothing, places are kept', {
  timeout: 60_000,
}, async () => {
  const system = await start(env());
  const { url } = system;
  await putConcert(url, 'drained', concertInput({ seats: 40 }));
  const fans = await newFans(url, 20);
  const places = await Promise.all(fans.map((fan) => enter(url, fan, 'drained')));
  const socket = await openSocket(url, places[0]?.token);
  await socket.next((message) => message.type === 'ticket');
  const asked = places.map(({ token }, index) =>
    call(url, '/api/v1/reservations', {
      body: { scheduleId: 'd1', seatIds: [`A-1-${index + 1}`] },
      queue: token,
    }).catch(() => null),
  );
  // The first answer shows that requests are under way.
  await Promise.race(asked);
  system.signal('SIGTERM');
  system.signal('SIGTERM');
  system.signal('SIGINT');
  expect(await socket.closed).toBe(1012);
  expect(await system.exited).toBe(0);
  const answers = await Promise.all(asked);

  const again = await start(env());
  const { body } = await operatorCall(again.url, '/concerts/drained/stats');
  expect(body.held, 'what was held was answered, and the reverse').toBe(
    answers.filter((answer) => answer?.status === 201).length,
  );
  expect((await call(again.url, '/api/v1/queue', { queue: places[5]?.token ?? '' })).body.status).toBe('ACTIVE');
});

test('a worker and a server as two starts, in any order', async () => {
  const server = await start({ ...env(), ROLE: 'server' });
  await putConcert(server.url, 'roles', concertInput());
  const fan = await newFan(server.url);
  const joined = await call(server.url, '/api/v1/queue', { body: { concertId: 'roles' }, bearer: fan.accessToken });
  expect((await call(server.url, '/api/v1/queue', { queue: joined.body.token })).body.status).toBe('WAITING');
  await start({ ...env(), ROLE: 'worker' });
  await until(
    async () => (await call(server.url, '/api/v1/queue', { queue: joined.body.token })).body.status === 'ACTIVE',
    { everyMs: 600 },
  );
});
