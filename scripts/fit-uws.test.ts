import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readElf } from './elf.mjs';
import { fitElf, fitFile } from './fit-uws.mjs';

// The binaries for Node 22, which setup leaves as they came: linked with glibc 2.38.
const FOLDER = join(import.meta.dirname, '..', 'node_modules', 'uWebSockets.js');
const X64 = join(FOLDER, 'uws_linux_x64_127.node');

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'onsale-fit-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return dir;
}

test.each(['x64', 'arm64'])('the %s binary no longer asks for anything newer than the running glibc', (arch) => {
  const original = readFileSync(join(FOLDER, `uws_linux_${arch}_127.node`));
  const fitted = fitElf(original, '2.36');
  if (!fitted) throw new Error('not fitted');
  const before = readElf(original);
  const after = readElf(fitted);
  const tooNew = before.needs.filter((need) => need.name === 'GLIBC_2.38').map((need) => need.index);
  const twins = before.symbols.filter((symbol) => tooNew.includes(symbol.version));

  expect(twins.map(({ name }) => name)).toContain('__isoc23_strtol');
  expect(after.needs.filter((need) => need.name === 'GLIBC_2.38').every((need) => need.weak)).toBe(true);
  expect(after.symbols.filter((symbol) => tooNew.includes(symbol.version))).toEqual([]);
  const changed = after.symbols.filter((symbol, i) => symbol.name !== before.symbols[i]?.name).map(({ name }) => name);
  expect(changed).toEqual(twins.map(({ name }) => name.replace('__isoc23_', '')));
});

test('nothing is done where the binary fits: a newer glibc, or a second run', () => {
  const original = readFileSync(X64);
  expect(fitElf(original, '2.38')).toBeUndefined();
  expect(fitElf(original, '2.41')).toBeUndefined();
  const fitted = fitElf(original, '2.36');
  expect(fitted && fitElf(fitted, '2.36')).toBeUndefined();
});

test('a newer symbol that has no old twin is refused, and the file left as it was', () => {
  const strange = readFileSync(X64);
  const name = strange.indexOf('\0__isoc23_strtol\0') + 1;
  strange.write('__future_', name, 'latin1');
  const file = join(folder(), 'uws.node');
  writeFileSync(file, strange);
  expect(() => fitFile(file, '2.36')).toThrow('needs __future_strtol, which glibc 2.36 does not have');
  expect(readFileSync(file).equals(strange)).toBe(true);
});

test('a file is replaced in one step, and nothing else left behind', () => {
  const dir = folder();
  const file = join(dir, 'uws.node');
  copyFileSync(X64, file);
  expect(fitFile(file, '2.36')).toBe(true);
  expect(fitFile(file, '2.36')).toBe(false);
  expect(readdirSync(dir)).toEqual(['uws.node']);
});

test('what is no ELF file is refused', () => {
  expect(() => fitElf(Buffer.from('#!/bin/sh\n'), '2.36')).toThrow('not a 64-bit little-endian ELF file');
});
