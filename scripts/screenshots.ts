/**
 * Makes the README's pictures (src/web/screenshots/) from the real product: `node scripts/screenshots.ts`, with a
 * Chromium on the PATH. Everything it starts ends with it.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { createTokens } from '../src/auth/tokens.ts';
import { openRedis } from '../src/redis/client.ts';
import type { RedisClient } from '../src/redis/script.ts';
import { launch, visit } from '../src/testing/chromium.ts';
import { call, type Fan, operatorCall, putConcert } from '../src/testing/fan.ts';
import { startPostgres } from '../src/testing/postgres-server.ts';
import { startRedis } from '../src/testing/redis-server.ts';
import { JWT_SECRET, OPERATOR_KEY, startSystem } from '../src/testing/system.ts';
import { until } from '../src/testing/until.ts';
import { openWallet } from '../src/wallet/open.ts';

const ROOT = resolve(import.meta.dirname, '..');
const SHOTS = join(ROOT, 'src/web/screenshots');
const CONCERT = 'han-river';
const DESKTOP = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
/** Of the crowd that buys before the pictures are taken. */
const BUYERS = 700;
const WAITING = 1_240;

const tokens = createTokens({ jwtSecrets: [JWT_SECRET] });

interface Stage {
  url: string;
  redis: RedisClient;
  browser: Browser;
}

/** Somebody whose password nobody has to hash. */
async function newFan({ redis }: Stage, name: string): Promise<Fan> {
  const userId = `u_${name}`;
  await openWallet({ redis }, userId);
  return { userId, email: `${name}@example.com`, accessToken: tokens.signAccess(userId) };
}

async function enterAs({ url }: Stage, { accessToken }: Fan): Promise<string> {
  const { body } = await call(url, '/api/v1/queue', { body: { concertId: CONCERT }, bearer: accessToken });
  const status = async () => (await call(url, '/api/v1/queue', { queue: body.token })).body.status;
  await until(async () => (await status()) === 'ACTIVE', { everyMs: 100 });
  return body.token;
}

/** A hall in the middle of its night: held and sold seats in rows, as people choose them. */
async function sellSome(stage: Stage): Promise<void> {
  const { url } = stage;
  const lookers = await enterAs(stage, await newFan(stage, 'looker'));
  const map = await call(url, `/api/v1/concerts/${CONCERT}/schedules/day-1/seats`, { queue: lookers });
  const seatIds: string[] = map.body.seats.map(({ seatId }: { seatId: string }) => seatId);
  const buy = async (n: number): Promise<void> => {
    const fan = await newFan(stage, `buyer-${n}`);
    const queue = await enterAs(stage, fan);
    const from = Math.floor((n / BUYERS) ** 1.6 * (seatIds.length - 4));
    const wanted = seatIds.slice(from, from + 1 + (n % 4));
    const held = await call(url, '/api/v1/reservations', { body: { scheduleId: 'day-1', seatIds: wanted }, queue });
    if (held.status !== 201 || n % 5 === 0) return;
    await call(url, `/api/v1/users/${fan.userId}/balance`, { body: { amount: held.body.amount }, queue });
    await call(url, '/api/v1/payments', { body: { reservationId: held.body.reservationId }, queue });
  };
  for (let n = 1; n <= BUYERS; n += 25) await Promise.all(Array.from({ length: 25 }, (_, i) => buy(n + i)));
}

async function open({ browser, url }: Stage, options: BrowserContextOptions, fan?: Fan): Promise<Page> {
  const { page } = await visit(browser, url, { timezoneId: 'Asia/Seoul', ...options, ...(fan && { fan }) });
  return page;
}

async function shoot(page: Page, name: string): Promise<void> {
  await sleep(600);
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
  console.log(name);
}

const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first().click();

async function choose(page: Page, seats: readonly string[]): Promise<void> {
  const section = page.locator('.seat-list details').nth(2);
  if ((await section.getAttribute('open')) === null) await section.locator('summary').click();
  const free = section.getByRole('button').and(page.locator(':not([disabled])'));
  for (const at of seats) await free.nth(Number(at)).click();
}

async function fanPictures(stage: Stage): Promise<void> {
  const { url } = stage;
  const fan = await newFan(stage, 'ann');
  const page = await open(stage, DESKTOP, fan);
  const room = `${url}/#/concerts/${CONCERT}/room`;
  await page.goto(room);
  await press(page, 'Choose seats');
  await page.locator('.chips button').first().click();
  await page.getByTestId('map').waitFor();
  await choose(page, ['40', '41', '42']);
  await page.mouse.wheel(0, -5_000);
  await shoot(page, 'map');
  await press(page, 'Hold these seats');
  await page.getByTestId('hold-left').waitFor();
  const phone = await open(stage, PHONE, fan);
  await phone.goto(room);
  await phone.getByTestId('hold-left').waitFor();
  await shoot(phone, 'checkout');
  await press(page, /^Top up/);
  await press(page, /^Pay /);
  await page.getByTestId('paid').waitFor();
  const dark = await open(stage, { ...DESKTOP, colorScheme: 'dark' }, fan);
  await dark.goto(`${url}/#/tickets`);
  await dark.getByTestId('ticket').waitFor();
  await shoot(dark, 'tickets');
}

/** Behind so many others, while the operator looks at it and lets people in. */
async function crowdPictures(stage: Stage): Promise<void> {
  const { url } = stage;
  const joinAs = async (name: string) => {
    const { accessToken } = await newFan(stage, name);
    await call(url, '/api/v1/queue', { body: { concertId: CONCERT }, bearer: accessToken });
  };
  const set = (body: object) => operatorCall(url, `/concerts/${CONCERT}/room`, { method: 'PATCH', body });
  await set({ admitPerSecond: 0 });
  const fan = await newFan(stage, 'late');
  for (let n = 0; n < WAITING; n += 40) await Promise.all(Array.from({ length: 40 }, (_, i) => joinAs(`w${n + i}`)));
  const phone = await open(stage, PHONE, fan);
  await phone.goto(`${url}/#/concerts/${CONCERT}/room`);
  await phone.getByTestId('position').waitFor();
  await Promise.all(Array.from({ length: 300 }, (_, i) => joinAs(`behind${i}`)));
  const desk = await open(stage, DESKTOP);
  await desk.goto(`${url}/console`);
  await desk.getByLabel('Operator key').fill(OPERATOR_KEY);
  await press(desk, 'Sign in');
  await sleep(6_000);
  for (const admitPerSecond of [2, 6, 12, 4]) {
    await set({ admitPerSecond });
    await sleep(5_000);
  }
  await shoot(phone, 'waiting');
  await shoot(desk, 'console');
}

const [redis, postgres, browser] = await Promise.all([startRedis(), startPostgres(), launch()]);
const system = await startSystem({ REDIS_URL: redis.url, DATABASE_URL: await postgres.createDatabase('onsale') });
const client = openRedis({ url: redis.url, cluster: false }, 'hot');
try {
  await client.connect();
  const stage: Stage = { url: system.url, redis: client, browser };
  const demo = JSON.parse(readFileSync(join(ROOT, 'scripts/demo-concert.json'), 'utf8')) as { room: object };
  await putConcert(system.url, CONCERT, { ...demo, room: { ...demo.room, capacity: 5_000, admitPerSecond: 5_000 } });
  await sellSome(stage);
  await fanPictures(stage);
  await crowdPictures(stage);
} finally {
  client.disconnect();
  await browser.close();
  await system.stop();
  await Promise.all([redis.stop(), postgres.stop()]);
}
