import type { IncomingMessage } from 'node:http';
import { onTestFinished, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { stopClock } from '../testing/clock.ts';
import { testRedis } from '../testing/connect.ts';
import { openClient, startSocketServer } from '../testing/sockets.ts';
import { until } from '../testing/until.ts';
import { admit, enter, join, openRoom } from '../testing/waiting-room.ts';

const redis = await testRedis();

async function serve(options: Parameters<typeof startSocketServer>[1] = {}) {
  const server = await startSocketServer(redis, options);
  onTestFinished(() => server.stop());
  return server;
}

/** Resolves with the status of a refused upgrade. */
async function refusedWith(port: number, headers: Record<string, string> = {}): Promise<string> {
  return openClient(port, headers).then(
    () => 'opened',
    (error: Error) => error.message,
  );
}

describe('a socket', () => {
  test('is told its place after auth, with the token it came with', async () => {
    const server = await serve();
    const room = await openRoom(redis);
    await join(room, 'ann');
    const claims = await join(room, 'bob');
    const client = await server.enter(claims);
    const { ticket } = await client.next('ticket');
    expect(ticket).toMatchObject({
      queueId: claims.queueId,
      concertId: room.concertId,
      status: 'WAITING',
      position: 2,
      ahead: 1,
      waiting: 2,
      admitted: 0,
    });
    expect(await server.tokens.verifyQueue(ticket.token ?? '')).toEqual(claims);
    expect(client.position()).toBe(2);
    expect(server.sockets.count()).toBe(1);
    await client.close();
    await until(() => server.sockets.count() === 0);
  });

  test('that says nothing is closed with 4401', async () => {
    const server = await serve({ limits: { WS_AUTH_DEADLINE_MS: 200 } });
    const client = await openClient(server.port);
    expect(await client.closed).toBe(4401);
    expect(client.messages).toEqual([]);
  });

  test.each([
    ['is no auth', JSON.stringify({ type: 'watch', scheduleId: 'd1' })],
    ['is no JSON', 'hello'],
    ['is binary', Buffer.from(JSON.stringify({ type: 'auth', token: 'x' }))],
    ['is too long', JSON.stringify({ type: 'auth', token: 'x'.repeat(5000) })],
    ['has a bad token', JSON.stringify({ type: 'auth', token: 'x.y.z' })],
    ['has no token', JSON.stringify({ type: 'auth' })],
  ])('whose first message %s is closed with 4401', async (_, message) => {
    const server = await serve();
    const client = await openClient(server.port);
    client.send(message);
    expect(await client.closed).toBe(4401);
    expect(client.messages).toEqual([]);
  });

  test('that comes with an access token is closed with 4401', async () => {
    const server = await serve();
    const client = await openClient(server.port);
    client.send({ type: 'auth', token: server.tokens.signAccess('ann') });
    expect(await client.closed).toBe(4401);
  });

  test('may say more at once: messages are followed in their order', async () => {
    const server = await serve();
    const room = await openRoom(redis);
    const claims = await join(room, 'ann');
    const client = await openClient(server.port);
    client.send({ type: 'auth', token: server.tokens.signQueue(claims) });
    client.send({ type: 'leave', queueId: claims.queueId });
    const { ticket } = await client.next('ticket', (message) => message.ticket.status === 'LEFT');
    expect(ticket).toMatchObject({ reason: 'LEFT', position: null });
    expect(client.messages.map(({ type }) => type)).toEqual(['ticket', 'ticket']);
  });
});

describe('bad messages', () => {
  const bad: [string, string | Buffer, string, object][] = [
    ['no JSON', '{', 'VALIDATION', { errors: [{ path: '', message: 'is not JSON' }] }],
    ['no object', '7', 'VALIDATION', { errors: [{ path: '/type', message: expect.any(String) }] }],
    ['an unknown type', '{"type":"hello"}', 'VALIDATION', { errors: [{ path: '/type', message: expect.any(String) }] }],
    [
      'an inherited type',
      '{"type":"constructor"}',
      'VALIDATION',
      { errors: [{ path: '/type', message: expect.any(String) }] },
    ],
    [
      'an unknown member',
      '{"type":"leave","queueId":"q","why":1}',
      'VALIDATION',
      { errors: [{ path: '/why', message: 'is unknown' }] },
    ],
    [
      'a missing member',
      '{"type":"watch"}',
      'VALIDATION',
      { errors: [{ path: '/scheduleId', message: 'is required' }] },
    ],
    [
      'a negative version',
      '{"type":"watch","scheduleId":"d1","version":-1}',
      'VALIDATION',
      { errors: [{ path: '/version', message: expect.any(String) }] },
    ],
    [
      'a version that no number holds exactly',
      '{"type":"watch","scheduleId":"d1","version":1e300}',
      'VALIDATION',
      { errors: [{ path: '/version', message: expect.any(String) }] },
    ],
    ['a binary frame', Buffer.from('{"type":"leave","queueId":"q"}'), 'VALIDATION', {}],
    ['a long one', ' '.repeat(4097), 'BODY_TOO_LARGE', { maxBytes: 4096 }],
  ];

  test.each(bad)('%s is answered with an error; the third closes with 4400', async (_, message, code, members) => {
    const server = await serve();
    const client = await server.enter(await join(await openRoom(redis), 'ann'));
    await client.next('ticket');
    client.send(message);
    const { problem } = await client.next('error');
    expect(problem).toMatchObject({ code, type: `/docs#${code}`, title: expect.any(String), ...members });
    client.send(message);
    await client.all('error', 2);
    client.send(message);
    expect(await client.closed).toBe(4400);
    expect((await client.all('error', 3)).length).toBe(3);
    expect(server.told.get(4400)).toBe(1);
  });

  test('a message of 4096 bytes is no long one', async () => {
    const server = await serve();
    const claims = await join(await openRoom(redis), 'ann');
    const client = await openClient(server.port);
    client.send(JSON.stringify({ type: 'auth', token: server.tokens.signQueue(claims) }).padEnd(4096));
    expect((await client.next('ticket')).ticket.position).toBe(1);
    await client.close();
  });

  test('more than 20 in a second are too many', async () => {
    const server = await serve();
    const client = await server.enter(await join(await openRoom(redis), 'ann'));
    await client.next('ticket');
    const clock = stopClock();
    clock.pass(1_000);
    for (let i = 0; i < 20; i++) client.send({ type: 'unwatch', scheduleId: 'd1' });
    client.send({ type: 'unwatch', scheduleId: 'd1' });
    const { problem } = await client.next('error');
    expect(problem).toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: 1 });
    expect(client.messages.filter(({ type }) => type === 'error')).toHaveLength(1);
    for (let i = 0; i < 20; i++) client.send({ type: 'unwatch', scheduleId: 'd1' });
    expect(await client.closed).toBe(4400);
  });

  test('a flood of 20,000 messages closes the socket and harms nobody else', async () => {
    const server = await serve();
    const room = await openRoom(redis);
    const other = await server.enter(await join(room, 'bob'));
    const client = await server.enter(await join(room, 'ann'));
    await client.next('ticket');
    for (let i = 0; i < 20_000; i++) client.send({ type: 'watch', scheduleId: 'd1' });
    expect(await client.closed).toBe(4400);
    await admit(room);
    await other.next('ticket', ({ ticket }) => ticket.status === 'ACTIVE');
  });

  test('a flood of pings closes the socket', async () => {
    const server = await serve();
    const client = await server.enter(await join(await openRoom(redis), 'ann'));
    await client.next('ticket');
    for (let i = 0; i < 50; i++) client.raw.ping();
    expect(await client.closed).toBe(4400);
  });

  test('a message beyond all measure cuts the connection', async () => {
    const server = await serve();
    const client = await server.enter(await join(await openRoom(redis), 'ann'));
    await client.next('ticket');
    client.send('x'.repeat(64 * 1024));
    expect(await client.closed).toBe(1006);
    await until(() => server.sockets.count() === 0);
  });
});

describe('several places', () => {
  test('of one user are carried by one socket, each with its ticket', async () => {
    const server = await serve();
    const rooms = [await openRoom(redis), await openRoom(redis)];
    const [first, second] = await Promise.all(rooms.map((room) => join(room, 'ann')));
    if (!first || !second) throw new Error('nobody joined');
    const client = await server.enter(first);
    client.send({ type: 'auth', token: server.tokens.signQueue(second) });
    const tickets = await client.all('ticket', 2);
    expect(tickets.map(({ ticket }) => ticket.queueId)).toEqual([first.queueId, second.queueId]);
    await client.close();
  });

  test('the same place again is one place, whose ticket has the newer token', async () => {
    const server = await serve();
    const claims = await join(await openRoom(redis), 'ann');
    const client = await server.enter(claims);
    await client.next('ticket');
    const newer = server.tokens.signQueue({ ...claims });
    for (let i = 0; i < 10; i++) client.send({ type: 'auth', token: newer });
    const tickets = await client.all('ticket', 11);
    expect(tickets.at(-1)?.ticket.token).toBe(newer);
    expect(client.messages.filter(({ type }) => type === 'error')).toEqual([]);
    await client.close();
  });

  test('a bad token later is answered with an error, however often, and changes nothing', async () => {
    const server = await serve();
    const client = await server.enter(await join(await openRoom(redis), 'ann'));
    await client.next('ticket');
    for (let i = 0; i < 5; i++) client.send({ type: 'auth', token: 'x.y.z' });
    const errors = await client.all('error', 5);
    expect(new Set(errors.map(({ problem }) => problem.code))).toEqual(new Set(['UNAUTHENTICATED']));
    expect(server.sockets.count()).toBe(1);
    await client.close();
  });

  test("another user's place is refused", async () => {
    const server = await serve();
    const room = await openRoom(redis);
    const [ann, bob] = [await join(room, 'ann'), await join(room, 'bob')];
    const client = await server.enter(ann);
    client.send({ type: 'auth', token: server.tokens.signQueue(bob) });
    expect((await client.next('error')).problem.code).toBe('FORBIDDEN');
    client.send({ type: 'leave', queueId: bob.queueId });
    await client.next('error', ({ problem }) => problem.code === 'QUEUE_ID_MISMATCH');
    expect(client.messages.filter(({ type }) => type === 'ticket')).toHaveLength(1);
    await client.close();
  });

  test('a ninth is refused, until one of the eight is over', async () => {
    const server = await serve();
    const rooms = await Promise.all(Array.from({ length: 9 }, () => openRoom(redis)));
    const claims = await Promise.all(rooms.map((room) => join(room, 'ann')));
    const [first, ...others] = claims;
    const ninth = others.at(-1);
    if (!first || !ninth) throw new Error('nobody joined');
    const client = await server.enter(first);
    for (const each of others) client.send({ type: 'auth', token: server.tokens.signQueue(each) });
    expect((await client.next('error')).problem).toMatchObject({ code: 'VALIDATION', errors: [{ path: '/token' }] });
    expect(await client.all('ticket', 8)).toHaveLength(8);
    client.send({ type: 'leave', queueId: first.queueId });
    await client.next('ticket', ({ ticket }) => ticket.status === 'LEFT');
    client.send({ type: 'auth', token: server.tokens.signQueue(ninth) });
    await client.next('ticket', ({ ticket }) => ticket.queueId === ninth.queueId);
    await client.close();
  });
});

describe('the upgrade', () => {
  test('is refused to pages of other origins where origins are named', async () => {
    const server = await serve({ corsOrigins: ['https://tickets.example'] });
    expect(await refusedWith(server.port, { origin: 'https://evil.example' })).toContain('403');
    expect(await refusedWith(server.port, { origin: 'null' })).toContain('403');
    expect(await refusedWith(server.port, { origin: 'https://tickets.example.evil.example' })).toContain('403');
    for (const origin of ['https://tickets.example', `http://127.0.0.1:${server.port}`])
      await (await openClient(server.port, { origin })).close();
    await (await openClient(server.port)).close();
  });

  test('is open to all pages where none are named', async () => {
    const server = await serve();
    const client = await openClient(server.port, { origin: 'https://anybody.example' });
    expect(server.sockets.count()).toBe(1);
    await client.close();
  });

  test('is refused beyond the bound of sockets, and of strangers among them', async () => {
    const server = await serve({ limits: { WS_SOCKETS_MAX: 3, WS_STRANGERS_MAX: 2 } });
    const room = await openRoom(redis);
    const strangers = [await openClient(server.port), await openClient(server.port)];
    expect(await refusedWith(server.port)).toContain('503');
    strangers[0]?.send({ type: 'auth', token: server.tokens.signQueue(await join(room, 'ann')) });
    await strangers[0]?.next('ticket');
    const third = await openClient(server.port);
    strangers[1]?.send({ type: 'auth', token: server.tokens.signQueue(await join(room, 'bob')) });
    await strangers[1]?.next('ticket');
    expect(await refusedWith(server.port)).toContain('503');
    await third.close();
    await until(() => server.sockets.count() === 2);
    await (await openClient(server.port)).close();
  });

  test('has its request id in the answer', async () => {
    const server = await serve();
    const raw = new WebSocket(server.url, { headers: { 'x-request-id': 'abc-2' } });
    const answer = await new Promise<IncomingMessage>((resolve) => void raw.once('upgrade', resolve));
    expect([answer.statusCode, answer.headers['x-request-id']]).toEqual([101, 'abc-2']);
    raw.close();
  });

  test('that is refused is answered as any call is', async () => {
    const server = await serve({ limits: { WS_SOCKETS_MAX: 0 } });
    const raw = new WebSocket(server.url, { headers: { 'x-request-id': 'abc-1' } });
    const answer = await new Promise<IncomingMessage>((resolve) => {
      raw.once('unexpected-response', (_, response) => resolve(response));
    });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'retry-after': '2',
      'x-request-id': 'abc-1',
    });
    const body = (await answer.toArray()).join('');
    expect(JSON.parse(body)).toMatchObject({ code: 'UNAVAILABLE', status: 503 });
  });

  test('without an upgrade is no call of the server', async () => {
    const server = await serve();
    expect((await fetch(`http://127.0.0.1:${server.port}/ws`)).status).toBe(404);
  });
});

describe('at the end', () => {
  test('all are told to reconnect, in slices, and nobody is taken any more', async () => {
    const server = await serve({ limits: { WS_CLOSE_ALL_MS: 100 } });
    const room = await openRoom(redis);
    const clients = await Promise.all(
      Array.from({ length: 250 }, async (_, i) => server.enter(await join(room, `u${i}`))),
    );
    await Promise.all(clients.map((client) => client.next('ticket')));
    const codes = Promise.all(clients.map(({ closed }) => closed));
    const drained = server.sockets.drain();
    expect(server.sockets.count()).toBeGreaterThan(0);
    expect(await refusedWith(server.port)).toContain('503');
    await drained;
    expect(server.sockets.count()).toBe(0);
    expect(new Set(await codes)).toEqual(new Set([1012]));
    expect(server.told.get(1012)).toBe(250);
  });

  test('a socket whose places are all over is closed with 4403 some time after the last message', async () => {
    const server = await serve({ limits: { WS_CLOSE_AFTER_OVER_MS: 300 } });
    const room = await openRoom(redis);
    const claims = await join(room, 'ann');
    const client = await server.enter(claims);
    const leftAt = performance.now();
    client.send({ type: 'leave', queueId: claims.queueId });
    await client.next('ticket', ({ ticket }) => ticket.status === 'LEFT');
    expect(await client.closed).toBe(4403);
    expect(performance.now() - leftAt).toBeGreaterThan(250);
  });

  test('another place on it in time keeps it open', async () => {
    const server = await serve({ limits: { WS_CLOSE_AFTER_OVER_MS: 500 } });
    const room = await openRoom(redis);
    const over = await join(room, 'ann');
    const client = await server.enter(over);
    const clock = stopClock();
    client.send({ type: 'leave', queueId: over.queueId });
    await client.next('ticket', ({ ticket }) => ticket.status === 'LEFT');
    const newer = await enter(room, 'ann');
    clock.pass(499);
    client.send({ type: 'auth', token: server.tokens.signQueue(newer) });
    await client.next('ticket', ({ ticket }) => ticket.status === 'ACTIVE');
    // One that leaves later is closed before this one could be forgotten.
    const witness = await server.enter(await join(room, 'bob'));
    const { ticket } = await witness.next('ticket');
    witness.send({ type: 'leave', queueId: ticket.queueId });
    await witness.next('ticket', (message) => message.ticket.status === 'LEFT');
    clock.pass(500);
    expect(await witness.closed).toBe(4403);
    expect(server.sockets.count()).toBe(1);
    client.send({ type: 'leave', queueId: newer.queueId });
    await client.next(
      'ticket',
      (message) => message.ticket.queueId === newer.queueId && message.ticket.status === 'LEFT',
    );
    clock.pass(500);
    expect(await client.closed).toBe(4403);
  });

  test('a place that is over, and one that is not known, can still be asked about', async () => {
    const server = await serve({ limits: { WS_CLOSE_AFTER_OVER_MS: 200 } });
    const claims = await join(await openRoom(redis), 'ann');
    const unknown = await server.enter({ ...claims, epoch: 'another' });
    expect((await unknown.next('error')).problem.code).toBe('QUEUE_NOT_FOUND');
    expect(await unknown.closed).toBe(4403);
  });
});
