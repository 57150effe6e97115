/** What the tests of the pages share: the whole product with a browser, and how they look at a page. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { chromiumPath, launch, visit, type Visitor } from '../testing/chromium.ts';
import { testDatabase } from '../testing/connect.ts';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { startSystem, type System } from '../testing/system.ts';

if (!chromiumPath) console.log('There is no Chromium here: the tests of the pages are skipped.');

export interface Stage {
  redis: RedisServer;
  /** a test that restarts it puts the new one here */
  system: System;
  browser: Browser;
  start(more?: Record<string, string>): Promise<System>;
  /** a browser of one's own, closed after the test */
  come(options?: Parameters<typeof visit>[2]): Promise<Visitor>;
}

/** To be called at the top of a test file; there is nothing on it without Chromium. Sign-ups are not limited. */
export async function openStage(settings: () => Promise<Record<string, string>> | Record<string, string> = () => ({})) {
  const databaseUrl = await testDatabase();
  const stage = {} as Stage;
  const visitors: Visitor[] = [];
  stage.come = async (options = {}) => {
    const visitor = await visit(stage.browser, stage.system.url, options);
    visitors.push(visitor);
    return visitor;
  };
  beforeAll(async () => {
    if (!chromiumPath) return;
    stage.redis = await startRedis();
    const own = { LIMIT_LOGIN_BURST: '0', ...(await settings()) };
    stage.start = (more = {}) =>
      startSystem({ REDIS_URL: stage.redis.url, DATABASE_URL: databaseUrl, ...own, ...more });
    [stage.system, stage.browser] = await Promise.all([stage.start(), launch()]);
  }, 60_000);
  afterEach(async () => {
    await Promise.all(visitors.splice(0).map((visitor) => visitor.close()));
  });
  afterAll(async () => {
    await stage.browser?.close();
    await stage.system?.stop();
    await stage.redis?.stop();
  });
  return stage;
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
