/** The operator's console in Chromium, against the whole product. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testDatabase } from '../testing/connect.ts';
import { call, concertInput, enter, newFan, operatorCall, putConcert } from '../testing/fan.ts';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { OPERATOR_KEY, startSystem, type System } from '../testing/system.ts';
import { chromiumPath, expectAccessible, launch, soon, visit, type Visitor } from './browser.fixture.ts';

const databaseUrl = await testDatabase();
let redis: RedisServer;
let system: System;
let browser: Browser;
let visitor: Visitor;
let page: Page;

const last = (chart: string) => page.locator(`[data-testid="last ${chart}"]`).textContent();

async function enterAndHold(concertId: string, seatId: string) {
  const { token } = await enter(system.url, await newFan(system.url), concertId);
  return call(system.url, '/api/v1/reservations', { body: { scheduleId: 'd1', seatIds: [seatId] }, queue: token });
}

beforeAll(async () => {
  if (!chromiumPath) return;
  redis = await startRedis();
  [system, browser] = await Promise.all([
    startSystem({ REDIS_URL: redis.url, DATABASE_URL: databaseUrl, LIMIT_LOGIN_BURST: '0' }),
    launch(),
  ]);
  await putConcert(system.url, 'night', concertInput({ seats: 30, room: { state: 'PAUSED', admitPerSecond: 1 } }));
  visitor = await visit(browser, system.url);
  ({ page } = visitor);
}, 60_000);
afterAll(async () => {
  await visitor?.close();
  await browser?.close();
  await system?.stop();
  await redis?.stop();
});

describe.skipIf(!chromiumPath)('the console', { timeout: 60_000 }, () => {
  test('a wrong key is told, the right one lets in, for this tab', async () => {
    await page.goto(`${system.url}/console`);
    await expectAccessible(page);
    await page.getByLabel('Operator key').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Operator key').fill(OPERATOR_KEY);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'People' }).waitFor();
    // Refused calls are written to the console by the browser itself.
    visitor.complaints.length = 0;
    await soon(() => last('People')).toBe('0 · 0');
    expect(await page.evaluate(() => localStorage.length)).toBe(0);
    await expectAccessible(page);
  });

  test('opens the room after saying what that does, changes the rate, and the chart answers', async () => {
    for (let i = 0; i < 6; i++) {
      const { accessToken } = await newFan(system.url);
      await call(system.url, '/api/v1/queue', { body: { concertId: 'night' }, bearer: accessToken });
    }
    await soon(() => last('People')).toBe('6 · 0');
    expect(await page.getByLabel('Admitted a second').inputValue()).toBe('1');
    await page.getByRole('button', { name: 'Change…' }).click();
    await page.getByText('the room is set like this already').waitFor();
    await page.getByLabel('Admitted a second').fill('500');
    await page.getByRole('button', { name: 'Change…' }).click();
    await page.getByRole('dialog').getByText('admitPerSecond = 500').waitFor();
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await page.getByText('Set: admitPerSecond = 500').waitFor();
    await soon(() => page.getByLabel('Admitted a second').inputValue()).toBe('500');
    await page.getByRole('button', { name: 'OPEN' }).click();
    await page.getByText('People are let in at once').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Set OPEN' }).click();
    await soon(() => last('People')).toBe('0 · 6');
    await page.getByText('The room is OPEN.').waitFor();
    expect((await call(system.url, '/api/v1/concerts/night/room')).body).toMatchObject({ state: 'OPEN', active: 6 });
  });

  test('imports with the difference first; a conflict changes nothing', async () => {
    const input = { ...concertInput({ seats: 40 }), room: undefined };
    const file = (name: string, text: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
    await page.getByLabel('Concert id').fill('night');
    await page.getByLabel('File').setInputFiles(file('night.json', JSON.stringify(input)));
    await page.getByRole('button', { name: 'Show what would change' }).click();
    await soon(() => page.getByTestId('difference').textContent()).toContain('10 seats added, 0 removed');
    expect((await call(system.url, '/api/v1/concerts/night')).body.schedules[0].totalSeats).toBe(30);
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('A night is changed.').waitFor();
    expect((await call(system.url, '/api/v1/concerts/night')).body.schedules[0].totalSeats).toBe(40);

    // A seat that somebody holds cannot go.
    const held = await enterAndHold('night', 'A-1-40');
    expect(held.status).toBe(201);
    const smaller = { ...concertInput({ seats: 30 }), room: undefined };
    await page.getByLabel('File').setInputFiles(file('night.json', JSON.stringify(smaller)));
    await page.getByRole('button', { name: 'Show what would change' }).click();
    await page.getByText('Nothing was changed.').waitFor();
    await page.getByText('A-1-40').waitFor();
    await expectAccessible(page);
    expect(await page.getByRole('button', { name: 'Apply' }).count()).toBe(0);
    expect((await call(system.url, '/api/v1/concerts/night')).body.schedules[0].totalSeats).toBe(40);
    visitor.complaints.length = 0; // the browser's own line about a 409

    await page.getByLabel('Concert id').fill('csv');
    await page.getByLabel('Title').fill('From a table');
    await page.getByLabel('Venue').fill('A hall');
    const rows = [
      'scheduleId,startsAt,section,price,row,seats',
      'd1,2027-12-20T19:00:00Z,A,1000,1,5',
      'd1,2027-12-20T19:00:00Z,A,1000,2,6',
    ];
    await page.getByLabel('File').setInputFiles(file('night.csv', rows.join('\n')));
    await page.getByRole('button', { name: 'Show what would change' }).click();
    await soon(() => page.getByTestId('difference').textContent()).toContain('11 seats added');
    await page.getByRole('button', { name: 'Apply' }).click();
    await soon(async () => (await call(system.url, '/api/v1/concerts/csv')).status).toBe(200);
  });

  test('a place is looked up and removed; the audit tells its verdict', async () => {
    await page.getByLabel('Concert', { exact: true }).selectOption('night');
    const { accessToken } = await newFan(system.url);
    const joined = await call(system.url, '/api/v1/queue', { body: { concertId: 'night' }, bearer: accessToken });
    await page.getByLabel('Queue id').fill(joined.body.queueId);
    await page.getByRole('button', { name: 'Look up' }).click();
    await page.getByRole('button', { name: 'Remove…' }).click();
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByText('is removed.').waitFor();
    expect((await operatorCall(system.url, `/concerts/night/queue/${joined.body.queueId}`)).body.reason).toBe(
      'REMOVED',
    );
    await page.getByRole('button', { name: 'Run the audit' }).click();
    await soon(() => page.getByTestId('verdict').textContent()).toContain('The books balance');
    await expectAccessible(page);
    expect(visitor.complaints).toEqual([]);
  });
});
