/** Every way in which a place can end, as its fan sees it in Chromium: told, accessible, and a way on. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { chromiumPath } from '../testing/chromium.ts';
import { call, concertInput, type Fan, newFan, operatorCall, putConcert } from '../testing/fan.ts';
import { until } from '../testing/until.ts';
import { expectAccessible, openStage, soon } from './browser.fixture.ts';

const stage = await openStage();

interface End {
  reason: string;
  room: Record<string, unknown>;
  told: string;
  noSockets?: boolean;
  /** what ends the place */
  end: (place: { fan: Fan; concertId: string; queueId: string; page: Page }) => Promise<unknown>;
}

const CALLED = 'Choose seats';

const ENDS: End[] = [
  {
    reason: 'UNCLAIMED',
    room: { state: 'PAUSED', claimSeconds: 1 },
    told: 'You missed your turn',
    // With a socket the browser's answer to a ping would claim it.
    noSockets: true,
    end: ({ concertId }) => setState(concertId, 'OPEN'),
  },
  {
    reason: 'SESSION_OVER',
    room: { state: 'PAUSED', sessionSeconds: 1 },
    told: 'Your time to buy is over',
    async end({ fan, concertId, page }) {
      const [{ token } = { token: '' }] = await placesOf(fan);
      await setState(concertId, 'OPEN');
      const claim = () => call(stage.system.url, `/api/v1/concerts/${concertId}/schedules`, { queue: token });
      const isOver = async () => (await claim()).status !== 200 && (await page.getByTestId('over').count()) > 0;
      await until(isOver, { everyMs: 200, what: 'the end of the session' });
    },
  },
  {
    reason: 'SUPERSEDED',
    room: { reentry: 'supersede' },
    told: 'You went on with a newer place',
    async end({ fan, concertId, page }) {
      await page.getByRole('button', { name: CALLED }).click();
      await page.locator('[data-testid="map"]').waitFor();
      await call(stage.system.url, '/api/v1/queue', { body: { concertId }, bearer: fan.accessToken });
    },
  },
  {
    reason: 'LEFT',
    room: { state: 'PAUSED' },
    told: 'You gave your place back',
    async end({ fan, queueId }) {
      const [{ token } = { token: '' }] = await placesOf(fan);
      await call(stage.system.url, `/api/v1/queue/${queueId}`, { method: 'DELETE', queue: token });
    },
  },
  {
    reason: 'REMOVED',
    room: { state: 'PAUSED' },
    told: 'Your place was removed',
    end: ({ concertId, queueId }) =>
      operatorCall(stage.system.url, `/concerts/${concertId}/queue/${queueId}`, { method: 'DELETE' }),
  },
  {
    reason: 'GONE',
    room: { state: 'PAUSED' },
    told: 'This place is gone',
    end: ({ concertId }) => operatorCall(stage.system.url, `/concerts/${concertId}/room/reset`, { method: 'POST' }),
  },
];

function setState(concertId: string, state: 'OPEN' | 'PAUSED') {
  return operatorCall(stage.system.url, `/concerts/${concertId}/room`, { method: 'PATCH', body: { state } });
}

async function placesOf(fan: Fan): Promise<{ queueId: string; token: string }[]> {
  const { body } = await call(stage.system.url, `/api/v1/users/${fan.userId}/places`, { bearer: fan.accessToken });
  return body.places;
}

describe.skipIf(!chromiumPath)('a place that is over', { timeout: 60_000 }, () => {
  test.each(ENDS)('$reason: $told', async ({ reason, room, told, end, noSockets = false }) => {
    const concertId = reason.toLowerCase().replace('_', '-');
    await putConcert(stage.system.url, concertId, concertInput({ room }));
    const fan = await newFan(stage.system.url);
    const { page, complaints } = await stage.come({ fan, noSockets });
    await page.goto(`${stage.system.url}/#/concerts/${concertId}/room`);
    const stands = room.state === 'PAUSED' ? page.getByTestId('position') : page.getByRole('button', { name: CALLED });
    await stands.waitFor();
    const queueId = (await placesOf(fan))[0]?.queueId ?? '';
    await end({ fan, concertId, queueId, page });
    await soon(() => page.getByTestId('over').getByRole('heading').textContent()).toBe(told);
    expect(await page.getByTestId('over').textContent()).toContain('A night');
    await expectAccessible(page);
    // The way on: another place, at the end of the line, where it stays, or the newer one.
    await setState(concertId, 'PAUSED');
    await page.locator('button.main', { hasText: reason === 'SUPERSEDED' ? 'To my place' : 'Queue again' }).click();
    await page
      .getByTestId('position')
      .or(page.getByRole('button', { name: CALLED }))
      .or(page.getByTestId('map'))
      .first()
      .waitFor();
    expect((await placesOf(fan)).at(-1)?.queueId).not.toBe(queueId);
    expect(complaints.filter((text) => !(noSockets && /WebSocket/.test(text)))).toEqual([]);
  });

  test('a room that is closed says so, and that it may open; one that is not there says so, too', async () => {
    await putConcert(stage.system.url, 'shut', concertInput({ room: { state: 'CLOSED' } }));
    const { page } = await stage.come({ fan: await newFan(stage.system.url) });
    for (const concertId of ['shut', 'nowhere']) {
      await page.goto(`${stage.system.url}/#/concerts/${concertId}/room`);
      await page.getByRole('alert').waitFor();
      expect(await page.getByRole('link', { name: 'Concerts' }).count()).toBeGreaterThan(0);
      await expectAccessible(page);
    }
  });
});
