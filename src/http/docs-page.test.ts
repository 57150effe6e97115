import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ERRORS } from '../errors.ts';
import { chromiumPath, launch } from '../testing/chromium.ts';
import { testRedis } from '../testing/connect.ts';
import { type Served, serve } from './http.fixture.ts';
import { routes } from './routes.ts';

const redis = await testRedis();
let served: Served;
let browser: Browser | undefined;

beforeAll(async () => {
  served = await serve(redis, { table: routes });
});
afterAll(async () => {
  await browser?.close();
  await served?.close();
}, 60_000);

const scriptOf = (body: string) => body.match(/<script type="module" src="([^"]+)">/)?.[1] ?? 'none';

test.each(['/docs/calls', '/docs/messages'])(
  '%s runs one file of our own, and styles of its own nonce',
  async (path) => {
    const [one, two] = [await served.call(path), await served.call(path)];
    expect(one.status).toBe(200);
    const policyOf = (answer: typeof one) => answer.headers.get('content-security-policy') ?? '';
    const [, nonce] = policyOf(one).match(/style-src 'nonce-([\w-]{20,})'/) ?? [];
    expect(one.body).toContain(`content="${nonce}"`);
    expect(policyOf(two)).not.toContain(nonce);
    expect(policyOf(one)).toContain("default-src 'none'; script-src 'self';");
    expect(policyOf(one)).not.toMatch(/unsafe|https?:/);
    expect(one.body).toContain('disable-telemetry="true"');
    expect(one.body.match(/<script/g)).toHaveLength(1);
  },
);

test('the script is kept for good under a name of its bytes, and is sent compressed', async () => {
  const path = scriptOf((await served.call('/docs/calls')).body);
  expect(path).toMatch(/^\/docs\/redoc-[\w-]{12}\.js$/);
  // Node's client may use a connection again that it asked to be closed.
  const headers = { 'accept-encoding': 'br', connection: 'keep-alive' };
  const script = await served.call(path, { headers });
  expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(script.headers.get('content-encoding')).toBe('br');
  expect(script.headers.get('cache-control')).toContain('immutable');
  expect(script.body).toContain('RedocStandalone');
  const sent = await served.call(path, { method: 'HEAD', headers });
  expect(Number(sent.headers.get('content-length'))).toBeLessThan(700_000);
  expect((await served.call('/docs/redoc-of-another-day.js')).status).toBe(404);
});

test('the index runs nothing, has an anchor for each error, and leads to each call', async () => {
  const { body, headers } = await served.call('/docs');
  expect(headers.get('content-security-policy')).not.toContain('script-src');
  expect(body).not.toContain('<script');
  for (const code of Object.keys(ERRORS)) expect(body).toContain(`id="${code}"`);
  expect(body).toContain('href="/docs/calls#tag/payments/postPayments"');
});

test.skipIf(!chromiumPath)('a browser draws both, and asks nobody else', { timeout: 150_000 }, async () => {
  browser = await launch();
  const page = await browser.newPage();
  const asked: string[] = [];
  page.on('requestfinished', (request) => asked.push(new URL(request.url()).host));
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(`${served.url}/docs/messages`);
  await page.getByText('The first message, within').first().waitFor({ state: 'attached', timeout: 60_000 });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${served.url}/docs`);
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByRole('link', { name: 'POST /api/v1/payments' }).click();
  await page.getByRole('heading', { name: 'Pay a hold' }).first().waitFor({ timeout: 60_000 });
  expect(page.url()).toMatch(/\/docs\/calls#/);
  expect(new Set(asked.filter((host) => host !== ''))).toEqual(new Set([new URL(served.url).host]));
  expect(faults).toEqual([]);
});
