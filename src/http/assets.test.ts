import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { testRedis } from '../testing/connect.ts';
import { assetReply, linkJobs, loadAssets } from './assets.ts';
import { asset, fanPage } from './calls/pages.ts';
import { serve } from './http.fixture.ts';
import { route } from './route.ts';

const dir = mkdtempSync(join(tmpdir(), 'onsale-web-'));
afterAll(() => rmSync(dir, { recursive: true }));
mkdirSync(join(dir, 'assets'));
for (const [name, text] of [
  ['index.html', '<!doctype html>'],
  ['assets/app-1a2b.js', 'plain'],
  ['assets/app-1a2b.js.br', 'brotli'],
  ['assets/app-1a2b.js.gz', 'gzip'],
  ['assets/secret.env', 'x'],
] as const)
  writeFileSync(join(dir, name), text);
const assets = loadAssets(dir);
const redis = await testRedis();

test('files by their bare names, of known types only', () => {
  expect([...assets.keys()].sort()).toEqual(['app-1a2b.js', 'index.html']);
  expect(loadAssets(join(dir, 'none')).size).toBe(0);
});

test('the console learns where the page for jobs is; nothing else changes', () => {
  const page = {
    type: 'text/html',
    etag: '"x"',
    plain: Buffer.from('<meta name="onsale-jobs" content="">'),
    coded: new Map(),
  };
  const all = new Map([...assets, ['console.html', page]]);
  expect(linkJobs(all, '')).toBe(all);
  expect(linkJobs(assets, ':3001')).toBe(assets);
  const linked = linkJobs(all, 'https://jobs.example/?a=1&b="');
  expect(linked.get('console.html')?.plain.toString()).toBe(
    '<meta name="onsale-jobs" content="https://jobs.example/?a=1&amp;b=&quot;">',
  );
  expect(linked.get('console.html')?.etag).not.toBe('"x"');
  expect(linked.get('index.html')).toBe(all.get('index.html'));
});

test.each([
  ['br, gzip', 'brotli'],
  ['gzip, deflate', 'gzip'],
  ['gzip;q=0.5, BR;q=0.1', 'brotli'],
  ['br;q=0, gzip;q=0.0', 'plain'],
  ['', 'plain'],
  ['brx', 'plain'],
])('accept-encoding %j gets %s', (acceptEncoding, text) => {
  const file = assets.get('app-1a2b.js');
  if (!file) throw new Error('not there');
  const reply = assetReply(file, { acceptEncoding, ifNoneMatch: '' });
  expect(reply).toMatchObject({ status: 200, text: Buffer.from(text) });
  expect(reply.headers['Content-Encoding']).toBe({ brotli: 'br', gzip: 'gzip' }[text]);
});

test('over HTTP: types, caching, no script but our own, and nothing where nothing is built', async () => {
  const html = 'text/html; charset=utf-8';
  const served = await serve(redis, {
    table: [
      route('GET /', {
        auth: 'none',
        summary: '',
        handle: fanPage,
        answers: { 200: html, 304: null },
        cache: 'no-cache',
      }),
      route('GET /assets/{name}', {
        auth: 'none',
        summary: '',
        handle: asset,
        answers: { 200: html, 304: null },
        cache: 'public, max-age=31536000, immutable',
      }),
    ],
  });
  try {
    expect((await served.call('/')).status).toBe(404);
    served.app.assets = assets;
    const page = await served.call('/');
    expect(page).toMatchObject({ status: 200, body: '<!doctype html>' });
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self';");
    expect(page.headers.get('content-type')).toBe(html);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const etag = page.headers.get('etag') ?? '';
    expect((await served.call('/', { headers: { 'if-none-match': `"x", W/${etag}` } })).status).toBe(304);
    const script = await served.call('/assets/app-1a2b.js', { headers: { 'accept-encoding': 'identity' } });
    expect(script.headers.get('cache-control')).toContain('immutable');
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    for (const name of ['index.html', 'secret.env', '..%2Findex.html', 'none.js'])
      expect((await served.call(`/assets/${name}`)).status, name).toBe(404);
  } finally {
    await served.close();
  }
});
