/** The client as others get it: generated, built, imported by its name, and as the README shows it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { CLIENT_BUILD, isClientBuilt } from '../../scripts/build-client.mjs';
import { clientApi } from '../../scripts/generate-client.ts';
import { newFan } from '../testing/fan.ts';
import { scene } from './client.fixture.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(resolve(root, file), 'utf8');
const run = promisify(execFile);
const at = await scene();

beforeAll(async () => {
  // As the set-up does before `npm test`; a run by hand may have changed sources since.
  if (!isClientBuilt()) await run(process.execPath, [CLIENT_BUILD]);
}, 60_000);

test('api.ts is what the route table, the frames and the refusals say; `node scripts/generate-client.ts` writes it', () => {
  expect(read('src/client/api.ts')).toBe(clientApi());
});

test('the built client is one small module that needs nothing', () => {
  const built = read('dist/client/index.js');
  expect(built).not.toMatch(/\bimport\b|\brequire\(/);
  expect(gzipSync(built).byteLength).toBeLessThan(6_000);
});

test('imported by its name, it has everything that the source exports', async () => {
  const names = async (path: string) => Object.keys((await import(path)) as object).toSorted();
  expect(await names('onsale/client')).toEqual(await names('./index.ts'));
});

test('the README’s lines from joining to paid', { timeout: 60_000 }, async () => {
  const [, example = ''] = read('README.md').match(/^## Client\n[\s\S]*?```ts\n([\s\S]*?)```/m) ?? [];
  expect(example).toContain("from 'onsale/client'");
  await at.concert('readme', { price: 900 });
  const { userId, accessToken } = await newFan(at.system.url);
  const given = { baseUrl: at.system.url, concertId: 'readme', userId, accessToken };
  const code = `const { ${Object.keys(given).join(', ')} } = ${JSON.stringify(given)};\n${example}`;
  const { stdout } = await run(process.execPath, ['--input-type=module-typescript', '--eval', code], { cwd: root });
  expect(stdout).toMatch(/"status": ?"CONFIRMED"|status: 'CONFIRMED'/);
});
