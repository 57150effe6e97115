/** The contract's "Operators": imports with their ranges and defaults, rooms, places, stats. */
import { beforeAll, describe, expect, test } from 'vitest';
import { concertInput, enter, type Fan, newFans } from '../testing/fan.ts';
import { until } from '../testing/until.ts';
import { count, expectShape, type Loose, SHAPES, systemUnderTest, time, SOON_MS } from './contract.fixture.ts';

const under = await systemUnderTest();
const pool: Fan[] = [];
beforeAll(async () => void pool.push(...(await newFans(under.url, 8))));

function aFan(): Fan {
  const fan = pool.pop();
  if (!fan) throw new Error('no fans left');
  return fan;
}

const put = (concertId: string, body: object, query = '') =>
  under.operator(`/concerts/${concertId}${query}`, { method: 'PUT', body });
const patch = (concertId: string, body: object) =>
  under.operator(`/concerts/${concertId}/room`, { method: 'PATCH', body });
const hold = (queue: string, seatIds: string[]) =>
  under.call('/api/v1/reservations', { body: { scheduleId: 'd1', seatIds }, queue });
const seatIdsOf = async (concertId: string, queue: string) =>
  (await under.call(`/api/v1/concerts/${concertId}/schedules/d1/seats`, { queue })).body.seats.map(
    (seat: Loose) => seat.seatId,
  );

const section = (name: string, price: number, ...rows: [string, number][]) => ({
  section: name,
  price,
  rows: rows.map(([row, seats]) => ({ row, seats })),
});
const oneDate = (...sections: object[]) => ({
  title: 'T',
  venue: 'V',
  schedules: [{ scheduleId: 'd1', startsAt: '2027-06-01T19:00:00Z', sections }],
});
const COUNTS = { added: count, removed: count, repriced: count, unchanged: count };
const CONCERT = {
  concertId: expect.any(String),
  title: expect.any(String),
  venue: expect.any(String),
  timeZone: expect.any(String),
  currency: 'KRW',
  seatLimit: count,
  schedules: expect.any(Array),
  room: SHAPES.room,
};

describe('an import', () => {
  test('creates (201) and changes (200), and answers the concert with the counts', async () => {
    const made = await put('made', oneDate(section('A', 10, ['1', 3])));
    expect([made.status, made.headers.get('location')]).toEqual([201, '/api/v1/concerts/made']);
    expect(made.body).toStrictEqual({ ...CONCERT, ...COUNTS });
    expect(made.body).toMatchObject({
      added: 3,
      removed: 0,
      repriced: 0,
      unchanged: 0,
      schedules: [{ totalSeats: 3, availableSeats: 3 }],
    });
    const changed = await put('made', oneDate(section('A', 10, ['1', 2], ['2', 1]), section('B', 5, ['1', 1])));
    expect([changed.status, changed.body]).toEqual([
      200,
      expect.objectContaining({ added: 2, removed: 1, repriced: 0, unchanged: 2 }),
    ]);
    const priced = await put('made', oneDate(section('A', 11, ['1', 2], ['2', 1]), section('B', 5, ['1', 1])));
    expect(priced.body).toMatchObject({ added: 0, removed: 0, repriced: 3, unchanged: 1 });
    const { body } = await under.call('/api/v1/concerts/made');
    const { added: _a, removed: _r, repriced: _p, unchanged: _u, ...concert } = priced.body;
    expect({ ...body, room: null }).toEqual({ ...concert, room: null });
  });

  test('has the defaults of the contract', async () => {
    const { body } = await put('plain', oneDate(section('A', 10, ['1', 9])));
    expect(body).toMatchObject({
      timeZone: 'UTC',
      currency: 'KRW',
      seatLimit: 4,
      room: { state: 'OPEN', opensAt: null, capacity: 1_000 },
    });
    const { token } = await enter(under.url, aFan(), 'plain');
    const ticket = (await under.call('/api/v1/queue', { queue: token })).body;
    const seconds = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1_000;
    expect(seconds(ticket.serverTime, ticket.expiresAt)).toBeGreaterThan(50); // claimSeconds 60
    expect(seconds(ticket.serverTime, ticket.expiresAt)).toBeLessThanOrEqual(60);
    await seatIdsOf('plain', token);
    const claimed = (await under.call('/api/v1/queue', { queue: token })).body;
    expect(seconds(claimed.serverTime, claimed.expiresAt)).toBeGreaterThan(590); // sessionSeconds 600
    const held = await hold(token, ['A-1-1']);
    expect(seconds(held.body.createdAt, held.body.expiresAt)).toBe(300);
    const again = await under.call('/api/v1/queue', { body: { concertId: 'plain' }, bearer: '' });
    expect(again.status).toBe(401);
  });

  test('names seats <section>-<row>-<number>, in any script', async () => {
    await put(
      'script',
      oneDate(section('가나', 1, ['ㄱ', 2]), section('Ünï1', 2, ['x'.repeat(16), 1]), section('9', 3, ['0', 1])),
    );
    const { token } = await enter(under.url, aFan(), 'script');
    expect(await seatIdsOf('script', token)).toEqual(['가나-ㄱ-1', '가나-ㄱ-2', `Ünï1-${'x'.repeat(16)}-1`, '9-0-1']);
    expect((await hold(token, ['가나-ㄱ-2'])).status).toBe(201);
  });

  const base = oneDate(section('A', 10, ['1', 1]));
  const date = base.schedules[0] as object;
  const wrong: [string, object][] = [
    ['no title', { ...base, title: undefined }],
    ['an empty title', { ...base, title: '' }],
    ['no venue', { ...base, venue: undefined }],
    ['no schedules', { ...base, schedules: undefined }],
    ['another currency', { ...base, currency: 'USD' }],
    ['an unknown zone', { ...base, timeZone: 'Mars/Olympus' }],
    ['an offset for a zone', { ...base, timeZone: '+09:00' }],
    ...[0, 9, 1.5, '4'].map((seatLimit): [string, object] => [`seatLimit ${seatLimit}`, { ...base, seatLimit }]),
    ...[0, 3_601, '300'].map((holdSeconds): [string, object] => [
      `holdSeconds ${holdSeconds}`,
      { ...base, holdSeconds },
    ]),
    ...['2027-06-01T19:00:00', '2027-06-01', '2027-02-30T19:00:00Z', '2027-06-01T19:00:60Z', 'soon', 7].map(
      (startsAt): [string, object] => [`startsAt ${startsAt}`, { ...base, schedules: [{ ...date, startsAt }] }],
    ),
    ...['', 'NO', 'a_b', '-a', 'x'.repeat(65)].map((scheduleId): [string, object] => [
      `scheduleId ${scheduleId}`,
      { ...base, schedules: [{ ...date, scheduleId }] },
    ]),
    ['no sections', oneDate()],
    ['no rows', oneDate({ section: 'A', price: 1, rows: [] })],
    ...['', 'a-b', 'a b', 'x'.repeat(17), '😀', 'a_'].flatMap((name): [string, object][] => [
      [`section ${name}`, oneDate(section(name, 1, ['1', 1]))],
      [`row ${name}`, oneDate(section('A', 1, [name, 1]))],
    ]),
    ...[-1, 1.5, 100_000_001, '1'].map((price): [string, object] => [
      `price ${price}`,
      oneDate(section('A', price as number, ['1', 1])),
    ]),
    ...[0, -1, 1.5, 200_001].map((seats): [string, object] => [
      `${seats} seats`,
      oneDate(section('A', 1, ['1', seats])),
    ]),
    ['200,001 seats in all', oneDate(section('A', 1, ['1', 100_000], ['2', 100_001]))],
    [
      '101 schedules',
      { ...base, schedules: Array.from({ length: 101 }, (_, i) => ({ ...date, scheduleId: `d${i}` })) },
    ],
    ['a schedule twice', { ...base, schedules: [date, date] }],
    ['a row twice', oneDate(section('A', 1, ['1', 1], ['1', 1]))],
    ['a row twice over two sections of a name', oneDate(section('A', 1, ['1', 1]), section('A', 2, ['1', 1]))],
    ...roomFaults().map(([what, room]): [string, object] => [what, { ...base, room }]),
  ];
  test.each(wrong)('with %s is refused', async (_, body) => {
    const refused = await put('never', body);
    expect(refused.body.code).toBe('VALIDATION');
    expect(refused.body.errors.length).toBeGreaterThan(0);
  });

  test('takes the ends of every range', async () => {
    const ends: object[] = [
      { ...base, seatLimit: 1, holdSeconds: 1, timeZone: 'America/New_York', currency: 'KRW' },
      { ...base, seatLimit: 8, holdSeconds: 3_600 },
      { ...base, schedules: [] },
      { ...base, schedules: Array.from({ length: 100 }, (_, i) => ({ ...date, scheduleId: `d${i}` })) },
      oneDate(section('A', 0, ['1', 1]), section('B', 100_000_000, ['1', 1])),
      {
        ...base,
        room: {
          capacity: 0,
          admitPerSecond: 0,
          sessionSeconds: 1,
          claimSeconds: 1,
          reentry: 'supersede',
          state: 'PAUSED',
        },
      },
      {
        ...base,
        room: {
          capacity: 1_000_000,
          admitPerSecond: 100_000,
          sessionSeconds: 86_400,
          claimSeconds: 86_400,
          opensAt: null,
        },
      },
    ];
    for (const [i, body] of ends.entries()) expect([i, (await put(`end-${i}`, body)).status]).toEqual([i, 201]);
    expect((await put('x'.repeat(64), base)).status).toBe(201);
    expect((await put('200k', oneDate(section('A', 1, ['1', 200_000])))).body).toMatchObject({ added: 200_000 });
    for (const id of ['schedules', 'NO', 'a.b', 'x'.repeat(65), '-a'])
      expect((await put(id, base)).body.code, id).toBe('VALIDATION');
    expect((await under.call('/api/v1/concerts/never')).status).toBe(404);
  });

  test('leaves what `room` does not name as it is', async () => {
    await put('stay', { ...base, room: { state: 'PAUSED', capacity: 7, opensAt: '2099-01-01T00:00:00Z' } });
    expect((await put('stay', base)).body.room).toMatchObject({
      state: 'PAUSED',
      capacity: 7,
      opensAt: '2099-01-01T00:00:00.000Z',
    });
    expect((await put('stay', { ...base, room: { capacity: 8 } })).body.room).toMatchObject({
      state: 'PAUSED',
      capacity: 8,
    });
    expect((await patch('stay', { state: 'OPEN' })).body).toMatchObject({ state: 'OPEN', capacity: 8 });
  });

  test('by dryRun tells what would change, with 200, and changes nothing', async () => {
    const fresh = await put('dry', base, '?dryRun=true');
    expect([fresh.status, fresh.body]).toEqual([200, { ...CONCERT, ...COUNTS }]);
    expect(fresh.body).toMatchObject({ concertId: 'dry', added: 1, room: { seatsLeft: 1, waiting: 0 } });
    expect((await under.call('/api/v1/concerts/dry')).status).toBe(404);
    expect(
      (await under.call('/api/v1/concerts?limit=100')).body.concerts.map((one: Loose) => one.concertId),
    ).not.toContain('dry');
    expect((await put('dry', base, '?dryRun=false')).status).toBe(201);
    const more = { ...oneDate(section('A', 11, ['1', 3])), title: 'Other', room: { capacity: 5 } };
    const dry = await put('dry', more, '?dryRun=true');
    expect(dry.body).toMatchObject({
      title: 'Other',
      added: 2,
      repriced: 1,
      removed: 0,
      unchanged: 0,
      room: { capacity: 5, seatsLeft: 3 },
    });
    expect((await under.call('/api/v1/concerts/dry')).body).toMatchObject({
      title: 'T',
      room: { capacity: 1_000, seatsLeft: 1 },
    });
    expect((await put('dry', base, '?dryRun=maybe')).body.code).toBe('VALIDATION');
  });

  test('that would remove or reprice a held or sold seat is IMPORT_CONFLICT, by dryRun too, and changes nothing', async () => {
    await put('busy', { ...concertInput({ seats: 5 }) });
    const fan = aFan();
    const { token } = await enter(under.url, fan, 'busy');
    await under.call(`/api/v1/users/${fan.userId}/balance`, { body: { amount: 1_000 }, queue: token });
    const sold = await hold(token, ['A-1-5']);
    const held = await hold(token, ['A-1-4']);
    await under.call('/api/v1/payments', { body: { reservationId: sold.body.reservationId }, queue: token });
    for (const query of ['', '?dryRun=true'])
      for (const input of [
        concertInput({ seats: 3 }),
        concertInput({ seats: 5, price: 999 }),
        { ...concertInput(), schedules: [] },
      ]) {
        const { status, body } = await put('busy', input, query);
        expect([status, body.code]).toEqual([409, 'IMPORT_CONFLICT']);
        expect(body.conflicts.map(({ path }: Loose) => path)).toEqual(
          ['A-1-4', 'A-1-5'].map((id) => expect.stringContaining(id)),
        );
      }
    const map = await under.call('/api/v1/concerts/busy/schedules/d1/seats', { queue: token });
    expect([map.body.available, map.body.seats.length]).toEqual([3, 5]);
    expect((await put('busy', concertInput({ seats: 7 }))).body).toMatchObject({ added: 2, unchanged: 5 });
    await under.call(`/api/v1/reservations/${held.body.reservationId}`, { method: 'DELETE', queue: token });
    expect((await put('busy', concertInput({ seats: 4 }))).body).toMatchObject({
      code: 'IMPORT_CONFLICT',
      conflicts: [{}],
    });
  });
});

function roomFaults(): [string, Record<string, unknown>][] {
  const table: Record<string, unknown[]> = {
    state: ['open', 'NOPE', null, 1],
    opensAt: ['soon', '2027-06-01T19:00:00', '2027-02-30T00:00:00Z', '2027-06-01T23:59:60Z', 5],
    capacity: [-1, 1_000_001, 1.5, '7', null],
    admitPerSecond: [-1, 100_001, 0.5],
    sessionSeconds: [0, 86_401, 1.5],
    claimSeconds: [0, 86_401, -5],
    reentry: ['maybe', null],
  };
  return Object.entries(table).flatMap(([name, values]) =>
    values.map((value): [string, Record<string, unknown>] => [
      `room.${name} ${JSON.stringify(value)}`,
      { [name]: value },
    ]),
  );
}

describe('the room', () => {
  beforeAll(() => put('room', concertInput()).then(() => {}));

  test('any part of it can be changed; the answer is the room', async () => {
    const changes = [
      { capacity: 9 },
      { state: 'CLOSED', opensAt: '2099-01-01T00:00:00+01:00' },
      { opensAt: null, state: 'OPEN' },
      { reentry: 'supersede' },
      {},
    ];
    for (const change of changes) {
      const { status, body } = await patch('room', change);
      expect(status).toBe(200);
      expectShape('room', body);
    }
    expect((await patch('room', {})).body).toMatchObject({ capacity: 9, state: 'OPEN', opensAt: null });
    expect((await patch('none', {})).body.code).toBe('CONCERT_NOT_FOUND');
    expect((await patch('none', { capacity: -1 })).body.code).toBe('VALIDATION');
  });

  test('what it is set to can be read', async () => {
    const set = () => under.operator('/concerts/set/room');
    expect((await set()).body.code).toBe('CONCERT_NOT_FOUND');
    await put('set', concertInput({ room: { capacity: 7, sessionSeconds: 90 } }));
    const settings = {
      state: 'OPEN',
      opensAt: null,
      capacity: 7,
      admitPerSecond: 10_000,
      sessionSeconds: 90,
      claimSeconds: 60,
      reentry: 'reject',
    };
    expect((await set()).body).toStrictEqual(settings);
    await patch('set', { state: 'CLOSED', opensAt: '2099-01-01T00:00:00Z', reentry: 'supersede', claimSeconds: 5 });
    const opensAt = '2099-01-01T00:00:00.000Z';
    const changed = { ...settings, state: 'CLOSED', opensAt, reentry: 'supersede', claimSeconds: 5 };
    expect((await set()).body).toStrictEqual(changed);
    expect((await under.call('/api/v1/admin/concerts/set/room')).status).toBe(401);
  });

  test.each(roomFaults())('%s is refused, and the room goes on', async (_, change) => {
    expect((await patch('room', change)).body.code).toBe('VALIDATION');
    const room = await under.call('/api/v1/concerts/room/room');
    expect([room.status, room.body.capacity]).toEqual([200, 9]);
  });

  test('takes times as imports do: with an offset, in any case', async () => {
    for (const opensAt of ['2099-01-01t00:00:00z', '2099-01-01T09:00:00+09:00', '2099-01-01T00:00:00.000000Z'])
      expect((await patch('room', { opensAt })).body.opensAt).toBe('2099-01-01T00:00:00.000Z');
    await patch('room', { opensAt: null });
  });

  test('a change takes effect within one tick', async () => {
    await put('tick', concertInput({ room: { capacity: 0 } }));
    const joined = await under.call('/api/v1/queue', { body: { concertId: 'tick' }, bearer: aFan().accessToken });
    await patch('tick', { capacity: 1 });
    const status = async () => (await under.call('/api/v1/queue', { queue: joined.body.token })).body.status;
    await until(async () => (await status()) === 'ACTIVE', { timeoutMs: SOON_MS });
    expect((await under.call('/api/v1/concerts/tick/room')).body).toMatchObject({ capacity: 1, active: 1 });
  });
});

describe('places', () => {
  test('are shown with their user and holds, without the token; removed with 204', async () => {
    await put('seen', concertInput());
    const fan = aFan();
    const { token, queueId } = await enter(under.url, fan, 'seen');
    const held = await hold(token, ['A-1-1', 'A-1-2']);
    const path = `/concerts/seen/queue/${queueId}`;
    const { token: _, ...ticket } = SHAPES.ticket;
    const { body } = await under.operator(path);
    expect(body).toStrictEqual({
      ...ticket,
      userId: fan.userId,
      holds: [{ reservationId: held.body.reservationId, seats: 2, expiresAt: time }],
    });
    for (let i = 0; i < 2; i++) expect((await under.operator(path, { method: 'DELETE' })).status).toBe(204);
    expect((await under.operator(path)).body).toMatchObject({ status: 'LEFT', reason: 'REMOVED', holds: [] });
    for (const method of ['GET', 'DELETE']) {
      expect((await under.operator('/concerts/seen/queue/q_none', { method })).body.code).toBe('QUEUE_NOT_FOUND');
      expect((await under.operator(`/concerts/none/queue/${queueId}`, { method })).body.code).toBe('CONCERT_NOT_FOUND');
    }
  });

  test('are counted in the stats, with seats, money and what PostgreSQL lacks', async () => {
    await put('stats', concertInput({ seats: 10, room: { capacity: 2 } }));
    const none = (await under.operator('/concerts/stats/stats')).body;
    expect(none).toStrictEqual({
      waiting: 0,
      active: 0,
      admitted: 0,
      expired: 0,
      noShows: 0,
      left: 0,
      held: 0,
      sold: 0,
      revenue: 0,
      outboxLag: 0,
    });
    const fan = aFan();
    const { token } = await enter(under.url, fan, 'stats');
    await under.call(`/api/v1/users/${fan.userId}/balance`, { body: { amount: 5_000 }, queue: token });
    const first = await hold(token, ['A-1-1', 'A-1-2']);
    await hold(token, ['A-1-3']);
    await under.call('/api/v1/payments', { body: { reservationId: first.body.reservationId }, queue: token });
    const stats = async () => (await under.operator('/concerts/stats/stats')).body;
    await until(async () => (await stats()).outboxLag === 0);
    expect(await stats()).toEqual({ ...none, active: 1, admitted: 1, held: 1, sold: 2, revenue: 2_000 });
    expect((await under.operator('/concerts/none/stats')).body.code).toBe('CONCERT_NOT_FOUND');
  });
});

test('a reset by Idempotency-Key happens once', async () => {
  await put('reset', concertInput());
  const reset = (headers = {}) => under.operator('/concerts/reset/room/reset', { method: 'POST', headers });
  const first = await reset({ 'idempotency-key': 'r1' });
  expectShape('room', first.body);
  const { token } = await enter(under.url, aFan(), 'reset');
  expect((await reset({ 'idempotency-key': 'r1' })).body).toEqual(first.body);
  expect((await under.call('/api/v1/queue', { queue: token })).status).toBe(200);
  await reset({ 'idempotency-key': 'r2' });
  expect((await under.call('/api/v1/queue', { queue: token })).body.code).toBe('QUEUE_NOT_FOUND');
  expect((await under.operator('/concerts/none/room/reset', { method: 'POST' })).body.code).toBe('CONCERT_NOT_FOUND');
});
