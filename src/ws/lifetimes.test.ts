/** What becomes of sockets whose other side is not there, or only half. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { testRedis } from '../testing/connect.ts';
import { frameOf, openRawSocket } from '../testing/raw-socket.ts';
import { openClient, startOwnRedis, startSocketServer } from '../testing/sockets.ts';
import { until } from '../testing/until.ts';
import { admit, agePlace, enter, join, openRoom, placeOf, type TestRoom } from '../testing/waiting-room.ts';
import type { QueueClaims } from '../auth/tokens.ts';

const redis = await testRedis();

async function serve(options: Parameters<typeof startSocketServer>[1] = {}) {
  const server = await startSocketServer(redis, options);
  onTestFinished(() => server.stop());
  return server;
}
type Server = Awaited<ReturnType<typeof serve>>;

/** An authenticated socket that answers nothing by itself. */
async function openMute(server: Server, claims: QueueClaims) {
  const socket = await openRawSocket(server.port);
  onTestFinished(() => socket.destroy());
  socket.text(JSON.stringify({ type: 'auth', token: server.tokens.signQueue(claims) }));
  await until(() => socket.texts.length > 0, { what: 'a ticket' });
  return socket;
}

const isClaimed = async (room: TestRoom, { queueId }: QueueClaims) =>
  ((await placeOf(room, queueId))?.sessionEndMs ?? 0) > 0;
const sees = (socket: { texts: string[] }, status: string) =>
  until(() => socket.texts.some((text) => text.includes(`"status":"${status}"`)), { what: `a ticket ${status}` });

describe('the claim of an admitted place', () => {
  test('is made by a client that answers the ping after its ACTIVE ticket', async () => {
    const server = await serve();
    const room = await openRoom(redis, { claimSeconds: 60, sessionSeconds: 600 });
    const claims = await join(room, 'ann');
    const client = await server.enter(claims);
    await client.next('ticket');
    await admit(room);
    const { ticket } = await client.next('ticket', (message) => message.ticket.status === 'ACTIVE');
    await until(() => isClaimed(room, claims));
    // The new deadline is told.
    const later = Date.parse(ticket.expiresAt ?? '') + 300_000;
    const told = await client.next('ticket', (message) => Date.parse(message.ticket.expiresAt ?? '') > later);
    expect(told.ticket.status).toBe('ACTIVE');
    await client.close();
  });

  test('is not made by an open socket that answers nothing: the place goes on to the next', async () => {
    const server = await serve();
    const room = await openRoom(redis, { claimSeconds: 60, capacity: 1 });
    const claims = await join(room, 'ann');
    const socket = await openMute(server, claims);
    await admit(room);
    await sees(socket, 'ACTIVE');
    await until(() => socket.pings.length > 0);
    await agePlace(room, claims.queueId);
    await admit(room);
    expect(await placeOf(room, claims.queueId)).toMatchObject({
      status: 'E',
      reason: 'UNCLAIMED',
      sessionEndMs: 0,
    });
    await sees(socket, 'EXPIRED');
    expect(socket.texts.at(-1)).toContain('"reason":"UNCLAIMED"');
  });

  test('is not made by the answer to an earlier ping, nor by one that was made up', async () => {
    const server = await serve({ limits: { WS_PING_MS: 50 } });
    const room = await openRoom(redis);
    const claims = await join(room, 'ann');
    const socket = await openMute(server, claims);
    await until(() => socket.pings.length >= 1);
    const early = socket.pings[0] ?? '';
    await admit(room);
    await sees(socket, 'ACTIVE');
    const later = socket.pings.length;
    for (const payload of [early, '', 'x', '-1', '1e9', '9'.repeat(100)]) socket.pong(payload);
    // Followed in their order, so what is said next comes after them.
    await until(() => socket.pings.length > later + 1);
    expect(await isClaimed(room, claims)).toBe(false);
    socket.pong(socket.pings.at(-1) ?? '');
    await until(() => isClaimed(room, claims));
  });

  test('is made by something said after the ticket', async () => {
    const server = await serve();
    const room = await openRoom(redis);
    const claims = await join(room, 'ann');
    const socket = await openMute(server, claims);
    await admit(room);
    await sees(socket, 'ACTIVE');
    expect(await isClaimed(room, claims)).toBe(false);
    socket.text(JSON.stringify({ type: 'unwatch', scheduleId: 'd1' }));
    await until(() => isClaimed(room, claims));
  });

  test('is not made by the auth that brings the ticket', async () => {
    const server = await serve();
    const room = await openRoom(redis);
    const claims = await enter(room, 'ann');
    const socket = await openMute(server, claims);
    await sees(socket, 'ACTIVE');
    await until(() => socket.pings.length > 0);
    expect(await isClaimed(room, claims)).toBe(false);
    socket.pong(socket.pings[0] ?? '');
    await until(() => isClaimed(room, claims));
  });
});

test('a claim that Redis could not take is made as soon as it can', async () => {
  const own = await startOwnRedis();
  onTestFinished(() => own.stop());
  const server = await startSocketServer(own.redis);
  onTestFinished(() => server.stop());
  const room = await openRoom(own.redis);
  const claims = await join(room, 'ann');
  const socket = await openMute(server, claims);
  await admit(room);
  await sees(socket, 'ACTIVE');
  await until(() => socket.pings.length > 0);
  await own.kill9();
  socket.pong(socket.pings.at(-1) ?? '');
  socket.text('what is answered with an error, later than the pong');
  await until(() => socket.texts.at(-1)?.includes('VALIDATION') ?? false);
  await own.restart();
  await until(() => isClaimed(room, claims));
  expect(socket.code()).toBeNull();
});

describe('pings', () => {
  test('go on, and one that answers none is closed with 4408', async () => {
    const server = await serve({ limits: { WS_PING_MS: 100, WS_SILENT_MS: 6_000 } });
    const room = await openRoom(redis);
    const client = await server.enter(await join(room, 'ann'));
    const socket = await openMute(server, await join(room, 'bob'));
    expect(await socket.closed).toBe(4408);
    expect(socket.pings.length).toBeGreaterThan(2);
    expect(server.sockets.count()).toBe(1);
    await client.close();
  });

  test('are spread: not all who came together are pinged together', async () => {
    const server = await serve({ limits: { WS_PING_MS: 4_000, WS_AUTH_DEADLINE_MS: 60_000 } });
    const sockets = await Promise.all(Array.from({ length: 40 }, () => openRawSocket(server.port)));
    await until(() => sockets.filter(({ pings }) => pings.length > 0).length >= 10);
    expect(sockets.filter(({ pings }) => pings.length === 0).length).toBeGreaterThan(5);
    for (const socket of sockets) socket.destroy();
  });
});

describe('half a frame', () => {
  test.each([
    ['a head without its length', Buffer.from([0x81])],
    ['a head without its payload', Buffer.from([0x81, 0xfe, 0x0f])],
    ['a payload that does not end', frameOf(1, 'x'.repeat(2_000)).subarray(0, 1_000)],
    ['a first fragment without a last', Buffer.from([0x01, 0x80, 0, 0, 0, 0])],
  ])('from a stranger, %s, is closed at the deadline', async (_, bytes) => {
    const server = await serve({ limits: { WS_AUTH_DEADLINE_MS: 300 } });
    const socket = await openRawSocket(server.port);
    socket.write(bytes);
    expect(await socket.closed).toBe(4401);
    await until(() => server.sockets.count() === 0);
  });

  test('from a fan is found by pings', async () => {
    const server = await serve({ limits: { WS_PING_MS: 100, WS_SILENT_MS: 3_000 } });
    const socket = await openMute(server, await join(await openRoom(redis), 'ann'));
    socket.write(frameOf(1, 'x'.repeat(2_000)).subarray(0, 1_000));
    expect(await socket.closed).toBe(4408);
  });

  test('and what is no frame at all ends the connection and nothing else', async () => {
    const server = await serve();
    const room = await openRoom(redis);
    const other = await server.enter(await join(room, 'bob'));
    const wrong = [
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from([0x81, 0x05, 1, 2, 3, 4, 5]), // not masked
      Buffer.from([0x89, 0xfe, 0x01, 0x00]), // a ping of 256 bytes
      frameOf(1, 'x').map((byte, i) => (i === 6 ? 0xff : byte)), // not UTF-8, most likely
      Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), // 2^63 bytes
    ];
    for (const [i, bytes] of wrong.entries()) {
      const socket = await openMute(server, await join(room, `u${i}`));
      socket.write(bytes);
      socket.write(bytes);
    }
    await admit(room);
    await other.next('ticket', ({ ticket }) => ticket.status === 'ACTIVE');
    expect(other.messages.filter(({ type }) => type === 'error')).toEqual([]);
    await other.close();
  });

  test('a connection that is cut off leaves nothing behind', async () => {
    const server = await serve();
    const room = await openRoom(redis);
    const socket = await openMute(server, await join(room, 'ann'));
    const stranger = await openClient(server.port);
    socket.destroy();
    stranger.raw.terminate();
    await until(() => server.sockets.count() === 0);
    expect(server.told.get('error')).toBeUndefined();
  });
});
