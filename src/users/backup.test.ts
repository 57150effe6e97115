import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { leaveUnfinished } from '../local/unfinished.fixture.ts';
import { connectAll, openRedis } from '../redis/client.ts';
import { accountKeys, concertKeys } from '../redis/keys.ts';
import { flush, testRedis } from '../testing/connect.ts';
import { startCluster } from '../testing/redis-cluster.ts';
import { until } from '../testing/until.ts';
import { backUpAccounts, backupFile } from './backup.ts';

const redis = await testRedis();
beforeEach(() => flush(redis));

function newDeps(against = redis) {
  const dataDir = mkdtempSync(join(tmpdir(), 'onsale-backup-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  return { redis: against, dataDir, log: pino({ level: 'silent' }) };
}

async function signUp(email: string, against = redis): Promise<void> {
  const fields = { userId: `u_${email}`, email, password: '$argon2id$x', name: '가 "A"', created: 1 };
  await against.hset(accountKeys(email).account, fields);
}

const linesOf = (dataDir: string) =>
  readFileSync(backupFile(dataDir), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
const filesOf = (dataDir: string) => readdirSync(dirname(backupFile(dataDir)));

test('every account is a line, the last line proves them whole, and only the owner can read it', async () => {
  const deps = newDeps();
  for (let i = 0; i < 1_200; i++) void signUp(`fan${i}@example.org`);
  await redis.hset(concertKeys('x').room, 'state', 'OPEN');
  expect(await backUpAccounts(deps)).toBe(true);
  const lines = linesOf(deps.dataDir);
  expect(lines).toHaveLength(1_201);
  expect(lines).toContainEqual({
    userId: 'u_fan7@example.org',
    email: 'fan7@example.org',
    password: '$argon2id$x',
    name: '가 "A"',
    created: '1',
  });
  expect(lines.at(-1)).toEqual({ accounts: 1_200, digest: expect.stringMatching(/^[0-9a-f]{50,64}$/) });
  expect(statSync(backupFile(deps.dataDir)).mode & 0o777).toBe(0o600);
});

test('it is written only when something changed', async () => {
  const deps = newDeps();
  expect(await backUpAccounts(deps)).toBe(false);
  expect(filesOf(deps.dataDir)).toEqual([]);
  await signUp('a@example.org');
  expect(await backUpAccounts(deps)).toBe(true);
  expect(await backUpAccounts(deps)).toBe(false);
  await redis.hset(accountKeys('a@example.org').account, 'password', 'another');
  expect(await backUpAccounts(deps)).toBe(true);
  expect(linesOf(deps.dataDir)).toMatchObject([{ password: 'another' }, { accounts: 1 }]);
  expect(filesOf(deps.dataDir)).toEqual(['accounts.jsonl']);
});

test('after a loss in Redis the older backup is kept beside the new one', async () => {
  const deps = newDeps();
  for (const email of ['a@example.org', 'b@example.org']) await signUp(email);
  await backUpAccounts(deps);
  const older = readFileSync(backupFile(deps.dataDir), 'utf8');
  await flush(redis);
  expect(await backUpAccounts(deps)).toBe(true);
  const kept = filesOf(deps.dataDir).filter((name) => name !== 'accounts.jsonl');
  expect(kept).toHaveLength(1);
  expect(readFileSync(join(dirname(backupFile(deps.dataDir)), kept[0] ?? ''), 'utf8')).toBe(older);
  expect(linesOf(deps.dataDir)).toMatchObject([{ accounts: 0 }]);
  expect(await backUpAccounts(deps)).toBe(false);
});

test('a damaged backup is replaced, and kept', async () => {
  const deps = newDeps();
  await signUp('a@example.org');
  await backUpAccounts(deps);
  writeFileSync(backupFile(deps.dataDir), '{"userId":"u_1"');
  expect(await backUpAccounts(deps)).toBe(true);
  expect(filesOf(deps.dataDir)).toHaveLength(2);
  expect(linesOf(deps.dataDir)).toMatchObject([{ userId: 'u_a@example.org' }, { accounts: 1 }]);
});

test('where it cannot be finished the old one stays, and nothing is left beside it', async () => {
  const deps = newDeps();
  await signUp('a@example.org');
  await backUpAccounts(deps);
  const older = readFileSync(backupFile(deps.dataDir), 'utf8');
  await signUp('b@example.org');
  await expect(backUpAccounts(deps, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  expect(filesOf(deps.dataDir)).toEqual(['accounts.jsonl']);
  expect(readFileSync(backupFile(deps.dataDir), 'utf8')).toBe(older);
});

test("two processes of one id, as in containers that share the volume, do not touch each other's file", async () => {
  const deps = newDeps();
  for (let i = 0; i < 300; i++) await signUp(`fan${i}@example.org`);
  expect(await Promise.all([1, 2, 3].map(() => backUpAccounts(deps)))).toContain(true);
  expect(linesOf(deps.dataDir)).toHaveLength(301);
  expect(filesOf(deps.dataDir)).toEqual(['accounts.jsonl']);
});

test('what a killed process has begun an hour ago is removed, what is under way stays', async () => {
  const deps = newDeps();
  const file = backupFile(deps.dataDir);
  mkdirSync(dirname(file));
  leaveUnfinished(`${file}.1.unfinished`);
  writeFileSync(`${file}.2.unfinished`, '');
  await backUpAccounts(deps);
  expect(filesOf(deps.dataDir)).toEqual(['accounts.jsonl.2.unfinished']);
});

test('on a cluster the accounts of all nodes', async () => {
  const cluster = await startCluster();
  onTestFinished(() => cluster.stop());
  const client = openRedis({ url: cluster.url, cluster: true }, 'hot');
  onTestFinished(() => client.disconnect());
  await connectAll(client);
  await until(() => client.status === 'ready');
  const deps = newDeps(client);
  for (let i = 0; i < 30; i++) await signUp(`fan${i}@example.org`, client);
  await backUpAccounts(deps);
  expect(linesOf(deps.dataDir).at(-1)).toMatchObject({ accounts: 30 });
});
