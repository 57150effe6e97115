/** What is asked of the programs without servers: their usage, and what is wrong in a command line. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

function run(file: string, ...args: string[]) {
  const options = { cwd: root, encoding: 'utf8', timeout: 15_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], options);
  return { status, stdout, stderr };
}

describe.each([
  ['scripts/bench/main.ts', 'usage: npm run bench -- <name>'],
  ['scripts/chaos/main.ts', 'usage: npm run chaos [-- <case>...]'],
  ['src/rebuild.ts', 'usage: npm run rebuild -- [--accounts <file>]'],
])('%s', (file, usage) => {
  test('--help prints the usage', () => {
    expect(run(file, '--help')).toEqual({ status: 0, stdout: expect.stringContaining(usage), stderr: '' });
  });

  test('an unknown option is named in a line, with the usage', () => {
    const { status, stderr } = run(file, '--frob');
    expect(status).toBe(1);
    expect(stderr.startsWith(`Unknown option '--frob'\n\n${usage}`), stderr).toBe(true);
  });
});

test.each([
  ['scripts/bench/main.ts', [], 'No benchmark is named'],
  ['scripts/bench/main.ts', ['jion'], 'Unknown benchmark: jion'],
  ['scripts/bench/main.ts', ['join', '--scale', '9'], '--scale 9 is not above 0 and at most 4'],
  ['scripts/bench/main.ts', ['join', '--seconds', 'many'], '--seconds many is not from 1 to 60'],
  ['src/rebuild.ts', ['accounts.jsonl'], 'Unknown argument: accounts.jsonl'],
  ['scripts/chaos/main.ts', ['kil'], 'Unknown case: kil'],
  ['scripts/chaos/main.ts', ['--runs', '0'], '--runs 0 is not from 1 to 10000'],
  ['scripts/chaos/main.ts', ['--seed', 'x'], '--seed x is not a whole number'],
])('%s %j: %s', (file, args, fault) => {
  expect(run(file, ...args)).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(`^${fault}\n\nusage: `) });
});
