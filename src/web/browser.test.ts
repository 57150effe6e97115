/** The fan's pages as fans meet them: in Chromium, against the whole product. */
import { Redis } from 'ioredis';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { createTokens } from '../auth/tokens.ts';
import { freePort } from '../local/free-port.ts';
import { chromiumPath } from '../testing/chromium.ts';
import { call, concertInput, enter, newFan, operatorCall, putConcert } from '../testing/fan.ts';
import { JWT_SECRET } from '../testing/system.ts';
import { openWallet } from '../wallet/open.ts';
import { expectAccessible, openStage, plain, soon } from './browser.fixture.ts';

// Not a port that any connection may take while the server is away.
const stage = await openStage(async () => ({ LIMIT_USER_BURST: '0', PORT: String(await freePort()) }));
const { come } = stage;

const at = (path: string) => `${stage.system.url}/#${path}`;
const byId = (page: Page, id: string) => page.locator(`[data-testid="${id}"]`);

/** Called, and inside. */
async function goIn(page: Page, concertId: string): Promise<void> {
  await page.goto(at(`/concerts/${concertId}/room`));
  await page.getByRole('button', { name: 'Choose seats' }).click();
}

/** Chooses from the list, which is the map for the keyboard. */
async function choose(page: Page, ...numbers: number[]): Promise<void> {
  const section = page.locator('.seat-list details').first();
  if (!(await section.getAttribute('open').then((open) => open !== null))) await section.locator('summary').click();
  for (const number of numbers) await section.getByRole('button', { name: `seat ${number},` }).click();
}

async function pay(page: Page): Promise<void> {
  await byId(page, 'hold-left').waitFor();
  const topUp = page.getByRole('button', { name: 'Top up' });
  await topUp.click();
  const payButton = page.getByRole('button', { name: /^Pay / });
  await payButton.dblclick();
  await byId(page, 'paid').waitFor();
}

describe.skipIf(!chromiumPath)('in a browser', { timeout: 60_000 }, () => {
  test('listing to paid: sign-up, waiting room, map, top-up in place, ticket with its code', async () => {
    await putConcert(stage.system.url, 'first', concertInput({ seats: 40 }));
    const { page, complaints } = await come();
    await page.goto(stage.system.url);
    await page.getByRole('link', { name: 'A night' }).first().click();
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Enter the waiting room' }).click();
    await page.getByRole('button', { name: 'I am new here' }).click();
    await page.getByLabel('Email').fill(`fan-${Date.now()}@example.com`);
    await page.getByLabel('Password').fill('correct horse');
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByRole('button', { name: 'Choose seats' }).click();
    await byId(page, 'map').waitFor();
    await choose(page, 3, 4);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Hold these seats' }).click();
    await byId(page, 'hold-left').waitFor();
    await expectAccessible(page);
    await pay(page);
    await page.goto(at('/tickets'));
    await byId(page, 'ticket').waitFor();
    expect(await plain(byId(page, 'ticket'))).toContain('Section A, row 1, seats 3–4');
    await page.getByRole('cell', { name: 'Purchase' }).waitFor();
    await expectAccessible(page);
    // Pressed twice, paid once.
    expect(await page.getByRole('cell', { name: 'Purchase' }).count()).toBe(1);
    expect((await operatorCall(stage.system.url, '/concerts/first/stats')).body).toMatchObject({
      sold: 2,
      revenue: 2000,
    });
    expect(complaints).toEqual([]);
  });

  test('two fans want the same two seats: one has them, the other is told which, and offered the nearest', async () => {
    await putConcert(stage.system.url, 'race', concertInput({ seats: 20 }));
    const fans = await Promise.all([newFan(stage.system.url), newFan(stage.system.url)]);
    const pages = await Promise.all(fans.map(async (fan) => (await come({ fan })).page));
    await Promise.all(pages.map((page) => goIn(page, 'race')));
    for (const page of pages) await choose(page, 7, 8);
    // Without Playwright's waits: whoever is told before the click cannot press any more, and that is an answer, too.
    const press = (page: Page) =>
      page.getByRole('button', { name: 'Hold these seats' }).evaluate((button: HTMLElement) => button.click());
    await Promise.all(pages.map(press));
    const outcomes = pages.map((page) =>
      Promise.race([
        byId(page, 'hold-left')
          .waitFor()
          .then(() => 'held'),
        page
          .getByText('Somebody was faster')
          .waitFor()
          .then(() => 'lost'),
      ]),
    );
    const found = await Promise.all(outcomes);
    expect(found.toSorted()).toEqual(['held', 'lost']);
    const loser = pages[found.indexOf('lost')] as Page;
    await soon(() => plain(loser.getByRole('alert'))).toContain('Section A, row 1, seats 7–8');
    expect(await plain(loser.getByRole('alert'))).toContain('Nearest seats together: Section A, row 1, seats');
    await expectAccessible(loser);
    await loser.getByRole('button', { name: 'Choose these' }).click();
    await loser.getByRole('button', { name: 'Hold these seats' }).click();
    await byId(loser, 'hold-left').waitFor();
  });

  test('a hold runs out while the fan looks at it: what happened, what it means, and on', async () => {
    await putConcert(stage.system.url, 'short', concertInput({ seats: 5, holdSeconds: 12 }));
    const { page, complaints } = await come({ fan: await newFan(stage.system.url) });
    await goIn(page, 'short');
    await choose(page, 1);
    await page.getByRole('button', { name: 'Hold these seats' }).click();
    await byId(page, 'hold-left').waitFor();
    await byId(page, 'expired').waitFor({ timeout: 30_000 });
    expect(await byId(page, 'expired').textContent()).toContain('Nothing was charged');
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Choose other seats' }).click();
    await byId(page, 'map').waitFor();
    expect(complaints).toEqual([]);
  });

  test.each([
    ['by push', false, 'Live'],
    ['with sockets blocked, by polling', true, 'Asking every'],
  ])('waiting behind 300 others to the turn, %s', async (_, noSockets, told) => {
    const concertId = noSockets ? 'polled' : 'pushed';
    await putConcert(
      stage.system.url,
      concertId,
      concertInput({ seats: 20, room: { state: 'PAUSED', admitPerSecond: 100 } }),
    );
    await crowd(300, concertId);
    const { page, complaints } = await come({ fan: await newFan(stage.system.url), noSockets });
    await page.goto(at(`/concerts/${concertId}/room`));
    await soon(() => byId(page, 'position').textContent()).toBe('301');
    await soon(() => byId(page, 'connection').textContent()).toContain(told);
    await soon(() => page.getByText('The sale is paused').count()).toBe(1);
    await expectAccessible(page);
    await operatorCall(stage.system.url, `/concerts/${concertId}/room`, { method: 'PATCH', body: { state: 'OPEN' } });
    await page.getByRole('button', { name: 'Choose seats' }).click({ timeout: 30_000 });
    await byId(page, 'map').waitFor();
    // A blocked socket is a complaint of the browser's, and the only one.
    expect(complaints.filter((text) => !(noSockets && /WebSocket/.test(text)))).toEqual([]);
  });

  test('Korean; a phone; a second page shows the same place; giving it back', async () => {
    await putConcert(stage.system.url, 'korean', concertInput({ room: { state: 'PAUSED' } }));
    const fan = await newFan(stage.system.url);
    const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, locale: 'ko-KR' };
    const { page, complaints } = await come({ fan, ...phone });
    await page.goto(at('/concerts/korean/room'));
    await page.getByText('나의 대기 순서').first().waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
    await expectAccessible(page);
    const { page: second } = await come({ fan });
    await second.goto(at('/concerts/korean/room'));
    await soon(() => byId(second, 'position').textContent()).toBe('1');
    second.on('dialog', (dialog) => void dialog.accept());
    await second.getByRole('button', { name: 'Give my place back' }).click();
    await byId(second, 'over').waitFor();
    await byId(page, 'over').waitFor();
    await page.getByText('순서를 포기했습니다').waitFor();
    expect(complaints).toEqual([]);
  });

  test('keyboard only, from the listing to paid', async () => {
    await putConcert(stage.system.url, 'keys', { ...concertInput({ seats: 12 }), title: 'Keyboard night' });
    const { page } = await come({ fan: await newFan(stage.system.url) });
    await page.goto(stage.system.url);
    await page.getByRole('link', { name: 'Keyboard night' }).waitFor();
    const press = async (name: string | RegExp) => {
      for (let i = 0; i < 80; i++) {
        await page.keyboard.press('Tab');
        const here = await page.evaluate(() => {
          const { activeElement } = document;
          return activeElement?.getAttribute('aria-label') ?? activeElement?.textContent?.trim() ?? '';
        });
        if (typeof name === 'string' ? here.startsWith(name) : name.test(here)) return page.keyboard.press('Enter');
      }
      throw new Error(`no Tab leads to ${String(name)}`);
    };
    await press('Keyboard night');
    await page.getByRole('link', { name: 'Enter the waiting room' }).waitFor();
    await press('Enter the waiting room');
    await page.getByRole('button', { name: 'Choose seats' }).waitFor();
    await press('Choose seats');
    await byId(page, 'map').waitFor();
    await press('Section A');
    await press(/seat 5,/);
    await press('Hold these seats');
    await byId(page, 'hold-left').waitFor();
    await page.getByRole('button', { name: 'Top up' }).waitFor();
    await press('Top up');
    await soon(() => page.getByRole('button', { name: /^Pay / }).isEnabled()).toBe(true);
    await press(/^Pay /);
    await byId(page, 'paid').waitFor();
    expect((await operatorCall(stage.system.url, '/concerts/keys/stats')).body).toMatchObject({ sold: 1, held: 0 });
  });

  test('the full hall: a change shows without a reload, and panning is drawn at the pace of the screen', async () => {
    const rows = Array.from({ length: 30 }, (_, row) => ({ row: String(row + 1), seats: 25 }));
    const sections = Array.from({ length: 20 }, (_, n) => ({
      section: `S${n + 1}`,
      price: 1000 + (n % 3) * 500,
      rows,
    }));
    const input = concertInput({});
    const [schedule] = input.schedules;
    await putConcert(stage.system.url, 'full', { ...input, schedules: [{ ...schedule, sections }] });
    const { page, complaints } = await come({ fan: await newFan(stage.system.url) });
    await goIn(page, 'full');
    const canvas = byId(page, 'map');
    await canvas.waitFor();
    await soon(() => page.locator('.seat-list summary').first().textContent()).toContain('750 seats left');
    const other = await enter(stage.system.url, await newFan(stage.system.url), 'full');
    await call(stage.system.url, '/api/v1/reservations', {
      body: { scheduleId: 'd1', seatIds: ['S1-1-1', 'S1-1-2'] },
      queue: other.token,
    });
    await soon(() => page.locator('.seat-list summary').first().textContent()).toContain('748 seats left');
    // Of the machine's own pace: how many frames an idle page gets here. One of five may be without others at work.
    let frames = await pan(page);
    for (let left = 4; left > 0 && frames.panning / frames.idle <= 0.5; left--) frames = await pan(page);
    expect(frames.panning / frames.idle).toBeGreaterThan(0.5);
    console.log(
      `15,000 seats: ${frames.panning.toFixed(0)} frames a second while panning, ${frames.idle.toFixed(0)} idle`,
    );
    expect(complaints).toEqual([]);
  });

  test('the waiting room weighs at most 40 kB of script', async () => {
    const { page } = await come();
    const loaded: { type: string; bytes: number }[] = [];
    page.on('response', (response) => {
      const length = Number(response.headers()['content-length'] ?? 0);
      loaded.push({ type: response.request().resourceType(), bytes: length });
    });
    await page.goto(stage.system.url, { waitUntil: 'networkidle' });
    const scripts = loaded.filter(({ type }) => type === 'script').reduce((sum, { bytes }) => sum + bytes, 0);
    expect(scripts).toBeGreaterThan(1_000);
    expect(scripts).toBeLessThan(40_000);
  });

  test('a restart of the server while waiting keeps the place', async () => {
    await putConcert(stage.system.url, 'restart', concertInput({ room: { state: 'PAUSED' } }));
    await crowd(3, 'restart');
    const { page } = await come({ fan: await newFan(stage.system.url) });
    await page.goto(at('/concerts/restart/room'));
    await soon(() => byId(page, 'connection').textContent()).toBe('Live');
    const { port } = stage.system;
    await stage.system.stop();
    await soon(() => byId(page, 'connection').textContent()).not.toBe('Live');
    stage.system = await stage.start({ PORT: String(port) });
    await soon(() => byId(page, 'connection').textContent()).toBe('Live');
    expect(await byId(page, 'position').textContent()).toBe('4');
  });
});

/** Others who wait: users by the real script, tokens as a login would sign them, places by the real call. */
async function crowd(count: number, concertId: string): Promise<void> {
  const tokens = createTokens({ jwtSecrets: [JWT_SECRET] });
  const client = new Redis(stage.redis.url);
  try {
    const join = async (i: number) => {
      const userId = `u_${concertId}_${i}`;
      await openWallet({ redis: client }, userId);
      const { status } = await call(stage.system.url, '/api/v1/queue', {
        body: { concertId },
        bearer: tokens.signAccess(userId),
      });
      expect(status).toBe(201);
    };
    for (let i = 0; i < count; i += 50)
      await Promise.all(Array.from({ length: Math.min(50, count - i) }, (_, n) => join(i + n)));
  } finally {
    client.disconnect();
  }
}

async function pan(page: Page): Promise<{ idle: number; panning: number }> {
  const count = () =>
    page.evaluate(
      () =>
        new Promise<number>((done) => {
          let frames = 0;
          const from = performance.now();
          const tick = () => {
            frames++;
            if (performance.now() - from < 1_000) requestAnimationFrame(tick);
            else done((frames * 1_000) / (performance.now() - from));
          };
          requestAnimationFrame(tick);
        }),
    );
  const box = await byId(page, 'map').boundingBox();
  if (!box) throw new Error('no map');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const idle = await count();
  await page.mouse.move(x, y);
  await page.mouse.wheel(0, -300);
  await page.mouse.down();
  const counted = count();
  for (let i = 0; i < 40; i++) await page.mouse.move(x + Math.sin(i / 3) * 120, y + Math.cos(i / 3) * 60);
  const panning = await counted;
  await page.mouse.up();
  await page.mouse.wheel(0, 300);
  return { idle, panning };
}
