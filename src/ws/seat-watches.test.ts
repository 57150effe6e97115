/** Seats to those who watch: a snapshot, then changes without a gap. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { stopClock } from '../testing/clock.ts';
import { testRedis } from '../testing/connect.ts';
import { cancel, enterHall, hold, openHall } from '../testing/hall.ts';
import { type Client, openClient, type SeatsMessage, startSocketServer } from '../testing/sockets.ts';
import { until } from '../testing/until.ts';
import { join } from '../testing/waiting-room.ts';
import type { Reservation } from '../reservations/shapes.ts';

const redis = await testRedis();

async function serve(options: Parameters<typeof startSocketServer>[1] = {}) {
  const server = await startSocketServer(redis, options);
  onTestFinished(() => server.stop());
  return server;
}
type Server = Awaited<ReturnType<typeof serve>>;

const watch = (scheduleId = 'd1') => ({ type: 'watch', scheduleId });

/** Somebody inside who watches. */
async function enterWatching(server: Server, hall: Awaited<ReturnType<typeof openHall>>): Promise<Client> {
  const client = await server.enter(await enterHall(hall));
  client.send(watch());
  await client.next('seats');
  return client;
}

function seatsOf(client: Client): SeatsMessage[] {
  return client.messages.flatMap((message) => (message.type === 'seats' ? [message] : []));
}

/**
 * What a client knows after its frames. Throws where a version is missing. Whoever resumes on a socket on which changes
 * are under way may be told some of them again, and nothing else.
 */
function fold(frames: readonly SeatsMessage[]): { version: number; taken: Map<string, string> } {
  let version = -1;
  const taken = new Map<string, string>();
  const seen = new Map<number, string>();
  for (const frame of frames) {
    const text = JSON.stringify(frame.changes);
    if (frame.full) taken.clear();
    else if (frame.version > version + 1) throw new Error(`version ${frame.version} after ${version}`);
    else if ((seen.get(frame.version) ?? text) !== text) throw new Error(`version ${frame.version} was another before`);
    if (!frame.full) seen.set(frame.version, text);
    version = frame.version;
    for (const [seatId, status] of frame.changes)
      if (status === 'AVAILABLE') taken.delete(seatId);
      else taken.set(seatId, status);
  }
  return { version, taken };
}

const versionOf = async (server: Server, concertId: string) =>
  (await server.seatMaps.read(concertId, 'd1'))?.version ?? -1;

describe('a watch', () => {
  test('needs an ACTIVE place in that concert, and a schedule of it', async () => {
    const server = await serve();
    const [hall, other] = [await openHall(server, { room: { capacity: 1 } }), await openHall(server)];
    const inside = await server.enter(await enterHall(hall));
    const waiting = await server.enter(await join(hall, 'bob'));
    await server.rooms.refresh(hall.concertId);
    waiting.send(watch());
    expect((await waiting.next('error')).problem).toMatchObject({ code: 'NOT_ACTIVE', status: 'WAITING', position: 1 });
    inside.send(watch('d9'));
    expect((await inside.next('error')).problem.code).toBe('SCHEDULE_NOT_FOUND');
    inside.send({ ...watch(), concertId: other.concertId });
    const elsewhere = await inside.next('error', ({ problem }) => problem.code === 'NOT_ACTIVE');
    expect(elsewhere.problem).toMatchObject({ status: null, position: null });
    // Refusals of this kind are no bad messages.
    for (let i = 0; i < 5; i++) waiting.send(watch());
    await waiting.all('error', 6);
    expect(server.sockets.count()).toBe(2);
    await Promise.all([inside.close(), waiting.close()]);
  });

  test('starts with a snapshot of the seats that are taken, then tells every change', async () => {
    const server = await serve();
    const hall = await openHall(server);
    const buyer = await enterHall(hall);
    await hold(server, buyer, { numbers: [1, 2] });
    const client = await server.enter(await enterHall(hall));
    client.send(watch());
    const snapshot = await client.next('seats');
    expect(snapshot).toEqual({
      type: 'seats',
      concertId: hall.concertId,
      scheduleId: 'd1',
      version: await versionOf(server, hall.concertId),
      full: true,
      changes: [
        ['A-1-1', 'HELD'],
        ['A-1-2', 'HELD'],
      ],
    });
    const reservation = await hold(server, buyer, { numbers: [7] });
    await cancel(server, reservation as Reservation);
    const [, held, freed] = await client.all('seats', 3);
    expect(held).toEqual({ ...snapshot, full: undefined, version: snapshot.version + 1, changes: [['A-1-7', 'HELD']] });
    expect(freed).toMatchObject({ version: snapshot.version + 2, changes: [['A-1-7', 'AVAILABLE']] });
    expect(freed?.version).toBe(await versionOf(server, hall.concertId));
    await client.close();
  });

  test('is told an empty hall as an empty snapshot', async () => {
    const server = await serve();
    const client = await enterWatching(server, await openHall(server));
    expect(seatsOf(client)[0]).toMatchObject({ full: true, changes: [] });
    await client.close();
  });

  test('ends with the place, and with unwatch', async () => {
    const server = await serve();
    const hall = await openHall(server);
    const claims = await enterHall(hall);
    const [over, unwatched] = [await server.enter(claims), await enterWatching(server, hall)];
    const other = await enterWatching(server, hall);
    over.send(watch());
    await over.next('seats');
    unwatched.send({ type: 'unwatch', scheduleId: 'd1' });
    over.send({ type: 'leave', queueId: claims.queueId });
    await over.next('ticket', ({ ticket }) => ticket.status === 'LEFT');
    over.send(watch());
    expect((await over.next('error')).problem).toMatchObject({ code: 'NOT_ACTIVE' });
    await hold(server, await enterHall(hall), { numbers: [3] });
    await other.all('seats', 2);
    expect([seatsOf(over).length, seatsOf(unwatched).length]).toEqual([1, 1]);
    await Promise.all([unwatched, other].map((client) => client.close()));
  });

  test('is one of four at most', async () => {
    const server = await serve();
    const schedules = ['d1', 'd2', 'd3', 'd4', 'd5'];
    const client = await server.enter(await enterHall(await openHall(server, { schedules })));
    for (const scheduleId of [...schedules, 'd1']) client.send(watch(scheduleId));
    await client.all('seats', 5);
    const { problem } = await client.next('error');
    expect(problem).toMatchObject({ code: 'VALIDATION', errors: [{ path: '/scheduleId' }] });
    client.send({ type: 'unwatch', scheduleId: 'd2' });
    client.send(watch('d5'));
    await client.next('seats', ({ scheduleId }) => scheduleId === 'd5');
    await client.close();
  });

  test('names its concert where the socket carries several', async () => {
    const server = await serve();
    const [one, two] = [await openHall(server), await openHall(server)];
    const client = await server.enter(await enterHall(one, 'ann'));
    client.send({ type: 'auth', token: server.tokens.signQueue(await enterHall(two, 'ann')) });
    client.send(watch());
    expect((await client.next('error')).problem).toMatchObject({
      code: 'VALIDATION',
      errors: [{ path: '/concertId' }],
    });
    for (const { concertId } of [one, two]) client.send({ ...watch(), concertId });
    for (const { concertId } of [one, two]) await client.next('seats', (message) => message.concertId === concertId);
    await hold(server, await enterHall(two), { numbers: [5] });
    await client.next('seats', ({ concertId, full }) => concertId === two.concertId && !full);
    expect(seatsOf(client)).toHaveLength(3);
    client.send({ type: 'unwatch', scheduleId: 'd1', concertId: two.concertId });
    await client.close();
  });

  test('starts anew with a snapshot where an import changes the seats', async () => {
    const server = await serve();
    const hall = await openHall(server, { seats: 10 });
    const client = await enterWatching(server, hall);
    await hold(server, await enterHall(hall), { numbers: [3] });
    await client.all('seats', 2);
    await openHall(server, { concertId: hall.concertId, seats: 20 });
    const [, , snapshot] = await client.all('seats', 3);
    expect(snapshot).toMatchObject({ full: true, changes: [['A-1-3', 'HELD']] });
    await hold(server, await enterHall(hall), { numbers: [20] });
    const [, , , change] = await client.all('seats', 4);
    expect(change).toMatchObject({ version: (snapshot?.version ?? 0) + 1, changes: [['A-1-20', 'HELD']] });
    await client.close();
  });

  test('ends with an error where an import removes its schedule, and may begin again once that is back', async () => {
    const server = await serve();
    const hall = await openHall(server, { schedules: ['d1', 'd2'] });
    const { concertId } = hall;
    const [client, other] = [await enterWatching(server, hall), await enterWatching(server, hall)];
    client.send(watch('d2'));
    const { version } = await client.next('seats', ({ scheduleId }) => scheduleId === 'd2');
    await openHall(server, { concertId, schedules: ['d1'] });
    const { problem } = await client.next('error');
    expect(problem).toMatchObject({ code: 'SCHEDULE_NOT_FOUND', concertId, scheduleId: 'd2' });
    client.send(watch('d2'));
    await client.all('error', 2);

    await openHall(server, { concertId, schedules: ['d1', 'd2'] });
    await hold(server, await enterHall(hall), { numbers: [1], scheduleId: 'd2' });
    await until(async () => (await server.seatMaps.read(concertId, 'd2')) !== null);
    client.send({ ...watch('d2'), version });
    const back = await client.next('seats', (frame) => frame.scheduleId === 'd2' && frame.version > version);
    expect(back).toMatchObject({ full: true, changes: [['A-1-1', 'HELD']] });
    expect(other.messages.filter(({ type }) => type === 'error')).toEqual([]);
    await Promise.all([client, other].map((each) => each.close()));
  });
});

describe('a resumed watch', () => {
  test('gets exactly what it has missed', async () => {
    const server = await serve();
    const hall = await openHall(server);
    const claims = await enterHall(hall);
    const first = await server.enter(claims);
    first.send(watch());
    const { version } = await first.next('seats');
    await first.close();
    for (const number of [1, 2, 3]) await hold(server, await enterHall(hall), { numbers: [number] });
    const again = await server.enter(claims);
    again.send({ ...watch(), version: version + 1 });
    const missed = await again.all('seats', 2);
    expect(missed.map((frame) => [frame.version, frame.full, frame.changes])).toEqual([
      [version + 2, undefined, [['A-1-2', 'HELD']]],
      [version + 3, undefined, [['A-1-3', 'HELD']]],
    ]);
    // With all of it known, the next frame is the next change.
    again.send({ ...watch(), version: version + 3 });
    await hold(server, await enterHall(hall), { numbers: [4] });
    const frames = await again.all('seats', 3);
    expect(frames.at(-1)).toMatchObject({ version: version + 4, changes: [['A-1-4', 'HELD']] });
    await again.close();
  });

  test('that is ahead of this process makes it read, and needs no snapshot', async () => {
    const [here, there] = [await serve(), await serve()];
    const hall = await openHall(here);
    const client = await enterWatching(there, hall);
    client.send({ type: 'unwatch', scheduleId: 'd1' });
    await there.seatMaps.stop();
    for (const number of [1, 2]) await hold(here, await enterHall(hall), { numbers: [number] });
    const version = (await here.seatMaps.read(hall.concertId, 'd1', { atLeastVersion: 3 }))?.version ?? 0;
    expect(version).toBeGreaterThan(seatsOf(client)[0]?.version ?? 0);
    client.send({ ...watch(), version });
    await until(() => there.seatMaps.changesSince(hall.concertId, 'd1', version) !== null);
    there.seatMaps.start();
    await hold(here, await enterHall(hall), { numbers: [9] });
    const [, next] = await client.all('seats', 2);
    expect(next).toMatchObject({ version: version + 1, changes: [['A-1-9', 'HELD']] });
    await client.close();
  });

  test.each([
    ['of the future', 1_000_000],
    ['that is not remembered', 0],
  ])('from a version %s gets a snapshot', async (_, version) => {
    const server = await serve();
    const hall = await openHall(server);
    await hold(server, await enterHall(hall), { numbers: [1] });
    await redis.del(hall.keys.seatLog('d1'));
    const client = await server.enter(await enterHall(hall));
    client.send({ ...watch(), version });
    expect(await client.next('seats')).toMatchObject({ full: true, changes: [['A-1-1', 'HELD']] });
    await client.close();
  });
});

/** Of each buyer: the storm is to outlast the watchers' arrival, not to wear the machine out. */
const PACE_MS = 5;

describe('a storm of holds', () => {
  test('reaches every watcher, whenever it came, without a gap', async () => {
    const server = await serve();
    const hall = await openHall(server, { seats: 200 });
    const buyers = await Promise.all(Array.from({ length: 12 }, () => enterHall(hall)));
    let storming = true;
    onTestFinished(() => void (storming = false));
    const storm = Promise.all(
      buyers.map(async (claims) => {
        const mine: Reservation[] = [];
        while (storming) {
          const number = 1 + Math.floor(Math.random() * 200);
          const held = mine.length < 7 ? await hold(server, claims, { numbers: [number] }) : null;
          if (held) mine.push(held);
          const given = Math.random() < 0.5 ? mine.pop() : undefined;
          if (given) await cancel(server, given);
          await sleep(PACE_MS);
        }
      }),
    );
    const watchers: Client[] = [];
    for (let i = 0; i < 15; i++) {
      const client = await enterWatching(server, hall);
      watchers.push(client);
      await client.all('seats', 20);
      // Some start over in the middle of it.
      if (i % 3 === 0) client.send(watch());
      if (i % 3 === 1) client.send({ ...watch(), version: seatsOf(client).at(-1)?.version });
    }
    storming = false;
    await storm;
    const version = Number(await redis.hget(hall.keys.stock, 'v:d1'));
    await until(() => watchers.every((client) => seatsOf(client).at(-1)?.version === version));
    const truth = (await server.seatMaps.read(hall.concertId, 'd1', { atLeastVersion: version }))?.taken() ?? [];
    for (const [i, client] of watchers.entries()) {
      const frames = seatsOf(client);
      expect(fold(frames)).toEqual({ version, taken: new Map(truth) });
      // Who never asked again was told each version once.
      const first = frames[0]?.version ?? 0;
      if (i % 3 === 2) expect(frames.map((frame, n) => frame.version - n)).toEqual(frames.map(() => first));
    }
    expect(version).toBeGreaterThan(300);
    await Promise.all(watchers.map((client) => client.close()));
  });
});

describe('a slow reader', () => {
  /** A hall whose snapshot is long: 30,000 seats, all sold. */
  async function openFullHall(server: Server) {
    const hall = await openHall(server, { seats: 30_000 });
    await redis.set(hall.keys.status('d1'), 'S'.repeat(30_000));
    return hall;
  }
  const fast = { WS_MESSAGES_A_SECOND: 1_000, WS_INBOX_MAX: 1_000 };

  /** Asks for snapshots and reads none until the system takes no more. */
  async function clog(server: Server, client: Client, done: () => boolean) {
    client.raw.pause();
    const before = server.told.get('seats') ?? 0;
    await until(() => {
      client.send(watch());
      return done();
    });
    expect(server.told.get('seats')).toBeGreaterThan(before);
  }

  test('is closed with 4408 when it has not read a snapshot in time', async () => {
    const server = await serve({ limits: { ...fast, WS_CATCH_UP_MS: 300 } });
    const hall = await openFullHall(server);
    // Time passes while the reader reads nothing, and not while the machine pauses.
    const clock = stopClock();
    const client = await enterWatching(server, hall);
    await clog(server, client, () => {
      clock.pass(10);
      return (server.told.get(4408) ?? 0) > 0;
    });
    client.raw.resume();
    expect(await client.closed).toBe(4408);
    expect(seatsOf(client).every(({ full, changes }) => full && changes.length === 30_000)).toBe(true);
  });

  test('is closed with 4408 when too much waits for it', async () => {
    const server = await serve({ limits: { ...fast, WS_CATCH_UP_BYTES: 2 ** 40 } });
    const client = await enterWatching(server, await openFullHall(server));
    await clog(server, client, () => (server.told.get(4408) ?? 0) > 0);
    client.raw.resume();
    expect(await client.closed).toBe(4408);
  });

  test('is cut off where even more would wait for it', async () => {
    const limits = {
      ...fast,
      WS_CATCH_UP_BYTES: 2 ** 40,
      WS_BACKPRESSURE_MAX_BYTES: 2 ** 40,
      WS_BUFFER_MAX_BYTES: 1_000_000,
    };
    const server = await serve({ limits });
    const client = await enterWatching(server, await openFullHall(server));
    await clog(server, client, () => (server.told.get(4408) ?? 0) > 0);
    await until(() => server.sockets.count() === 0);
    expect(server.told.get(4408)).toBe(1);
    client.raw.terminate();
  });

  test('that catches up in time has missed nothing', async () => {
    const server = await serve({ limits: fast });
    const hall = await openFullHall(server);
    const buyer = await enterHall(hall);
    await redis.setrange(hall.keys.status('d1'), 0, 'AAAAA');
    const client = await server.enter(buyer);
    const witness = await enterWatching(server, hall);
    const sentNow = () => server.told.get('seats') ?? 0;
    let sent = -1;
    await clog(server, client, () => {
      // No more snapshots go out: the rest waits for the reader.
      const stuck = sent === sentNow();
      sent = sentNow();
      return stuck && sent > 5;
    });
    const reservation = await hold(server, buyer, { numbers: [1] });
    await hold(server, buyer, { numbers: [2] });
    await cancel(server, reservation as Reservation);
    const { version } = await witness.next('seats', ({ changes }) => changes[0]?.[1] === 'AVAILABLE');
    client.raw.resume();
    await until(() => seatsOf(client).at(-1)?.version === version);
    await hold(server, buyer, { numbers: [3] });
    await until(() => seatsOf(client).at(-1)?.version === version + 1);
    expect(fold(seatsOf(client)).taken.size).toBe(30_000 - 3);
    const told = client.messages.flatMap((m) => (m.type === 'reservation' ? [m.reservation.status] : []));
    expect(told).toEqual(expect.arrayContaining(['HELD', 'HELD', 'CANCELLED', 'HELD']));
    expect(server.told.get(4408)).toBeUndefined();
    await Promise.all([client.close(), witness.close()]);
  });
});

test('a stranger watches nothing', async () => {
  const server = await serve();
  const client = await openClient(server.port);
  client.send(watch());
  expect(await client.closed).toBe(4401);
});
