/** Style as a test: what the layout promises. Lengths, `any` and empty catches are oxlint's part of `npm run check`. */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const read = (file: string) => readFileSync(resolve(root, file), 'utf8');
const sources = globSync('src/**/*.{ts,tsx}', { cwd: root }).map((file) => file.replaceAll('\\', '/'));
/** `x.fixture.ts` sets the scene for the tests of its room. */
const program = sources.filter((file) => !/\.(test|fixture)\.ts$/.test(file) && !file.startsWith('src/testing/'));

/** Files that each file imports, relative ones only, as paths from the root. */
const imports = new Map(
  sources.map((file) => {
    const names = [...read(file).matchAll(/(?:from|import\() ?'(\.[^']+)'/g)].map((match) => match[1] ?? '');
    return [file, names.map((name) => resolve('/', dirname(file), name).slice(1))] as const;
  }),
);
const roomOf = (file: string) => file.split('/')[1] ?? '';

/** The rooms of the business, and which others each may call through its use cases. */
const ROOMS: Record<string, string[]> = {
  wallet: [],
  concerts: ['waiting-room'],
  'waiting-room': ['wallet'],
  users: ['wallet'],
  reservations: ['concerts', 'waiting-room', 'wallet'],
  payments: ['wallet', 'reservations', 'waiting-room', 'concerts'],
};

test('the top level holds what the layout names', () => {
  const allowed = [
    'src',
    'lua',
    'scripts',
    'loadtest',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'docker-compose.yml',
    'Dockerfile',
    'LICENSE',
    'NOTICE',
    'CHANGELOG.md',
    'README.md',
    'biome.json',
    'vitest.config.ts',
    'node_modules',
    'dist',
  ];
  expect(readdirSync(root).filter((name) => !name.startsWith('.') && !allowed.includes(name))).toEqual([]);
});

test('process.env is read in one place', () => {
  const allowed = ['src/config.ts'];
  expect(program.filter((file) => read(file).includes('process.env') && !allowed.includes(file))).toEqual([]);
});

test('uWebSockets.js is touched in few places', () => {
  const allowed = ['src/http/exchange.ts', 'src/http/listen.ts', 'src/ws/socket.ts'];
  const touching = program.filter((file) => /^import (?!type)[^;]*'uWebSockets\.js'/m.test(read(file)));
  expect(touching.filter((file) => !allowed.includes(file))).toEqual([]);
});

describe('rooms', () => {
  test('call each other only as the graph allows, and never through scripts', () => {
    const wrong: string[] = [];
    for (const file of program) {
      const from = roomOf(file);
      if (!(from in ROOMS)) continue;
      for (const target of imports.get(file) ?? []) {
        const to = roomOf(target);
        if (to === from || !(to in ROOMS)) {
          if (['http', 'ws', 'outbox', 'operations'].includes(to) && !target.endsWith('idempotency.ts'))
            wrong.push(`${file} -> ${target}`);
          continue;
        }
        const typesOnly = !new RegExp(`^import (?!type)[^;]*${target.split('/').at(-1)}'`, 'm').test(read(file));
        if (!ROOMS[from]?.includes(to) && !typesOnly) wrong.push(`${file} -> ${target}`);
        if (target.endsWith('.script.ts')) wrong.push(`${file} -> ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('the graph of rooms has no cycle', () => {
    const reaches = (room: string, seen: string[] = []): string[] =>
      (ROOMS[room] ?? []).flatMap((next) => (seen.includes(next) ? [next] : [next, ...reaches(next, [...seen, next])]));
    for (const room of Object.keys(ROOMS)) expect(reaches(room), room).not.toContain(room);
  });
});

test('each script stands beside its caller and its test', () => {
  const scripts = globSync('lua/*/*.lua', { cwd: root }).filter((file) => !file.startsWith('lua/include/'));
  const lacking = scripts.flatMap((file) => {
    const stem = file.replace(/^lua\//, 'src/').replace(/\.lua$/, '');
    const room = dirname(stem);
    const tested = globSync(`${room}/*.{script.test,fixture}.ts`, { cwd: root }).some((path) =>
      read(path).includes(`${stem.split('/').at(-1)}.script.ts`),
    );
    return [
      sources.includes(`${stem}.script.ts`) ? [] : [`${stem}.script.ts`],
      tested ? [] : [`${stem}: no *.script.test.ts imports it`],
    ].flat();
  });
  expect(lacking).toEqual([]);
});

test('every file is reached from main.ts, the client, the pages or the rebuild, or is a test', () => {
  const reached = new Set<string>();
  const visit = (file: string) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const next of imports.get(file) ?? []) visit(next);
  };
  visit('src/main.ts');
  visit('src/client/index.ts');
  for (const page of ['src/web/main.tsx', 'src/web/console/main.tsx', 'src/web/vite.config.ts']) visit(page);
  visit('src/rebuild.ts');
  expect(program.filter((file) => !reached.has(file))).toEqual([]);
});

test('keys are built in keys.ts alone', () => {
  const elsewhere = program.filter((file) => file !== 'src/redis/keys.ts' && /[`'"]\{[cwa]:/.test(read(file)));
  expect(elsewhere).toEqual([]);
});

test('no path of a machine and no registry host stands in the repo', () => {
  const files = globSync('{src,lua,scripts,loadtest}/**/*.{ts,mjs,lua,json,sh}', { cwd: root }).concat([
    'package.json',
    'package-lock.json',
    'docker-compose.yml',
    'Dockerfile',
    'README.md',
  ]);
  const hosts = [
    ['registry', 'npmjs'].join('.'),
    ['deb', 'debian', 'org'].join('.'),
    ['proxy', 'golang'].join('.'),
    ['/wo', 'rk/'].join(''),
  ];
  const wrong = files.filter((file) => {
    try {
      return hosts.some((host) => read(file).includes(host));
    } catch {
      return false; // not written yet
    }
  });
  expect(wrong).toEqual([]);
});
