/** A real browser: the system's Chromium, which talks to nobody but the server it visits. */
import { spawnSync } from 'node:child_process';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { Fan } from './fan.ts';

/** null where there is none: then the tests say so and are skipped. */
export const chromiumPath =
  spawnSync('sh', ['-c', 'command -v chromium || command -v chromium-browser || command -v google-chrome'], {
    encoding: 'utf8',
  }).stdout.trim() || null;

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
