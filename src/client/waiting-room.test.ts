/** A place followed against the real server: by socket, over cuts and restarts, and by polls where no socket is let through. */
import { expect, test, vi } from 'vitest';
import { until } from '../testing/until.ts';
import { scene } from './client.fixture.ts';
import { must, type WaitingRoom, type WaitingRoomState } from './index.ts';

const at = await scene();
/** Pauses between attempts grow to 15 s, and the machine runs other tests too. */
const LATE_MS = 30_000;
const LONG = { timeout: 60_000 };

/** The first state that fits. */
async function when(room: WaitingRoom, fits: (state: WaitingRoomState) => boolean): Promise<WaitingRoomState> {
  await until(() => fits(room.state), { timeoutMs: LATE_MS, what: fits.toString() });
  return room.state;
}

const statusOf = ({ seats }: WaitingRoomState, seatId: string) =>
  seats['d1']?.map?.seats.find((seat) => seat.seatId === seatId)?.status;

/** Of a fan who has just joined. */
async function place(concertId: string) {
  const { client } = await at.fan();
  return { client, place: must(await client.join({ concertId })) };
}

/** Upgrades are cut off, as by a proxy that knows nothing of WebSockets; other requests pass. */
function blockSockets(): void {
  at.proxy.decide(({ way, bytes }) => {
    const upgrades = way === 'request' && /^upgrade: websocket/im.test(bytes.toString('latin1'));
    return upgrades ? { passBytes: 0, next: 'reset' } : null;
  });
}

test('a place moves up with the room frames until it is ACTIVE, and is over once left', LONG, async () => {
  await at.concert('moves', { room: { state: 'PAUSED', capacity: 1 } });
  const places = [await place('moves'), await place('moves'), await place('moves')];
  const last = places[2] ?? (await place('moves'));
  const room = at.follow(last);
  // From the ticket of the join, before a socket is there.
  expect(room.state).toMatchObject({ connection: 'connecting', position: 3, ahead: 2 });
  const positions: (number | null)[] = [];
  room.subscribe(({ position }) => position !== positions.at(-1) && positions.push(position));
  await when(room, ({ connection }) => connection === 'live');
  must(await at.operator.patchRoom({ concertId: 'moves', state: 'OPEN' }));
  // One goes in, and the others stay where they are until there is room for one more.
  for (const [position, capacity] of [
    [2, 2],
    [1, 3],
  ] as const) {
    await when(room, (state) => state.position === position);
    must(await at.operator.patchRoom({ concertId: 'moves', capacity }));
  }
  const active = await when(room, ({ ticket }) => ticket?.status === 'ACTIVE');
  expect(active).toMatchObject({ position: null, ahead: null, room: { state: 'OPEN' }, connection: 'live' });
  expect(positions).toEqual([3, 2, 1, null]);
  expect(Math.abs(room.serverNow() - Date.now())).toBeLessThan(2_000);

  const { queueId } = last.place;
  must(await last.client.with({ queueToken: last.place.token }).leave({ queueId }));
  expect(await when(room, ({ ticket }) => ticket?.status === 'LEFT')).toMatchObject({ ticket: { reason: 'LEFT' } });
  // 4403 comes 5 s after the last message about it.
  await when(room, ({ connection }) => connection === 'over');
});

test('a token that is no good ends it', async () => {
  const room = at.follow({ client: at.client, place: { token: 'no.token.of.ours' } });
  expect(await room.until(() => false)).toMatchObject({ connection: 'over', problem: { code: 'UNAUTHENTICATED' } });
});

test('seats are kept from the map by numbered changes; after a cut they go on where they were', LONG, async () => {
  await at.concert('seats');
  const other = await at.buyer('seats');
  const room = at.follow(await place('seats'));
  room.watch('d1');
  const { map } = (await when(room, ({ seats }) => seats['d1']?.map !== null)).seats['d1'] ?? {};
  expect(map).toMatchObject({ available: 50, seats: expect.arrayContaining([]) });
  const hold = (number: number) => other.client.hold({ scheduleId: 'd1', seatIds: [`A-1-${number}`] });
  const first = must(await hold(1));
  const held = await when(room, (state) => statusOf(state, 'A-1-1') === 'HELD');
  expect(held.seats['d1']?.map).toMatchObject({ available: 49, version: (map?.version ?? 0) + 1 });
  expect(held.seats['d1']?.map?.seats[5]).toBe(map?.seats[5]);

  at.proxy.refuse(true);
  at.proxy.cut();
  await when(room, ({ connection }) => connection !== 'live');
  // Past the proxy.
  const baseUrl = at.system.url;
  const away = { scheduleId: 'd1', seatIds: ['A-1-2'] };
  const response = await fetch(`${baseUrl}/api/v1/reservations`, {
    method: 'POST',
    headers: { 'Queue-Token': other.token, 'Content-Type': 'application/json' },
    body: JSON.stringify(away),
  });
  expect(response.status).toBe(201);
  at.proxy.refuse(false);
  await when(room, (state) => state.connection === 'live' && statusOf(state, 'A-1-2') === 'HELD');
  must(await other.client.cancel({ reservationId: first.reservationId }));
  const freed = await when(room, (state) => statusOf(state, 'A-1-1') === 'AVAILABLE');
  expect(freed.seats['d1']?.map).toMatchObject({ available: 49 });

  // The seats themselves are others: a snapshot comes, and the map is loaded anew.
  await at.concert('seats', { seats: 60 });
  await when(room, ({ seats }) => seats['d1']?.map?.seats.length === 60);
  must(await hold(60));
  await when(room, (state) => statusOf(state, 'A-1-60') === 'HELD' && state.seats['d1']?.map?.available === 58);
  room.unwatch('d1');
  expect(room.state.seats).toEqual({});
  room.watch('d9');
  await when(room, ({ seats }) => seats['d9']?.problem?.code === 'SCHEDULE_NOT_FOUND');
});

test('the own holds are told, and read again after a time without a socket', async () => {
  await at.concert('own');
  const { client, place: mine } = await place('own');
  const room = at.follow({ client, place: mine });
  await when(room, ({ ticket, connection }) => ticket?.status === 'ACTIVE' && connection === 'live');
  const buyer = client.with({ queueToken: mine.token });
  const { reservationId } = must(await buyer.hold({ scheduleId: 'd1', seatIds: ['A-1-1'] }));
  await when(room, ({ reservations }) => reservations[reservationId]?.status === 'HELD');
  blockSockets();
  at.proxy.cut();
  await when(room, ({ connection }) => connection === 'polling');
  must(await buyer.cancel({ reservationId }));
  const { reservations } = await when(room, (state) => state.reservations[reservationId]?.status === 'CANCELLED');
  expect(Object.keys(reservations)).toEqual([reservationId]);
});

test.for(['stop', 'kill9'] as const)(
  'a server that restarts (%s) costs neither the place nor the socket',
  LONG,
  async (how) => {
    const concertId = `restart-${how.toLowerCase()}`;
    await at.concert(concertId, { room: { state: 'PAUSED' } });
    const room = at.follow(await place(concertId));
    await when(room, ({ connection }) => connection === 'live');
    const connections = new Set<string>();
    room.subscribe(({ connection }) => connections.add(connection));
    await at.restart(how);
    const { ticket } = await when(room, ({ connection }) => connections.has('connecting') && connection === 'live');
    expect(ticket).toMatchObject({ status: 'WAITING', position: 1 });
  },
);

test('where no socket is let through it polls, seats too, and is live as soon as one is', LONG, async () => {
  await at.concert('blocked', { room: { state: 'PAUSED' } });
  blockSockets();
  const room = at.follow(await place('blocked'));
  room.watch('d1');
  expect(await when(room, ({ connection }) => connection === 'polling')).toMatchObject({ position: 1 });
  must(await at.operator.patchRoom({ concertId: 'blocked', state: 'OPEN' }));
  await when(room, ({ ticket, seats }) => ticket?.status === 'ACTIVE' && seats['d1']?.map !== null);
  const inside = await at.buyer('blocked');
  must(await inside.client.hold({ scheduleId: 'd1', seatIds: ['A-1-7'] }));
  await when(room, (state) => statusOf(state, 'A-1-7') === 'HELD');
  expect(room.state.connection).toBe('polling');
  at.proxy.decide(undefined);
  await when(room, ({ connection }) => connection === 'live');
});

test('where nothing is let through it is offline, and comes back by itself', LONG, async () => {
  await at.concert('offline', { room: { state: 'PAUSED' } });
  const room = at.follow(await place('offline'));
  await when(room, ({ connection }) => connection === 'live');
  at.proxy.refuse(true);
  at.proxy.cut();
  await when(room, ({ connection }) => connection === 'offline');
  at.proxy.refuse(false);
  expect(await when(room, ({ connection }) => connection === 'live')).toMatchObject({ position: 1 });
});

test(
  'a browser’s word that the network is gone counts at once, and so does its word that it is back',
  LONG,
  async () => {
    const browser = new EventTarget();
    vi.stubGlobal('addEventListener', browser.addEventListener.bind(browser));
    try {
      await at.concert('unplugged', { room: { state: 'PAUSED' } });
      const room = at.follow(await place('unplugged'));
      await when(room, ({ connection }) => connection === 'live');
      browser.dispatchEvent(new Event('offline'));
      expect(room.state).toMatchObject({ connection: 'offline', position: 1 });
      browser.dispatchEvent(new Event('online'));
      await when(room, ({ connection }) => connection === 'live');
      room.close();
      browser.dispatchEvent(new Event('offline'));
      expect(room.state.connection).toBe('over');
    } finally {
      vi.unstubAllGlobals();
    }
  },
);

test('once closed nothing is told, asked or timed any more', async () => {
  await at.concert('closed', { room: { state: 'PAUSED' } });
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const room = at.follow(await place('closed'));
  await when(room, ({ connection }) => connection === 'live');
  let told = 0;
  room.subscribe(() => told++);
  room.close();
  expect(room.state.connection).toBe('over');
  expect(told).toBe(1);
  must(await at.operator.patchRoom({ concertId: 'closed', state: 'OPEN' }));
  await until(() => timers() <= before, { timeoutMs: LATE_MS, what: 'the end of the timers' });
  expect(told).toBe(1);
});
