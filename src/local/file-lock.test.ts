import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { lock, tryLock } from './file-lock.mjs';
import { identify } from './processes.mjs';

let dir: string;
let file: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'onsale-lock-'));
  file = join(dir, 'lock');
  onTestFinished(() => rmSync(dir, { recursive: true }));
});

function take(): () => void {
  const result = tryLock(file);
  if (!('release' in result)) throw new Error('taken');
  return result.release;
}

test('one holder at a time, who is named to the others', () => {
  const release = take();
  expect(tryLock(file)).toEqual({ holder: identify(process.pid) });
  release();
  take()();
  expect(readdirSync(dir)).toEqual([]);
});

test('waits for the holder', async () => {
  const release = take();
  const waiting = lock(file, { timeoutMs: 5000, onWait: release });
  (await waiting)();
  expect(readdirSync(dir)).toEqual([]);
});

test('gives up after its time', async () => {
  const release = take();
  await expect(lock(file, { timeoutMs: 0, onWait: () => undefined })).rejects.toThrow(`process ${process.pid} has`);
  release();
});

test('the lock of a process that was killed is free, and so is one of another process with the same id', async () => {
  const child = spawn('sleep', ['60']);
  const identity = identify(child.pid ?? 0);
  writeFileSync(file, JSON.stringify(identity));
  expect(tryLock(file)).toEqual({ holder: identity });
  child.kill('SIGKILL');
  await once(child, 'exit');
  take()();
  writeFileSync(file, JSON.stringify({ ...identify(process.pid), startedAt: 'long ago' }));
  take()();
  expect(readdirSync(dir)).toEqual([]);
});
