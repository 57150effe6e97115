/** Before a sale, as its fan sees it in Chromium: the countdown, the sign-in, and the way back to a place. */
import { describe, expect, test } from 'vitest';
import { chromiumPath } from '../testing/chromium.ts';
import { call, concertInput, newFan, putConcert } from '../testing/fan.ts';
import { expectAccessible, openStage, soon } from './browser.fixture.ts';

const stage = await openStage();

describe.skipIf(!chromiumPath)('before a sale', { timeout: 60_000 }, () => {
  test('the countdown never rests, and the door is open after it', async () => {
    const { page } = await stage.come({ fan: await newFan(stage.system.url) });
    await page.goto(stage.system.url);
    await page.getByRole('heading', { name: 'Concerts' }).waitFor();
    // Not before the page is there: whatever a start takes is not of its seconds.
    const opensAt = new Date(Date.now() + 15_000).toISOString();
    await putConcert(stage.system.url, 'counts', concertInput({ room: { state: 'CLOSED', opensAt } }));
    await page.goto(`${stage.system.url}/#/concerts/counts`);
    await soon(() => page.getByTestId('opening').textContent()).toMatch(/^0:(0[1-9]|1\d)$/);
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Enter the waiting room' }).waitFor({ timeout: 40_000 });
    await page.getByText('On sale').waitFor();
    expect(await page.getByTestId('opening').count()).toBe(0);
  });

  test('sign-in says what for, keeps no old fault, and leads on whoever is signed in', async () => {
    await putConcert(stage.system.url, 'wanted', { ...concertInput(), title: 'Wanted night' });
    const { page } = await stage.come();
    await page.goto(`${stage.system.url}/#/concerts/wanted`);
    await page.getByRole('link', { name: 'Enter the waiting room' }).click();
    await page.getByText('Sign in to take your place for Wanted night.').waitFor();
    await page.getByLabel('Email').fill('nobody@example.com');
    await page.getByLabel('Password').fill('not the one');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await soon(() => page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('password');
    await page.getByRole('button', { name: 'I am new here' }).click();
    expect(await page.getByRole('alert').count()).toBe(0);
    const signedIn = await stage.come({ fan: await newFan(stage.system.url) });
    await signedIn.page.goto(`${stage.system.url}/#/sign-in?next=%2Fconcerts%2Fwanted`);
    await signedIn.page.getByRole('heading', { name: 'Wanted night' }).waitFor();
  });

  test('who has a place is led back to it; a concert that is not there offers the others, not another try', async () => {
    await putConcert(stage.system.url, 'mine', concertInput({ room: { state: 'PAUSED' } }));
    const fan = await newFan(stage.system.url);
    await call(stage.system.url, '/api/v1/queue', { body: { concertId: 'mine' }, bearer: fan.accessToken });
    const { page } = await stage.come({ fan });
    await page.goto(`${stage.system.url}/#/concerts/nowhere`);
    await page.getByRole('heading', { name: 'This concert is not here' }).waitFor();
    expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0);
    await page.getByText('You have a place in line.').waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: 'To all concerts' }).click();
    await page.locator('a[href="#/concerts/mine"]').click();
    await page.getByRole('main').getByRole('link', { name: 'To my place' }).click();
    await page.getByTestId('position').waitFor();
  });
});
