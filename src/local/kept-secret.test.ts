import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { keptSecret } from './kept-secret.ts';
import { age, leaveUnfinished } from './unfinished.fixture.ts';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onsale-secret-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('it is made once, readable by its owner alone, and nothing is left beside it', () => {
  const folder = newFolder();
  const secret = keptSecret(join(folder, 'jwt-secret'));
  expect(keptSecret(join(folder, 'jwt-secret'))).toBe(secret);
  expect(readFileSync(join(folder, 'jwt-secret'), 'utf8')).toBe(`${secret}\n`);
  expect(statSync(join(folder, 'jwt-secret')).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['jwt-secret']);
});

test('in a volume of several containers: what another one of our process id has begun stays as it is', () => {
  const folder = newFolder();
  const path = join(folder, 'jwt-secret');
  const others = [`${path}.${process.pid}`, `${path}.${process.pid}.unfinished`];
  for (const file of others) writeFileSync(file, 'theirs');
  keptSecret(path);
  expect(others.map((file) => readFileSync(file, 'utf8'))).toEqual(['theirs', 'theirs']);
});

test('what a killed process has begun an hour ago is removed, folders stay', () => {
  const folder = newFolder();
  const path = join(folder, 'jwt-secret');
  keptSecret(path);
  leaveUnfinished(`${path}.1.unfinished`);
  mkdirSync(join(folder, 'postgres.unfinished'));
  age(join(folder, 'postgres.unfinished'));
  keptSecret(path);
  expect(readdirSync(folder)).toEqual(['jwt-secret', 'postgres.unfinished']);
});
