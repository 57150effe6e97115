import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { leashPrivateServers } from '../testing/leash.ts';
import { type LocalServers, startLocalServers } from './local-servers.ts';
import { type ProcessIdentity, isRunning, signalProcess, waitForEnd } from './processes.mjs';

let dataDir: string;
let lines: string[];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'onsale-local-'));
  lines = [];
  // These servers outlive their parent by design: a test that is cut off must not leave any.
  const { release } = leashPrivateServers(dataDir);
  onTestFinished(() => {
    release();
    rmSync(dataDir, { recursive: true, force: true });
  });
});

function note(server: 'redis' | 'postgres'): ProcessIdentity & { port: number } {
  return JSON.parse(readFileSync(join(dataDir, `${server}.json`), 'utf8')) as ProcessIdentity & { port: number };
}

async function start(wanted: { redis?: boolean; postgres?: boolean }): Promise<LocalServers> {
  const { redis = false, postgres = false } = wanted;
  const log = { info: (line: string) => lines.push(line), warn: (line: string) => lines.push(line) };
  const servers = await startLocalServers({ dataDir, wantRedis: redis, wantPostgres: postgres, log });
  onTestFinished(() => servers.stop());
  return servers;
}

async function withRedis<T>(url: string | undefined, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url ?? '', { retryStrategy: () => null });
  redis.on('error', () => undefined); // told by the rejected command
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

async function query(url: string | undefined, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

test('a stop ends both servers, and the next start finds their data on the same addresses', async () => {
  const first = await start({ redis: true, postgres: true });
  await withRedis(first.redisUrl, (redis) => redis.set('seat', 'taken'));
  await query(first.databaseUrl, 'CREATE TABLE payments AS SELECT 7 AS id');
  const pids = [note('redis'), note('postgres')];
  await Promise.all([first.stop(), first.stop()]);
  expect(pids.map(isRunning)).toEqual([false, false]);

  const second = await start({ redis: true, postgres: true });
  expect(second).toMatchObject({ redisUrl: first.redisUrl, databaseUrl: first.databaseUrl });
  expect(await withRedis(second.redisUrl, (redis) => redis.get('seat'))).toBe('taken');
  expect(await query(second.databaseUrl, 'SELECT id FROM payments')).toEqual([{ id: 7 }]);
});

test('the servers of a start that was killed are adopted', async () => {
  const code = `
    const { startLocalServers } = await import(${JSON.stringify(new URL('local-servers.ts', import.meta.url).href)});
    const log = { info() {}, warn() {} };
    await startLocalServers({ dataDir: process.argv[1], wantRedis: true, wantPostgres: true, log });
    console.log('ready');
    setInterval(() => undefined, 1000);`;
  const args = ['--input-type=module', '-e', code, dataDir];
  const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(parent.stdout, 'data');
  const before = { redis: note('redis'), postgres: note('postgres') };
  parent.kill('SIGKILL');
  await once(parent, 'exit');

  const servers = await start({ redis: true, postgres: true });
  expect({ redis: note('redis'), postgres: note('postgres') }).toEqual(before);
  expect(lines).toHaveLength(2);
  await servers.stop();
  expect([before.redis, before.postgres].map(isRunning)).toEqual([false, false]);
});

test('a second start in the same folder is refused and leaves the first alone', async () => {
  await start({ redis: true });
  await expect(start({ redis: true })).rejects.toThrow(
    `process ${process.pid} is already running with the data in ${dataDir}`,
  );
  expect(isRunning(note('redis'))).toBe(true);
});

test.each(['redis', 'postgres'] as const)(
  "somebody else's server on the noted port of %s stops the start",
  async (server) => {
    const servers = await start({ [server]: true });
    await servers.stop();
    const { port } = note(server);
    const stranger = createServer((socket) =>
      socket
        .on('error', () => undefined)
        .resume()
        .end('hello\r\n'),
    );
    stranger.listen(port, '127.0.0.1');
    await once(stranger, 'listening');
    onTestFinished(() => void stranger.close());
    await expect(start({ [server]: true })).rejects.toThrow(`port ${port}, noted for our`);
    expect(readdirSync(dataDir)).not.toContain('lock');
  },
);

test('a private Redis and a private PostgreSQL that die are started again, with their data', async () => {
  const { redisUrl, databaseUrl } = await start({ redis: true, postgres: true });
  await withRedis(redisUrl, (redis) => redis.set('seat', 'taken'));
  await query(databaseUrl, 'CREATE TABLE payments AS SELECT 7 AS id');
  const before = { redis: note('redis'), postgres: note('postgres') };
  for (const server of [before.redis, before.postgres]) {
    signalProcess(server, 'SIGKILL');
    await waitForEnd(server, 5000);
  }
  const isBack = async () => {
    expect(await withRedis(redisUrl, (redis) => redis.get('seat'))).toBe('taken');
    expect(await query(databaseUrl, 'SELECT id FROM payments')).toEqual([{ id: 7 }]);
    expect(lines.filter((line) => line.includes('is back'))).toHaveLength(2);
  };
  await expect
    .poll(
      () =>
        isBack().then(
          () => 'back',
          () => 'away',
        ),
      { timeout: 15_000 },
    )
    .toBe('back');
  expect(note('redis').pid).not.toBe(before.redis.pid);
});

test('a torn append-only file is cut at its last whole block, once and for all', async () => {
  const first = await start({ redis: true });
  await withRedis(first.redisUrl, (redis) => redis.set('whole', '1'));
  await first.stop();
  const folder = join(dataDir, 'redis', 'appendonlydir');
  const log = readdirSync(folder).find((name) => name.endsWith('.incr.aof'));
  // A script's block that a power loss cut off in its second command.
  const hold = '*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\nhold\r\n$1\r\n1\r\n*3\r\n$3\r\nSET\r\n$6\r\nout';
  appendFileSync(join(folder, log ?? ''), hold);

  const second = await start({ redis: true });
  expect(lines).toEqual([expect.stringContaining('append-only file ends within a command')]);
  expect(await withRedis(second.redisUrl, (redis) => redis.keys('*'))).toEqual(['whole']);
  await withRedis(second.redisUrl, (redis) => redis.set('later', '1'));
  await second.stop();
  const third = await start({ redis: true });
  expect(await withRedis(third.redisUrl, async (redis) => (await redis.keys('*')).sort())).toEqual(['later', 'whole']);
  expect(lines).toHaveLength(1);
});
