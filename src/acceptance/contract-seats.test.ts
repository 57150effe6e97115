/** The contract's dates, seats and holds, and how fresh they are. */
import { beforeAll, describe, expect, test } from 'vitest';
import { call as rawCall, concertInput, enter, type Fan, newFans } from '../testing/fan.ts';
import { until } from '../testing/until.ts';
import { expectShape, type Loose, SCHEDULE, SEAT, SEAT_ON_MAP, systemUnderTest, SOON_MS } from './contract.fixture.ts';

const under = await systemUnderTest();
const pool: Fan[] = [];
beforeAll(async () => void pool.push(...(await newFans(under.url, 24))), 60_000);

function aFan(): Fan {
  const fan = pool.pop();
  if (!fan) throw new Error('no fans left');
  return fan;
}

const put = (concertId: string, body: object) => under.operator(`/concerts/${concertId}`, { method: 'PUT', body });
const admitted = async (concertId: string) => (await enter(under.url, aFan(), concertId)).token;
const get = (path: string, queue: string, headers = {}) => under.call(`/api/v1/concerts/${path}`, { queue, headers });
const hold = (queue: string, scheduleId: string, seatIds: string[], headers = {}) =>
  under.call('/api/v1/reservations', { body: { scheduleId, seatIds }, queue, headers });
const cancel = (reservationId: string, queue: string) =>
  under.call(`/api/v1/reservations/${reservationId}`, { method: 'DELETE', queue });
const ids = (list: Loose[]) => list.map((one) => one.scheduleId ?? one.seatId);

/** Three dates, one of them late in the evening of Seoul, which is another day in UTC; in no order. */
const SHOW = {
  title: 'Winter Night',
  venue: 'Jamsil',
  timeZone: 'Asia/Seoul',
  seatLimit: 8,
  schedules: [
    {
      scheduleId: 's3',
      startsAt: '2026-12-26T00:30:00+09:00',
      sections: [{ section: 'A', price: 5, rows: [{ row: '1', seats: 1 }] }],
    },
    {
      scheduleId: 's1',
      startsAt: '2026-12-24T19:00:00+09:00',
      sections: [
        {
          section: 'A',
          price: 150_000,
          rows: [
            { row: '1', seats: 3 },
            { row: '2', seats: 2 },
          ],
        },
        { section: '가', price: 0, rows: [{ row: 'b', seats: 1 }] },
      ],
    },
    {
      scheduleId: 's2',
      startsAt: '2026-12-24T23:30:00+09:00',
      sections: [{ section: 'A', price: 7, rows: [{ row: '1', seats: 2 }] }],
    },
  ],
  room: { admitPerSecond: 10_000 },
};

describe('dates', () => {
  let token: string;
  beforeAll(async () => {
    await put('dates', SHOW);
    token = await admitted('dates');
    expect((await hold(token, 's2', ['A-1-1', 'A-1-2'])).status).toBe(201);
    // a count is at most 500 ms behind
    const counted = async () => (await get('dates/schedules', token)).body.schedules.length;
    await until(async () => (await counted()) === 2, { timeoutMs: SOON_MS });
  });

  test('have the members of the contract, by startsAt, in UTC, their day in the concert’s zone', async () => {
    const { body } = await get('dates/schedules?soldOut=true', token);
    expect(body).toStrictEqual({ schedules: [SCHEDULE, SCHEDULE, SCHEDULE] });
    expect(body.schedules).toMatchObject([
      { scheduleId: 's1', startsAt: '2026-12-24T10:00:00.000Z', date: '2026-12-24', totalSeats: 6, availableSeats: 6 },
      { scheduleId: 's2', startsAt: '2026-12-24T14:30:00.000Z', date: '2026-12-24', totalSeats: 2, availableSeats: 0 },
      { scheduleId: 's3', startsAt: '2026-12-25T15:30:00.000Z', date: '2026-12-26', totalSeats: 1, availableSeats: 1 },
    ]);
  });

  test.each([
    ['', ['s1', 's3']],
    ['soldOut=false', ['s1', 's3']],
    ['soldOut=true', ['s1', 's2', 's3']],
    ['from=2026-12-24&to=2026-12-24&soldOut=true', ['s1', 's2']],
    ['from=2026-12-25', ['s3']],
    ['from=2026-12-26', ['s3']],
    ['to=2026-12-25', ['s1']],
    ['to=2026-12-26', ['s1', 's3']],
    ['from=2026-12-27', []],
    ['from=2026-12-26&to=2026-12-24', []],
    ['from=2026-02-30', 'query/from'],
    ['to=24.12.2026', 'query/to'],
    ['from=', 'query/from'],
    ['soldOut=1', 'query/soldOut'],
    ['nope=1', 'query/nope'],
  ])('schedules?%s', async (query, expected) => {
    const { body } = await get(`dates/schedules?${query}`, token);
    if (typeof expected === 'string') expect(body).toMatchObject({ code: 'VALIDATION', errors: [{ path: expected }] });
    else expect(ids(body.schedules)).toEqual(expected);
  });

  test('and seats in one call, of the queue token’s concert: those dates with seats left', async () => {
    const { body } = await get('schedules', token);
    expect(ids(body.schedules)).toEqual(['s1', 's3']);
    expect(Object.keys(body)).toEqual(['schedules']);
    for (const { seats, ...schedule } of body.schedules) {
      expect(schedule).toStrictEqual(SCHEDULE);
      expect(seats).toStrictEqual(Array(schedule.totalSeats).fill(SEAT_ON_MAP));
    }
  });

  test('of one day: a map of every schedule on that date', async () => {
    const { body } = await get('dates/seats?date=2026-12-24', token);
    expect(ids(body.schedules)).toEqual(['s1', 's2']);
    for (const map of body.schedules)
      expect(Object.keys(map).sort()).toEqual(['available', 'scheduleId', 'seats', 'version']);
    expect(body.schedules[1]).toEqual((await get('dates/schedules/s2/seats', token)).body);
    const held = await get('dates/seats?date=2026-12-24&status=HELD', token);
    expect(held.body.schedules.map((map: Loose) => ids(map.seats))).toEqual([[], ['A-1-1', 'A-1-2']]);
    expect((await get('dates/seats?date=2026-12-25', token)).body).toEqual({ schedules: [] });
    for (const query of ['', '?date=', '?date=2026-13-01', '?date=2026-12-24&status=NOPE'])
      expect((await get(`dates/seats${query}`, token)).body.code, query).toBe('VALIDATION');
  });

  test('the concert shows the same to everybody, without a token', async () => {
    const { body } = await under.call('/api/v1/concerts/dates');
    expect(Object.keys(body).sort()).toEqual([
      'concertId',
      'currency',
      'room',
      'schedules',
      'seatLimit',
      'timeZone',
      'title',
      'venue',
    ]);
    expect(body).toMatchObject({
      concertId: 'dates',
      title: 'Winter Night',
      venue: 'Jamsil',
      timeZone: 'Asia/Seoul',
      currency: 'KRW',
      seatLimit: 8,
    });
    expectShape('room', body.room);
    expect(body.room.seatsLeft).toBe(7);
    expect(body.schedules).toMatchObject([{ availableSeats: 6 }, { availableSeats: 0 }, { availableSeats: 1 }]);
    const { body: list } = await under.call('/api/v1/concerts?limit=100');
    expect(Object.keys(list).sort()).toEqual(['concerts', 'nextCursor']);
    expect(list.concerts.find((one: Loose) => one.concertId === 'dates')).toMatchObject({
      ...body,
      room: expect.anything(),
    });
    for (const id of ['none', 'x'.repeat(64)])
      expect((await under.call(`/api/v1/concerts/${id}`)).body.code).toBe('CONCERT_NOT_FOUND');
    for (const id of ['NO', 'a_b', '-a', 'x'.repeat(65), '%20'])
      expect((await under.call(`/api/v1/concerts/${id}`)).body.code).toBe('VALIDATION');
  });
});

describe('a seat map', () => {
  let token: string;
  const path = 'map/schedules/s1/seats';
  beforeAll(async () => {
    await put('map', SHOW);
    token = await admitted('map');
  });

  test('has every seat with its place, price and status; a filter leaves `available` as it is', async () => {
    const held = await hold(token, 's1', ['A-1-2']);
    const paid = await hold(token, 's1', ['가-b-1']);
    expect([held.status, paid.status]).toEqual([201, 201]);
    expect(
      (await under.call('/api/v1/payments', { body: { reservationId: paid.body.reservationId }, queue: token })).status,
    ).toBe(201);
    const { body } = await get(path, token);
    expect(body).toStrictEqual({
      scheduleId: 's1',
      version: expect.any(Number),
      available: 4,
      seats: Array(6).fill(SEAT_ON_MAP),
    });
    expect(body.seats[0]).toStrictEqual({
      seatId: 'A-1-1',
      section: 'A',
      row: '1',
      number: 1,
      price: 150_000,
      status: 'AVAILABLE',
    });
    expect(body.seats.map((seat: Loose) => [seat.seatId, seat.status])).toEqual([
      ['A-1-1', 'AVAILABLE'],
      ['A-1-2', 'HELD'],
      ['A-1-3', 'AVAILABLE'],
      ['A-2-1', 'AVAILABLE'],
      ['A-2-2', 'AVAILABLE'],
      ['가-b-1', 'SOLD'],
    ]);
    for (const [status, seats] of [
      ['AVAILABLE', ['A-1-1', 'A-1-3', 'A-2-1', 'A-2-2']],
      ['HELD', ['A-1-2']],
      ['SOLD', ['가-b-1']],
    ] as const) {
      const filtered = await get(`${path}?status=${status}`, token);
      expect([ids(filtered.body.seats), filtered.body.available, filtered.body.version]).toEqual([
        seats,
        4,
        body.version,
      ]);
    }
    for (const bad of ['status=', 'status=available', 'status=HELD&status=SOLD', 'status=HELD,SOLD'])
      expect((await get(`${path}?${bad}`, token)).body.code, bad).toBe('VALIDATION');
    expect((await get('map/schedules/s9/seats', token)).body.code).toBe('SCHEDULE_NOT_FOUND');
  });

  test('shows its caller’s own change at once, each version one more than the last', async () => {
    const other = await admitted('map');
    let { version } = (await get(path, other)).body;
    for (let i = 0; i < 5; i++) {
      const held = await hold(other, 's1', ['A-2-1', 'A-2-2']);
      const after = (await get(path, other)).body;
      expect([after.version, after.available]).toEqual([version + 1, 2]);
      await cancel(held.body.reservationId, other);
      const back = (await get(path, other)).body;
      expect([back.version, back.available]).toEqual([version + 2, 4]);
      ({ version } = back);
    }
  });

  test('shows others a change, and a hold’s end, within its time; counts too', async () => {
    await put('quick', concertInput({ seats: 2 }));
    const [one, two] = [await admitted('quick'), await admitted('quick')];
    const available = async () => (await get('quick/schedules/d1/seats', two)).body.available;
    const counted = async () => (await under.call('/api/v1/concerts/quick')).body.schedules[0].availableSeats;
    expect(await available()).toBe(2);
    const shown = async (seats: number) => (await available()) === seats && (await counted()) === seats;
    const long = await hold(one, 'd1', ['A-1-1']);
    await until(() => shown(1), { timeoutMs: SOON_MS });
    await cancel(long.body.reservationId, one);
    await until(() => shown(2), { timeoutMs: SOON_MS });
    await put('quick', concertInput({ seats: 2, holdSeconds: 1 }));
    const short = await hold(one, 'd1', ['A-1-1']);
    expect(short.status).toBe(201);
    const endsMs = Date.parse(short.body.expiresAt);
    // Its holder is shown it at once, and so is shown two again only after its end.
    await until(async () => (await get('quick/schedules/d1/seats', one)).body.available === 2, { everyMs: 25 });
    expect(Date.now()).toBeGreaterThanOrEqual(endsMs);
    await until(() => shown(2), { everyMs: 25 });
    expect(Date.now() - endsMs).toBeLessThan(2_000 + SOON_MS);
  });

  test('has an ETag, the same in every process and another one for every filter, version and revision', async () => {
    const second = await under.another({});
    const there = (query: string) => rawCall(second.url, `/api/v1/concerts/${path}${query}`, { queue: token });
    const tags = new Set<string>();
    for (const query of ['', '?status=AVAILABLE', '?status=HELD', '?status=SOLD']) {
      const here = await get(path + query, token);
      const etag = here.headers.get('etag') ?? '';
      expect(etag).toMatch(/^"[^"]+"$/);
      tags.add(etag);
      const other = await there(query);
      expect([other.headers.get('etag'), other.body]).toEqual([etag, here.body]);
      const same = await get(path + query, token, { 'if-none-match': etag });
      expect([same.status, same.body, same.headers.get('etag')]).toEqual([304, null, etag]);
      for (const list of [`"x", ${etag}`, `W/${etag}`, '*'])
        expect((await get(path + query, token, { 'if-none-match': list })).status, list).toBe(304);
      expect((await get(path + query, token, { 'if-none-match': '"other"' })).status).toBe(200);
    }
    expect(tags.size).toBe(4);
    const before = (await get(path, token)).headers.get('etag') ?? '';
    const held = await hold(token, 's1', ['A-2-1']);
    if (held.status !== 201) expect(held.body.code).toBe('SESSION_OVER');
    const fresh = await admitted('map');
    const mine = await hold(fresh, 's1', ['A-2-2']);
    const after = (await get(path, fresh, { 'if-none-match': before })).headers.get('etag') ?? '';
    expect(after).not.toBe(before);
    expect((await there('')).status).toBe(200);
    const ahead = await rawCall(second.url, `/api/v1/concerts/${path}`, {
      queue: fresh,
      headers: { 'if-none-match': after },
    });
    expect(ahead.status).toBe(304); // a process that is behind reads once, then answers
    await cancel(mine.body.reservationId, fresh);
    const last = (await get(path, fresh)).headers.get('etag');
    await put('map', { ...SHOW, title: 'Another title' });
    await until(async () => (await get(path, fresh)).headers.get('etag') !== last, { timeoutMs: SOON_MS });
  });

  test('is guarded, 304 too', async () => {
    const fan = aFan();
    const { token: queue, queueId } = await enter(under.url, fan, 'map');
    const etag = (await get(path, queue)).headers.get('etag') ?? '';
    expect((await under.call(`/api/v1/queue/${queueId}`, { method: 'DELETE', queue })).status).toBe(204);
    await until(async () => (await get(path, queue, { 'if-none-match': etag })).status === 403, { timeoutMs: SOON_MS });
    expect(
      (await under.call(`/api/v1/concerts/${path}`, { bearer: fan.accessToken, headers: { 'if-none-match': etag } }))
        .body,
    ).toMatchObject({ code: 'NOT_ACTIVE', status: null, position: null });
  });
});

describe('a hold', () => {
  let token: string;
  let fan: Fan;
  beforeAll(async () => {
    await put('hold', concertInput({ seats: 20, schedules: ['d1', 'd2'], price: 1_500 }));
    fan = aFan();
    ({ token } = await enter(under.url, fan, 'hold'));
  });

  test('is a reservation with the members of the contract, and can be read, listed and cancelled', async () => {
    const { status, body, headers } = await hold(token, 'd1', ['A-1-2', 'A-1-1']);
    expect([status, headers.get('location')]).toEqual([201, `/api/v1/reservations/${body.reservationId}`]);
    expectShape('reservation', body);
    expect(body).toMatchObject({
      userId: fan.userId,
      concertId: 'hold',
      scheduleId: 'd1',
      amount: 3_000,
      status: 'HELD',
      paymentId: null,
    });
    expect(body.seats).toStrictEqual([SEAT, SEAT]);
    expect(body.seats).toMatchObject([{ seatId: 'A-1-2', price: 1_500, number: 2 }, { seatId: 'A-1-1' }]);
    expect(Date.parse(body.expiresAt) - Date.parse(body.createdAt)).toBe(300_000);
    const path = `/api/v1/reservations/${body.reservationId}`;
    for (const credential of [{ queue: token }, { bearer: fan.accessToken }]) {
      const read = await under.call(path, credential);
      expectShape('reservation', read.body);
      expect(read.body).toEqual({ ...body, serverTime: expect.any(String) });
    }
    const listed = await under.call(`/api/v1/users/${fan.userId}/reservations`, { queue: token });
    expect(listed.body).toEqual({ reservations: [{ ...body, serverTime: expect.any(String) }], nextCursor: null });
    for (let i = 0; i < 2; i++) {
      const cancelled = await cancel(body.reservationId, token);
      expectShape('reservation', cancelled.body);
      expect(cancelled.body).toMatchObject({ reservationId: body.reservationId, status: 'CANCELLED', amount: 3_000 });
    }
    for (const [filter, found] of [
      ['HELD', 0],
      ['CONFIRMED', 0],
      ['EXPIRED', 0],
      ['CANCELLED', 1],
    ])
      expect(
        (await under.call(`/api/v1/users/${fan.userId}/reservations?status=${filter}`, { queue: token })).body
          .reservations,
      ).toHaveLength(Number(found));
    expect((await under.call(`/api/v1/users/${fan.userId}/reservations?status=NOPE`, { queue: token })).body.code).toBe(
      'VALIDATION',
    );
  });

  test('takes all seats or none; SEAT_TAKEN names those that were lost, and one’s own hold where it has them all', async () => {
    const other = await admitted('hold');
    const mine = await hold(token, 'd1', ['A-1-5', 'A-1-6']);
    const lost = await hold(other, 'd1', ['A-1-4', 'A-1-5', 'A-1-6']);
    expect(lost.body).toMatchObject({ code: 'SEAT_TAKEN', seatIds: ['A-1-5', 'A-1-6'] });
    expect(lost.body).not.toHaveProperty('reservationId');
    expect((await hold(other, 'd1', ['A-1-4'])).status).toBe(201);
    const again = await hold(token, 'd1', ['A-1-5', 'A-1-6']);
    expect(again.body).toMatchObject({
      code: 'SEAT_TAKEN',
      seatIds: ['A-1-5', 'A-1-6'],
      reservationId: mine.body.reservationId,
    });
    expect((await hold(token, 'd1', ['A-1-4', 'A-1-5'])).body).not.toHaveProperty('reservationId');
    expect((await hold(token, 'd2', ['A-1-5'])).status).toBe(201); // another date's seat
    expect((await hold(token, 'd1', ['A-1-7', 'A-1-8'])).body).toMatchObject({
      code: 'SEAT_LIMIT',
      limit: 4,
      held: 3,
      bought: 0,
    });
    const map = (await get('hold/schedules/d1/seats?status=HELD', token)).body;
    expect(ids(map.seats)).toEqual(['A-1-4', 'A-1-5', 'A-1-6']);
  });

  test.each<[unknown, string, object]>([
    [{ scheduleId: 'd9', seatIds: ['A-1-1'] }, 'SCHEDULE_NOT_FOUND', {}],
    [{ scheduleId: 's1', seatIds: ['A-1-1'] }, 'SCHEDULE_NOT_FOUND', {}], // another concert's
    [
      { scheduleId: 'd1', seatIds: ['A-1-20', 'A-1-21', 'A-1-0', 'A-1-01', 'B-1-1'] },
      'SEAT_NOT_FOUND',
      { seatIds: ['A-1-21', 'A-1-0', 'A-1-01', 'B-1-1'] },
    ],
    [{ scheduleId: 'd1', seatIds: ['A-1-5', 'A-9-9'] }, 'SEAT_NOT_FOUND', { seatIds: ['A-9-9'] }],
    [{ scheduleId: 'd1', seatIds: [] }, 'VALIDATION', { errors: [{ path: '/seatIds' }] }],
    [
      { scheduleId: 'd1', seatIds: Array.from({ length: 9 }, (_, i) => `A-1-${i}`) },
      'VALIDATION',
      { errors: [{ path: '/seatIds' }] },
    ],
    [{ scheduleId: 'd1', seatIds: [7] }, 'VALIDATION', { errors: [{ path: '/seatIds/0' }] }],
    [{ scheduleId: 'd1', seatIds: 'A-1-1' }, 'VALIDATION', { errors: [{ path: '/seatIds' }] }],
    [{ scheduleId: 'NO', seatIds: ['A-1-1'] }, 'VALIDATION', { errors: [{ path: '/scheduleId' }] }],
    [{ seatIds: ['A-1-1'] }, 'VALIDATION', { errors: [{ path: '/scheduleId' }] }],
    [{ scheduleId: 'd1' }, 'VALIDATION', { errors: [{ path: '/seatIds' }] }],
  ])('%j: %s', async (body, code, members) => {
    const refused = await under.call('/api/v1/reservations', { body, queue: token });
    expect(refused.body).toMatchObject({ code, ...members });
  });

  test('can be repeated by its Idempotency-Key, also when the place is over; the key is the user’s and the concert’s', async () => {
    await put('again', concertInput());
    const [one, two] = [aFan(), aFan()];
    const { token: queue, queueId } = await enter(under.url, one, 'again');
    const key = { 'idempotency-key': 'k1' };
    expect((await hold(queue, 'd1', ['A-1-99'], key)).status).toBe(404); // a refusal is not stored
    const first = await hold(queue, 'd1', ['A-1-1'], key);
    expect(first.status).toBe(201);
    expect((await hold(queue, 'd1', ['A-1-2'], key)).body.code).toBe('IDEMPOTENCY_MISMATCH');
    expect((await hold(await admitted('again'), 'd1', ['A-1-3'], key)).status).toBe(201);
    await under.call(`/api/v1/queue/${queueId}`, { method: 'DELETE', queue });
    const repeated = await hold(queue, 'd1', ['A-1-1'], key);
    expect([repeated.status, repeated.body]).toEqual([201, first.body]);
    expect((await hold(queue, 'd1', ['A-1-1'])).body).toMatchObject({ code: 'NOT_ACTIVE', status: 'LEFT' });
    const elsewhere = await enter(under.url, two, 'again');
    expect((await hold(elsewhere.token, 'd1', ['A-1-1'], key)).status).toBe(201);
  });

  test('that ran out is EXPIRED to the millisecond; it can be neither paid nor cancelled, and its seats are free', async () => {
    await put('short', concertInput({ holdSeconds: 1 }));
    const [queue, other] = [await admitted('short'), await admitted('short')];
    const held = await hold(queue, 'd1', ['A-1-1']);
    const path = `/api/v1/reservations/${held.body.reservationId}`;
    let read: Loose;
    await until(async () => (read = (await under.call(path, { queue })).body).status === 'EXPIRED');
    expect(read.serverTime >= held.body.expiresAt).toBe(true);
    expect(read).toEqual({ ...held.body, status: 'EXPIRED', serverTime: read.serverTime });
    const expired = { code: 'RESERVATION_EXPIRED', status: 400, expiredAt: held.body.expiresAt };
    expect((await cancel(held.body.reservationId, queue)).body).toMatchObject(expired);
    // looked at before the balance, which is 0
    expect(
      (await under.call('/api/v1/payments', { body: { reservationId: held.body.reservationId }, queue })).body,
    ).toMatchObject(expired);
    expect((await hold(other, 'd1', ['A-1-1'])).status).toBe(201);
  });
});
