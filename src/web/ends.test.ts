/** Every way in which a place can end, as its fan sees it in Chromium: told, accessible, and a way on. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testDatabase } from '../testing/connect.ts';
import { call, concertInput, type Fan, newFan, operatorCall, putConcert } from '../testing/fan.ts';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { startSystem, type System } from '../testing/system.ts';
import { chromiumPath, expectAccessible, launch, soon, visit } from './browser.fixture.ts';

const databaseUrl = await testDatabase();
let redis: RedisServer;
let system: System;
let browser: Browser;

beforeAll(async () => {
  if (!chromiumPath) return;
  redis = await startRedis();
  [system, browser] = await Promise.all([
    startSystem({ REDIS_URL: redis.url, DATABASE_URL: databaseUrl, LIMIT_LOGIN_BURST: '0' }),
    launch(),
  ]);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await system?.stop();
  await redis?.stop();
});

interface End {
  reason: string;
  room: Record<string, unknown>;
  told: string;
  noSockets?: boolean;
  /** what ends the place; nothing: time does */
  end?: (place: { fan: Fan; concertId: string; queueId: string; page: Page }) => Promise<unknown>;
}

const CALLED = 'Choose seats';

const ENDS: End[] = [
  // With a socket the browser's answer to a ping would claim it.
  { reason: 'UNCLAIMED', room: { claimSeconds: 2 }, told: 'You missed your turn', noSockets: true },
  {
    reason: 'SESSION_OVER',
    room: { sessionSeconds: 1 },
    told: 'Your time to buy is over',
    end: ({ page }) => page.getByRole('button', { name: CALLED }).click(),
  },
  {
    reason: 'SUPERSEDED',
    room: { reentry: 'supersede' },
    told: 'You went on with a newer place',
    async end({ fan, concertId, page }) {
      await page.getByRole('button', { name: CALLED }).click();
      await page.locator('[data-testid="map"]').waitFor();
      await call(system.url, '/api/v1/queue', { body: { concertId }, bearer: fan.accessToken });
    },
  },
  {
    reason: 'LEFT',
    room: { state: 'PAUSED' },
    told: 'You gave your place back',
    async end({ fan, queueId }) {
      const [{ token } = { token: '' }] = await placesOf(fan);
      await call(system.url, `/api/v1/queue/${queueId}`, { method: 'DELETE', queue: token });
    },
  },
  {
    reason: 'REMOVED',
    room: { state: 'PAUSED' },
    told: 'Your place was removed',
    end: ({ concertId, queueId }) =>
      operatorCall(system.url, `/concerts/${concertId}/queue/${queueId}`, { method: 'DELETE' }),
  },
  {
    reason: 'GONE',
    room: { state: 'PAUSED' },
    told: 'This place is gone',
    end: ({ concertId }) => operatorCall(system.url, `/concerts/${concertId}/room/reset`, { method: 'POST' }),
  },
];

async function placesOf(fan: Fan): Promise<{ queueId: string; token: string }[]> {
  const { body } = await call(system.url, `/api/v1/users/${fan.userId}/places`, { bearer: fan.accessToken });
  return body.places;
}

describe.skipIf(!chromiumPath)('a place that is over', { timeout: 60_000 }, () => {
  test.each(ENDS)('$reason: $told', async ({ reason, room, told, end, noSockets = false }) => {
    const concertId = reason.toLowerCase().replace('_', '-');
    await putConcert(system.url, concertId, concertInput({ room }));
    const fan = await newFan(system.url);
    const { page, complaints, close } = await visit(browser, system.url, { fan, noSockets });
    await page.goto(`${system.url}/#/concerts/${concertId}/room`);
    const stands = room.state === 'PAUSED' ? page.getByTestId('position') : page.getByRole('button', { name: CALLED });
    await stands.waitFor();
    const queueId = (await placesOf(fan))[0]?.queueId ?? '';
    await end?.({ fan, concertId, queueId, page });
    await soon(() => page.getByTestId('over').getByRole('heading').textContent()).toBe(told);
    expect(await page.getByTestId('over').textContent()).toContain('A night');
    await expectAccessible(page);
    // The way on: another place, at the end of the line, or the newer one.
    await page.locator('button.main', { hasText: reason === 'SUPERSEDED' ? 'To my place' : 'Queue again' }).click();
    await page
      .getByTestId('position')
      .or(page.getByRole('button', { name: CALLED }))
      .or(page.getByTestId('map'))
      .first()
      .waitFor();
    expect((await placesOf(fan)).at(-1)?.queueId).not.toBe(queueId);
    expect(complaints.filter((text) => !(noSockets && /WebSocket/.test(text)))).toEqual([]);
    await close();
  });

  test('a room that is closed says so, and that it may open; one that is not there says so, too', async () => {
    await putConcert(system.url, 'shut', concertInput({ room: { state: 'CLOSED' } }));
    const { page, close } = await visit(browser, system.url, { fan: await newFan(system.url) });
    for (const concertId of ['shut', 'nowhere']) {
      await page.goto(`${system.url}/#/concerts/${concertId}/room`);
      await page.getByRole('alert').waitFor();
      expect(await page.getByRole('link', { name: 'Concerts' }).count()).toBeGreaterThan(0);
      await expectAccessible(page);
    }
    await close();
  });
});
