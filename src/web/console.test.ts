/** The operator's console in Chromium, against the whole product. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, visit, type Visitor } from '../testing/chromium.ts';
import { call, concertInput, enter, newFan, operatorCall, putConcert } from '../testing/fan.ts';
import { OPERATOR_KEY } from '../testing/system.ts';
import { expectAccessible, openStage, soon } from './browser.fixture.ts';

const stage = await openStage();
let visitor: Visitor;
let page: Page;

const last = (chart: string) => page.locator(`[data-testid="last ${chart}"]`).textContent();

async function enterAndHold(concertId: string, seatId: string) {
  const { token } = await enter(stage.system.url, await newFan(stage.system.url), concertId);
  return call(stage.system.url, '/api/v1/reservations', {
    body: { scheduleId: 'd1', seatIds: [seatId] },
    queue: token,
  });
}

beforeAll(async () => {
  if (!chromiumPath) return;
  const { url } = stage.system;
  await putConcert(url, 'night', concertInput({ seats: 30, room: { state: 'PAUSED', admitPerSecond: 1 } }));
  visitor = await visit(stage.browser, url);
  ({ page } = visitor);
});
afterAll(() => visitor?.close());

describe.skipIf(!chromiumPath)('the console', { timeout: 60_000 }, () => {
  test('a wrong key is told, the right one lets in, for this tab', async () => {
    await page.goto(`${stage.system.url}/console`);
    await expectAccessible(page);
    await page.getByLabel('Operator key').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('This is not the operator key.').waitFor();
    await page.getByLabel('Operator key').fill(OPERATOR_KEY);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'People' }).waitFor();
    // Refused calls are written to the console by the browser itself.
    visitor.complaints.length = 0;
    await soon(() => last('People')).toBe('0 waiting, 0 inside');
    expect(await last('Revenue')).toBe('₩0 paid');
    expect(await page.evaluate(() => localStorage.length)).toBe(0);
    await expectAccessible(page);
  });

  test('opens the room after saying what that does, changes the rate, and the chart answers', async () => {
    for (let i = 0; i < 6; i++) {
      const { accessToken } = await newFan(stage.system.url);
      await call(stage.system.url, '/api/v1/queue', { body: { concertId: 'night' }, bearer: accessToken });
    }
    await soon(() => last('People')).toBe('6 waiting, 0 inside');
    expect(await page.getByLabel('Admitted a second').inputValue()).toBe('1');
    await page.getByRole('button', { name: 'Change…' }).click();
    await page.getByText('the room is set like this already').waitFor();
    await page.getByLabel('Admitted a second').fill('500');
    await page.getByRole('button', { name: 'Change…' }).click();
    await page.getByRole('dialog').getByText('Admitted a second: 1 → 500').waitFor();
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await page.getByRole('status').getByText('Changed.\nAdmitted a second: 1 → 500').waitFor();
    await soon(() => page.getByLabel('Admitted a second').inputValue()).toBe('500');
    await page.getByRole('button', { name: 'OPEN' }).click();
    await page.getByText('People are let in at once').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Set OPEN' }).click();
    await soon(() => last('People')).toBe('0 waiting, 6 inside');
    await page.getByText('The room is OPEN.').waitFor();
    expect((await call(stage.system.url, '/api/v1/concerts/night/room')).body).toMatchObject({
      state: 'OPEN',
      active: 6,
    });
  });

  test('imports with the difference first; a conflict changes nothing', async () => {
    const input = { ...concertInput({ seats: 40 }), title: 'Another night', room: { capacity: 900 } };
    const file = (name: string, text: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
    await page.getByLabel('Concert id').fill('night');
    await page.getByLabel('File').setInputFiles(file('night.json', JSON.stringify(input)));
    await page.getByRole('button', { name: 'Show what would change' }).click();
    await page.getByText('A night (night) is there: it would change').waitFor();
    const shown = await page.getByTestId('difference').innerText();
    expect(shown).toContain('10 seats added, no seats removed');
    expect(shown).toContain('Title: A night → Another night');
    expect(shown).toContain('Date d1: 30 → 40 seats');
    expect(shown).toContain('d1, section A: 40 seats at ₩1,000');
    expect(shown).toContain('Waiting room: Inside at once: 1,000 → 900');
    expect(shown).not.toContain('Venue');
    expect((await call(stage.system.url, '/api/v1/concerts/night')).body.schedules[0].totalSeats).toBe(30);
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('Another night is changed.').waitFor();
    expect((await call(stage.system.url, '/api/v1/concerts/night')).body.schedules[0].totalSeats).toBe(40);

    // A seat that somebody holds cannot go.
    const held = await enterAndHold('night', 'A-1-40');
    expect(held.status).toBe(201);
    const smaller = { ...concertInput({ seats: 30 }), room: undefined };
    await page.getByLabel('File').setInputFiles(file('night.json', JSON.stringify(smaller)));
    await page.getByRole('button', { name: 'Show what would change' }).click();
    await page.getByText('date d1: A-1-40 is held and would be removed').waitFor();
    expect(await page.getByRole('alert').innerText()).not.toMatch(/conflicts|\/schedules/);
    await expectAccessible(page);
    expect(await page.getByRole('button', { name: 'Apply' }).count()).toBe(0);
    expect((await call(stage.system.url, '/api/v1/concerts/night')).body.schedules[0].totalSeats).toBe(40);
    visitor.complaints.length = 0; // the browser's own line about a 409
  });

  test('a table is read line by line, and says which line cannot be', async () => {
    await page.getByLabel('Concert id').fill('csv');
    await page.getByLabel('Title').fill('From a table');
    await page.getByLabel('Venue').fill('A hall');
    const offer = async (...rows: string[]) => {
      const buffer = Buffer.from(['scheduleId,startsAt,section,price,row,seats', ...rows].join('\n'));
      await page.getByLabel('File').setInputFiles({ name: 'night.csv', mimeType: 'text/csv', buffer });
      await page.getByRole('button', { name: 'Show what would change' }).click();
    };
    await offer('d1,2027-12-20T19:00:00Z,A,1000,1,5', 'd1,next week,A,12.50,2,6', 'd1,2027-12-20T19:00:00Z,A,900,3,6');
    await page.getByText('line 3: price is not a whole number').waitFor();
    const told = await page.getByRole('alert').innerText();
    expect(told).toContain('line 3: startsAt is not a time with its offset');
    expect(told).toContain('line 4: section A of d1 costs 1000 in line 2');
    await offer('d1,2027-12-20T19:00:00Z,A,1000,1,5', 'd1,2027-12-20T19:00:00Z,A,1000,2,6');
    await page.getByText('New: From a table (csv)').waitFor();
    expect(await page.getByTestId('difference').innerText()).toContain('11 seats added');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('From a table is created.').waitFor();
    await soon(() => page.getByLabel('Concert', { exact: true }).inputValue()).toBe('csv');
    expect((await call(stage.system.url, '/api/v1/concerts/csv')).body.schedules[0].totalSeats).toBe(11);
    visitor.complaints.length = 0; // the browser's own lines about the 404 of a concert that is new
  });

  test('a place is looked up by its own id and its user’s, on a phone too, and removed', async () => {
    await page.getByLabel('Concert', { exact: true }).selectOption('night');
    const { accessToken, userId } = await newFan(stage.system.url);
    const joined = await call(stage.system.url, '/api/v1/queue', { body: { concertId: 'night' }, bearer: accessToken });
    const { queueId } = joined.body;
    const lookUp = async (id: string) => {
      await page.getByLabel('Queue id or user id').fill(id);
      await page.getByRole('button', { name: 'Look up' }).click();
    };
    await lookUp('q_of_nobody');
    await page.getByText('There is no such place in this concert’s waiting room.').waitFor();
    await lookUp('u_of_nobody');
    await page.getByText('There is no user with this id.').waitFor();
    visitor.complaints.length = 0; // the browser's own lines about two 404s
    await lookUp(userId);
    await soon(() => page.getByTestId('place').textContent()).toContain(queueId);

    await page.setViewportSize({ width: 390, height: 844 });
    await lookUp(queueId);
    await soon(() => page.getByTestId('place').textContent()).toContain(userId);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    const topOf = async (name: string) => (await page.getByRole('heading', { name }).boundingBox())?.y ?? 0;
    expect(await topOf('Waiting room')).toBeLessThan(await topOf('People'));
    await page.getByRole('button', { name: 'Remove…' }).click();
    await page.getByText('its user has no holds here').waitFor();
    const dialog = await page.getByRole('dialog').boundingBox();
    expect(dialog?.x).toBeGreaterThanOrEqual(16);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByText('is removed.').waitFor();
    expect((await operatorCall(stage.system.url, `/concerts/night/queue/${queueId}`)).body.reason).toBe('REMOVED');
    await page.setViewportSize({ width: 1200, height: 850 });
  });

  test('the audit tells its verdict', async () => {
    await page.getByRole('button', { name: 'Run the audit' }).click();
    await soon(() => page.getByTestId('verdict').textContent()).toContain('The books balance');
    await expectAccessible(page);
    expect(visitor.complaints).toEqual([]);
  });
});
