/** What memory answers at once is what the long way says; what is not plain goes the long way. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stopClock } from '../testing/clock.ts';
import { flush, testRedis } from '../testing/connect.ts';
import { concertInput } from '../testing/fan.ts';
import { connectRaw, rawCall } from '../testing/raw-http.ts';
import { Api, type Fan, type Place } from './api.fixture.ts';
import type { HttpAnswer } from './exchange.ts';
import { routes } from './routes.ts';
import { createService } from './service.ts';

const redis = await testRedis();
const api = new Api(redis);
let fan: Fan;
let waiting: Place;
let active: Place;
const SEATS = '/api/v1/concerts/winter/schedules/d1/seats';

beforeAll(async () => {
  await flush(redis);
  await api.start({ config: { corsOrigins: ['https://fans.example'] } });
  await api.putConcert('winter', concertInput({ room: { capacity: 1 } }));
  active = await api.enter(await api.fan(), 'winter');
  fan = await api.fan();
  waiting = await api.join(fan, 'winter');
  // Both tokens are known now, the room, the seats and the verdict are in memory.
  await api.call('/api/v1/queue', { queue: waiting.token });
  await api.served.app.rooms.refresh('winter');
  await remember();
});
afterAll(() => api.close());

async function remember(): Promise<void> {
  const { status } = await api.call(SEATS, { queue: active.token });
  expect(status).toBe(200);
}

/** Asks the shortcut itself. */
function glance(path: string, headers: Record<string, string>, query = ''): HttpAnswer | null | undefined {
  const { shortcuts } = createService(api.served.app, routes);
  for (const [pattern, answerOf] of shortcuts ?? []) {
    const found = new RegExp(`^${pattern.replaceAll(/:\w+/g, '([^/]+)')}$`).exec(path);
    if (!found) continue;
    const [, ...values] = found;
    const forEach = (tell: (name: string, value: string) => void) => {
      for (const [name, value] of Object.entries(headers)) tell(name, value);
    };
    return answerOf({ forEach, getQuery: () => query, getParameter: (at: number) => values[at] });
  }
  return undefined;
}

/** Both ways: an empty body sends a call the long one. */
async function bothWays(path: string, headers: Record<string, string>) {
  const lines = Object.entries({ 'x-request-id': 'same', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const ask = (more: string) =>
    rawCall(api.served.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines.join('')}${more}\r\n`);
  const [short, long] = [await ask(''), await ask('content-length: 0\r\n')];
  // uWebSockets.js writes it, and a second may have begun between the two.
  for (const { headers: written } of [short, long]) delete written.date;
  return { short, long };
}

/** The time of the answer is that of the last tick. */
const timeless = (body: string) => body.replace(/"serverTime":"[^"]*"/, '');

describe('says what the long way says', () => {
  test.each([
    ['the place of the token', () => '/api/v1/queue'],
    ['a place', () => `/api/v1/queue/${waiting.queueId}`],
  ])('%s', async (_, path) => {
    const headers = { 'queue-token': waiting.token, origin: 'https://fans.example' };
    stopClock();
    await api.served.app.rooms.refresh('winter');
    expect(glance(path(), headers)?.status).toBe(200);
    const { short, long } = await bothWays(path(), headers);
    expect({ ...short, body: timeless(short.body) }).toEqual({ ...long, body: timeless(long.body) });
    expect(JSON.parse(short.body)).toMatchObject({ queueId: waiting.queueId, token: waiting.token, position: 1 });
  });

  test('seats, whole and unchanged', async () => {
    stopClock();
    await remember();
    expect(glance(SEATS, { 'queue-token': active.token })?.status).toBe(200);
    const { short, long } = await bothWays(SEATS, { 'queue-token': active.token });
    expect(short).toEqual(long);
    const etag = short.headers.etag ?? '';
    const known = { 'queue-token': active.token, 'if-none-match': etag };
    expect(glance(SEATS, known)?.status).toBe(304);
    const unchanged = await bothWays(SEATS, known);
    expect(unchanged.short).toEqual(unchanged.long);
    expect(unchanged.short).toMatchObject({ status: 304, body: '' });
  });
});

describe('goes the long way', () => {
  test.each([
    ['authorization', 'Bearer x'],
    ['user-token', 'Bearer x'],
    ['content-length', '0'],
    ['transfer-encoding', 'chunked'],
    ['authorization', ''],
    ['content-length', ''],
  ])('with %s: %s', (name, value) => {
    expect(glance('/api/v1/queue', { 'queue-token': waiting.token, [name]: value })).toBeNull();
  });

  test('with two of a header, of which the first is empty or good', async () => {
    const ask = (lines: string) =>
      rawCall(
        api.served.port,
        `GET /api/v1/queue HTTP/1.1\r\nHost: a\r\nqueue-token: ${waiting.token}\r\n${lines}\r\n`,
      );
    expect(await ask('queue-token: other\r\n')).toMatchObject({ status: 401 });
    expect(await ask('content-length:\r\ncontent-length: 5\r\n')).toMatchObject({ status: 400 });
  });

  test('with a query, and with a queue token that is not there, not known or of another place', async () => {
    expect(glance('/api/v1/queue', { 'queue-token': waiting.token }, 'a=1')).toBeNull();
    expect(glance('/api/v1/queue', {})).toBeNull();
    expect(glance('/api/v1/queue', { 'queue-token': `${waiting.token}x` })).toBeNull();
    expect(glance(`/api/v1/queue/${waiting.queueId}`, { 'queue-token': active.token })).toBeNull();
    expect(glance(SEATS.replace('winter', 'summer'), { 'queue-token': active.token })).toBeNull();
    expect(glance(SEATS.replace('d1', 'd9'), { 'queue-token': active.token })).toBeNull();
    const { short } = await bothWays('/api/v1/queue?a=1', { 'queue-token': waiting.token });
    expect(short).toMatchObject({ status: 400 });
  });

  test('where memory cannot tell: a place that does not wait, seats without a verdict', () => {
    expect(glance('/api/v1/queue', { 'queue-token': active.token })).toBeNull();
    expect(glance(SEATS, { 'queue-token': waiting.token })).toBeNull();
    api.served.app.rooms.verdicts.forget(active.queueId);
    expect(glance(SEATS, { 'queue-token': active.token })).toBeNull();
  });

  test('what is asked about too often, and is refused there', async () => {
    await api.start({ limits: { pollBurst: 2 } });
    const polls = [];
    stopClock();
    for (let i = 0; i < 4; i++) polls.push(await api.call('/api/v1/queue', { queue: waiting.token }));
    expect(polls.map(({ status }) => status)).toEqual([200, 200, 429, 429]);
  });

  test('while the server drains: each answer ends its connection', async () => {
    await api.start();
    const connection = await connectRaw(api.served.port);
    const poll = `GET /api/v1/queue HTTP/1.1\r\nHost: a\r\nqueue-token: ${waiting.token}\r\n\r\n`;
    connection.write(poll);
    expect((await connection.next()).headers).not.toHaveProperty('connection');
    api.served.server.stopListening();
    connection.write(poll);
    expect(await connection.next()).toMatchObject({ status: 200, headers: { connection: 'close' } });
    connection.destroy();
  });
});
