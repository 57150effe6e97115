/** The pages in a real browser: the system's Chromium, against the real server. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Fan } from '../testing/fan.ts';

/** null where there is none: then the tests say so and are skipped. */
export const chromiumPath =
  spawnSync('sh', ['-c', 'command -v chromium || command -v chromium-browser || command -v google-chrome'], {
    encoding: 'utf8',
  }).stdout.trim() || null;
if (!chromiumPath) console.log('There is no Chromium here: the tests of the pages are skipped.');

/** No talk to anybody but the server under test. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath ?? '', args: FLAGS });
}

export interface Visitor {
  page: Page;
  /** Everything the browser complained of so far. */
  complaints: string[];
  close(): Promise<void>;
}

interface VisitOptions extends BrowserContextOptions {
  /** signed in as */
  fan?: Fan;
  /** no WebSocket gets through, as behind some proxies */
  noSockets?: boolean;
}

/** A browser of one's own. `url`: of the server. */
export async function visit(
  browser: Browser,
  url: string,
  { fan, noSockets = false, ...options }: VisitOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1200, height: 850 }, ...options });
  const session = fan && { accessToken: fan.accessToken, userId: fan.userId, email: fan.email };
  if (session)
    await context.addInitScript(
      (text) => localStorage.setItem('onsale.session', text),
      JSON.stringify({ ...session, endsAt: Date.now() + 3_600_000 }),
    );
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  if (noSockets) await page.routeWebSocket('**/ws', (socket) => void socket.close());
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) complaints.push(request.url());
  });
  return { page, complaints, close: () => context.close() };
}

/** A browser on a busy machine takes its time. */
export const soon = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 25_000, interval: 100 });

/** What is read, without what only keeps lines together. */
export async function plain(of: Locator): Promise<string> {
  return ((await of.textContent()) ?? '').replaceAll('\u00a0', ' ').replaceAll('\u2060', '');
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** What axe-core finds on the page as it is: nothing. */
export async function expectAccessible(page: Page): Promise<void> {
  // Through the debugger's door: the page's own policy lets no foreign script in.
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    return (await axe.run()).violations;
  });
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' | ')}`);
  expect(told).toEqual([]);
}
