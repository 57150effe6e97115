import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { concertKeys } from './keys.ts';
import { loadSource, scripts } from './script.ts';

const root = resolve(import.meta.dirname, '../..');
const luaFiles = globSync('lua/*/*.lua', { cwd: root })
  .map((file) => file.slice('lua/'.length))
  .filter((file) => !file.startsWith('include/'));

/** The header's contract: names of KEYS and ARGV in order, the repeated ones, and the outcome words. */
function readHeader(source: string) {
  const lines = source.split('\n');
  const names = (kind: string) =>
    lines.flatMap((line) => line.match(new RegExp(`^-- ${kind}\\[\\d+\\] +(\\w+)`))?.[1] ?? []);
  const numbers = (kind: string) =>
    lines.flatMap((line) => line.match(new RegExp(`^-- ${kind}\\[(\\d+)\\]`))?.[1] ?? []);
  const more = (kind: string) =>
    lines.flatMap(
      (line) => line.match(new RegExp(`^-- ${kind}\\[(\\d+)\\.\\.\\] +(.+?)(?: {2,}.*)?$`))?.slice(1, 3) ?? [],
    );
  const reply = lines.findIndex((line) => line.startsWith('-- Reply '));
  const text = [lines[reply]?.replace('-- Reply ', '') ?? ''];
  for (let i = reply + 1; lines[i]?.startsWith('--   '); i++) text.push(lines[i]?.slice(3) ?? '');
  const outcomes = text
    .join(' ')
    .split('|')
    .flatMap((part) => part.trim().match(/^[A-Z_]+/)?.[0] ?? []);
  return {
    keys: names('KEYS'),
    args: names('ARGV'),
    keyNumbers: numbers('KEYS'),
    argNumbers: numbers('ARGV'),
    moreKeys: more('KEYS'),
    moreArgs: more('ARGV'),
    outcomes,
  };
}

const inOrder = (numbers: string[]) => numbers.map((_, index) => String(index + 1));

beforeAll(async () => {
  for (const file of globSync('src/**/*.script.ts', { cwd: root })) await import(resolve(root, file));
});

describe.each(luaFiles)('lua/%s', (file) => {
  test('its header, its body and its typed caller agree', () => {
    const script = scripts.get(file);
    expect(script, 'has a typed caller').toBeDefined();
    if (!script) return;
    const source = readFileSync(resolve(root, 'lua', file), 'utf8');
    const header = readHeader(source);
    const { definition } = script;
    expect(source.split('\n')[0]).toMatch(/^#!lua( flags=[a-z,-]+)?$/);
    expect(header.keyNumbers).toEqual(inOrder(header.keyNumbers));
    expect(header.argNumbers).toEqual(inOrder(header.argNumbers));
    expect(header.keys).toEqual([...definition.keys]);
    expect(header.args).toEqual([...definition.args]);
    expect(header.moreKeys).toEqual(definition.moreKeys ? [String(header.keys.length + 1), definition.moreKeys] : []);
    expect(header.moreArgs).toEqual(
      definition.moreArgs ? [String(header.args.length + 1), definition.moreArgs.join(' ')] : [],
    );
    expect([...new Set(header.outcomes)].sort()).toEqual(Object.keys(definition.outcomes).sort());
  });

  test('compiles with its includes', () => {
    const source = loadSource(file).replace(/^#!.*\n/, '\n');
    expect(source).not.toMatch(/^-- @include/m);
    // luac is not everywhere; luacheck, which `npm run check` installs, has its own parser. Redis itself compiles
    // each script in its own test; here only the limit of Lua 5.1 on locals is counted.
    expect(source.match(/^local /gm)?.length ?? 0).toBeLessThan(180);
  });
});

test('every include is used, and names no include itself', () => {
  const all = luaFiles.map((file) => readFileSync(resolve(root, 'lua', file), 'utf8')).join('\n');
  for (const file of globSync('lua/include/*.lua', { cwd: root })) {
    const name = file.replace(/^.*\/(\w+)\.lua$/, '$1');
    expect(all, name).toMatch(new RegExp(`^-- @include ${name}$`, 'm'));
    expect(readFileSync(resolve(root, file), 'utf8'), name).not.toMatch(/^-- @include/m);
  }
});

test('derived keys are the same in Lua and in TypeScript', () => {
  const keys = concertKeys('k');
  const include = readFileSync(resolve(root, 'lua/include/derived.lua'), 'utf8');
  const suffix = (name: string) =>
    include.match(new RegExp(`${name}\\(base, \\w+\\) return base \\.\\. '([^']+)'`))?.[1];
  expect(keys.reservation('x')).toBe(`${keys.base}${suffix('reservation_key')}x`);
  expect(keys.seats('x')).toBe(`${keys.base}${suffix('seats_key')}x`);
  expect(keys.status('x')).toBe(`${keys.base}${suffix('status_key')}x`);
  expect(keys.seatLog('x')).toBe(`${keys.base}${suffix('seat_log_key')}x`);
  expect(keys.live('x')).toBe(`${keys.base}${suffix('live_key')}x`);
});
