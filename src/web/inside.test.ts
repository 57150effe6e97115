/** Inside the sale in Chromium: what a reload, another tab, another fan and a lost line do to seats and holds. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { chromiumPath, type Visitor } from '../testing/chromium.ts';
import { call, concertInput, enter, type Fan, newFan, operatorCall, putConcert } from '../testing/fan.ts';
import { until } from '../testing/until.ts';
import { expectAccessible, openStage, plain, soon } from './browser.fixture.ts';

const stage = await openStage(() => ({ LIMIT_USER_BURST: '0' }));

async function come(options: Parameters<typeof stage.come>[0] = {}): Promise<Visitor> {
  const visitor = await stage.come(options);
  visitor.page.on('dialog', (dialog) => void dialog.accept());
  return visitor;
}

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const at = (path: string) => `${stage.system.url}/#${path}`;
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });

async function goIn(page: Page, concertId: string): Promise<void> {
  await page.goto(at(`/concerts/${concertId}/room`));
  await button(page, 'Choose seats').click();
  await page.getByTestId('map').waitFor();
}

/** From the list, which is the map for the keyboard. */
async function choose(page: Page, ...numbers: number[]): Promise<void> {
  const section = page.locator('.seat-list details').first();
  if ((await section.getAttribute('open')) === null) await section.locator('summary').click();
  for (const number of numbers) await section.getByRole('button', { name: `seat ${number},` }).click();
}

async function holdSeats(page: Page, ...numbers: number[]): Promise<void> {
  await choose(page, ...numbers);
  await button(page, 'Hold these seats').click();
  await page.getByTestId('hold-left').waitFor();
}

async function placesOf(fan: Fan): Promise<{ queueId: string; token: string; status: string }[]> {
  const { body } = await call(stage.system.url, `/api/v1/users/${fan.userId}/places`, { bearer: fan.accessToken });
  return body.places;
}

const holdBy = (token: string, seatIds: string[]) =>
  call(stage.system.url, '/api/v1/reservations', { body: { scheduleId: 'd1', seatIds }, queue: token });

describe.skipIf(!chromiumPath)('inside the sale', { timeout: 60_000 }, () => {
  test('a reload, another device and “Go and pay” lead to the checkout of the hold', async () => {
    await putConcert(stage.system.url, 'comes-back', concertInput());
    const fan = await newFan(stage.system.url);
    const { page, complaints } = await come({ fan });
    await goIn(page, 'comes-back');
    await holdSeats(page, 3, 4);
    await page.reload();
    await page.getByTestId('hold-left').waitFor();
    const { page: device } = await come({ fan });
    await device.goto(at('/concerts/comes-back/room'));
    await device.getByTestId('hold-left').waitFor();
    await page.goto(at('/tickets'));
    await page.getByRole('link', { name: 'Go and pay' }).click();
    await page.getByTestId('hold-left').waitFor();
    expect(page.url()).toMatch(/pay=/);
    expect(complaints).toEqual([]);
  });

  test('with two holds, “Go and pay” leads to its own, and then the receipt to the other', async () => {
    await putConcert(stage.system.url, 'two-holds', concertInput());
    const fan = await newFan(stage.system.url);
    const { token } = await enter(stage.system.url, fan, 'two-holds');
    const first = await holdBy(token, ['A-1-1']);
    const second = await holdBy(token, ['A-1-9']);
    const { page } = await come({ fan });
    for (const { body } of [first, second]) {
      await page.goto(at('/tickets'));
      await page.locator(`a[href*="${body.reservationId}"]`).click();
      await soon(() => plain(page.locator('main'))).toContain(`seat ${body.seats[0].number}`);
    }
    await button(page, 'Top up').click();
    await button(page, /^Pay /).click();
    await page.getByTestId('paid').waitFor();
    await button(page, 'Pay the other held seats').click();
    await page.getByTestId('hold-left').waitFor();
    expect(await plain(page.locator('main'))).toContain('seat 1');
  });

  test('in a supersede room a reload and a second tab join no second time', async () => {
    await putConcert(stage.system.url, 'once', concertInput({ room: { reentry: 'supersede' } }));
    const fan = await newFan(stage.system.url);
    const { page } = await come({ fan });
    await goIn(page, 'once');
    const [place] = await placesOf(fan);
    await page.reload();
    // Called before: there is no second call.
    await page.getByTestId('map').waitFor();
    const { page: second } = await come({ fan });
    await second.goto(at('/concerts/once/room'));
    await second.getByTestId('map').waitFor();
    expect(await placesOf(fan)).toMatchObject([{ queueId: place?.queueId, status: 'ACTIVE' }]);
  });

  test('a turn that was missed while the page was closed is told once, before another place is taken', async () => {
    await putConcert(stage.system.url, 'missed', concertInput({ room: { claimSeconds: 1, state: 'PAUSED' } }));
    const fan = await newFan(stage.system.url);
    const { page } = await come({ fan });
    await page.goto(at('/concerts/missed/room'));
    await page.getByTestId('position').waitFor();
    await page.goto('about:blank');
    await operatorCall(stage.system.url, '/concerts/missed/room', { method: 'PATCH', body: { state: 'OPEN' } });
    await until(async () => (await placesOf(fan)).length === 0, { timeoutMs: 20_000, what: 'the end of the turn' });
    await operatorCall(stage.system.url, '/concerts/missed/room', { method: 'PATCH', body: { state: 'PAUSED' } });
    await page.goto(at('/concerts/missed/room'));
    await page.getByText('You missed your turn').waitFor();
    expect(await placesOf(fan)).toEqual([]);
    await page.reload();
    await page.getByTestId('position').waitFor();
    // A queue token is a credential: it goes with the sign-in.
    const kept = () => page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('onsale.')));
    expect(await kept()).toContain('onsale.place.missed');
    await button(page, 'Sign out').click();
    expect(await kept()).toEqual([]);
  });

  test('a chosen seat that somebody else takes is told, with the nearest ones, before anything is held', async () => {
    await putConcert(stage.system.url, 'taken', concertInput({ seats: 12 }));
    const { page, complaints } = await come({ fan: await newFan(stage.system.url) });
    await goIn(page, 'taken');
    await choose(page, 5, 6);
    const { token } = await enter(stage.system.url, await newFan(stage.system.url), 'taken');
    await holdBy(token, ['A-1-6']);
    await page.getByText('Somebody was faster').waitFor();
    const note = await plain(page.getByRole('alert'));
    expect(note).toContain('Section A, row 1, seat 6.');
    expect(note).toContain('Nearest seats together: Section A, row 1, seats 4–5');
    await expectAccessible(page);
    await button(page, 'Choose these').click();
    await button(page, 'Hold these seats').click();
    await page.getByTestId('hold-left').waitFor();
    expect(complaints).toEqual([]);
  });

  test('on a phone the basket is a bar in view; one seat too many is answered; seats can be taken out', async () => {
    await putConcert(stage.system.url, 'phone', concertInput({ seatLimit: 2 }));
    const { page } = await come({ fan: await newFan(stage.system.url), ...PHONE });
    await goIn(page, 'phone');
    await page.evaluate(() => scrollTo(0, 0));
    const bar = page.getByRole('complementary');
    const box = await bar.boundingBox();
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(845);
    expect(box?.height).toBeLessThan(160);
    await choose(page, 1, 2);
    const fold = bar.getByRole('button', { expanded: false });
    expect(await plain(fold)).toMatch(/₩2,0002 seats · .* left/);
    await choose(page, 3);
    expect(await bar.getByText('At most 2 seats a person').isVisible()).toBe(true);
    expect(await bar.getByText('Total').isVisible()).toBe(false);
    await fold.click();
    expect(await plain(bar.getByTestId('where'))).toMatch(/2027.*A hall/);
    await expectAccessible(page);
    await bar.getByRole('button', { name: /^Take out: .*seat\s1$/ }).click();
    await soon(() => plain(bar.getByRole('button', { expanded: true }))).toContain('1 seat ·');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
  });

  test('the receipt stays though the place is over: seats, evening, money', async () => {
    await putConcert(stage.system.url, 'receipt', concertInput());
    const fan = await newFan(stage.system.url);
    await call(stage.system.url, `/api/v1/users/${fan.userId}/balance`, {
      body: { amount: 5000 },
      bearer: fan.accessToken,
    });
    const { page, complaints } = await come({ fan });
    await goIn(page, 'receipt');
    await holdSeats(page, 1, 2, 7);
    await button(page, /^Pay /).click();
    await page.getByTestId('paid').waitFor();
    await until(async () => (await placesOf(fan)).length === 0, { timeoutMs: 20_000, what: 'the end of the place' });
    // The socket is told to go 5 s later.
    await page.waitForTimeout(7_000);
    const receipt = await plain(page.getByTestId('paid'));
    expect(receipt).toContain('Section A, row 1, seats 1–2, 7');
    expect(receipt).toMatch(/Monday, December 20, 2027/);
    expect(receipt).toContain('A hall');
    expect(receipt).toContain('Paid₩3,000');
    await soon(() => plain(page.getByTestId('balance-left'))).toBe('₩2,000');
    await expectAccessible(page);
    expect(complaints).toEqual([]);
  });

  test('the receipt comes, though the place is over before the payment is answered, and no socket is there', async () => {
    await putConcert(stage.system.url, 'late-answer', concertInput());
    const fan = await newFan(stage.system.url);
    await call(stage.system.url, `/api/v1/users/${fan.userId}/balance`, {
      body: { amount: 5000 },
      bearer: fan.accessToken,
    });
    const { page } = await come({ fan, noSockets: true });
    await goIn(page, 'late-answer');
    await holdSeats(page, 1);
    await page.route('**/api/v1/payments', async (route) => {
      const response = await route.fetch();
      await page.getByTestId('over').waitFor();
      await route.fulfill({ response });
    });
    await button(page, /^Pay /).click();
    await page.getByTestId('paid').waitFor();
    expect(await plain(page.getByTestId('paid'))).toContain('Section A, row 1, seat 1');
  });

  test('seats are given back after a question, and that is told, on both pages', async () => {
    await putConcert(stage.system.url, 'gives-back', concertInput());
    const { page } = await come({ fan: await newFan(stage.system.url) });
    await goIn(page, 'gives-back');
    await holdSeats(page, 1);
    await button(page, 'Give the seats back').click();
    await page.getByText('Given back. Nothing was charged.').waitFor();
    await holdSeats(page, 2);
    await page.goto(at('/tickets'));
    await button(page, 'Give the seats back').click();
    await page.getByText('Given back. Nothing was charged.').waitFor();
    await expect.poll(() => page.getByTestId('held').count(), { timeout: 25_000 }).toBe(0);
  });

  test('“My tickets”: a hold that runs out says so, and goes; the checkout’s last minute is told', async () => {
    await putConcert(stage.system.url, 'runs-out', concertInput({ holdSeconds: 20 }));
    const { page } = await come({ fan: await newFan(stage.system.url) });
    await goIn(page, 'runs-out');
    await holdSeats(page, 1);
    await page.getByText('Less than a minute is left to pay.').waitFor({ state: 'attached' });
    expect(await page.getByTestId('hold-left').getAttribute('class')).toContain('last');
    expect(await page.title()).toMatch(/^0:[0-2]\d left · A night/);
    await page.goto(at('/tickets'));
    await page.getByTestId('held').waitFor();
    await page.getByText('The hold ran out').waitFor({ timeout: 40_000 });
    await soon(() => page.getByRole('heading', { name: 'Held seats' }).count()).toBe(0);
    await expectAccessible(page);
  });

  test('sold out while inside: told, and a returned seat appears by itself', async () => {
    await putConcert(stage.system.url, 'all-gone', concertInput({ seats: 2 }));
    const { page } = await come({ fan: await newFan(stage.system.url) });
    await goIn(page, 'all-gone');
    const { token } = await enter(stage.system.url, await newFan(stage.system.url), 'all-gone');
    const { status, body } = await holdBy(token, ['A-1-1', 'A-1-2']);
    expect(status).toBe(201);
    await page.getByText('Every seat of this date is taken').waitFor();
    await expectAccessible(page);
    await call(stage.system.url, `/api/v1/reservations/${body.reservationId}`, { method: 'DELETE', queue: token });
    await soon(() => page.getByText('Every seat of this date is taken').count()).toBe(0);
  });

  test('without a network: not “Live”, a call that hangs says that it is tried on, and happens once', async () => {
    await putConcert(stage.system.url, 'cut', concertInput());
    const { page } = await come({ fan: await newFan(stage.system.url) });
    await goIn(page, 'cut');
    const connection = page.getByTestId('connection');
    await soon(() => connection.textContent()).toBe('Live');
    await choose(page, 1);
    await page.context().setOffline(true);
    await soon(() => connection.textContent()).toContain('No connection');
    await button(page, 'Hold these seats').click();
    await page.getByText('We keep trying; nothing happens twice.').waitFor();
    await page.context().setOffline(false);
    await page.getByTestId('hold-left').waitFor();
    await soon(() => connection.textContent()).toBe('Live');
    expect(await page.getByText('We keep trying').count()).toBe(0);
    expect((await operatorCall(stage.system.url, '/concerts/cut/stats')).body).toMatchObject({ held: 1 });
  });
});
