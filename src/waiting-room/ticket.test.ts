import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { judgePlace, parsePlace, WAITING_NOW } from './place.ts';
import { newRoomFields, roomFields } from './settings.ts';
import { Room, RoomSettings, Ticket } from './shapes.ts';
import { estimateWait, pollAfter, type RoomNumbers, renderRoom, ticketOf } from './ticket.ts';

const numbers: RoomNumbers = {
  state: 'OPEN',
  waiting: 50,
  admitted: 10,
  ratePerSecond: 4,
  claimMs: 60_000,
  nowMs: Date.parse('2026-12-24T10:00:00.500Z'),
};
const claims = {
  queueId: 'q_1',
  userId: 'ann',
  concertId: 'night',
  epoch: 'e',
  sequence: 31,
  joinedAtMs: Date.parse('2026-12-24T09:59:00Z'),
};

describe('a ticket', () => {
  test('of a WAITING place', () => {
    const ticket = ticketOf({ claims, token: 't', place: WAITING_NOW, position: 21, room: numbers });
    expect(ticket).toEqual({
      queueId: 'q_1',
      token: 't',
      concertId: 'night',
      status: 'WAITING',
      reason: null,
      sequence: 31,
      position: 21,
      ahead: 20,
      waiting: 50,
      admitted: 10,
      estimatedWaitSeconds: 5,
      pollAfterSeconds: 1,
      joinedAt: '2026-12-24T09:59:00.000Z',
      expiresAt: null,
      serverTime: '2026-12-24T10:00:00.500Z',
    });
    expect(Compile(Ticket).Check(ticket)).toBe(true);
  });

  test('that was taken after the numbers were read is among those who wait', () => {
    const ticket = ticketOf({ claims, place: WAITING_NOW, position: 60, room: numbers });
    expect(ticket).toMatchObject({ position: 60, waiting: 60 });
    expect(ticket).not.toHaveProperty('token');
  });

  test.each([
    ['A|31|1|2000|0|0|0||ann', 1999, { status: 'ACTIVE', reason: null, expiresAt: '1970-01-01T00:00:02.000Z' }],
    ['A|31|1|2000|0|0|0||ann', 2000, { status: 'EXPIRED', reason: 'UNCLAIMED', expiresAt: null }],
    ['A|31|1|2000|1500|0|0||ann', 2001, { status: 'EXPIRED', reason: 'SESSION_OVER', expiresAt: null }],
    ['A|31|1|2000|1500|1|0||ann', 2001, { status: 'USED', reason: 'PAID', expiresAt: null }],
    ['E|31|1|2000|0|0|9|SUPERSEDED|ann', 1, { status: 'EXPIRED', reason: 'SUPERSEDED', expiresAt: null }],
    ['L|31|1|0|0|0|9|REMOVED|ann', 1, { status: 'LEFT', reason: 'REMOVED', expiresAt: null }],
    ['U|31|1|2000|1500|1|9|PAID|ann', 1, { status: 'USED', reason: 'PAID', expiresAt: null }],
  ])('of %s at %i', (packed, nowMs, expected) => {
    const ticket = ticketOf({
      claims,
      token: 't',
      place: judgePlace(parsePlace(packed), nowMs),
      position: 0,
      room: numbers,
      nowMs,
    });
    expect(ticket).toMatchObject({ ...expected, position: null, ahead: null, estimatedWaitSeconds: null });
    expect(ticket.serverTime).toBe(new Date(nowMs).toISOString());
    expect(Compile(Ticket).Check(ticket)).toBe(true);
  });

  test('a record keeps a user id of any characters', () => {
    expect(parsePlace('W|1|2|0|0|0|0||auth0|a b\n|x').userId).toBe('auth0|a b\n|x');
    expect(() => parsePlace('W|1|2')).toThrow('no record');
  });
});

describe('the expected wait', () => {
  test('is those ahead by the measured rate, in whole seconds', () => {
    expect(estimateWait(0, numbers)).toBe(0);
    expect(estimateWait(1, numbers)).toBe(1);
    expect(estimateWait(1_000, { ...numbers, ratePerSecond: 0.3 })).toBe(3_334);
  });

  test('is null while nobody is admitted', () => {
    expect(estimateWait(9, { ...numbers, ratePerSecond: 0 })).toBeNull();
    expect(estimateWait(9, { ...numbers, state: 'PAUSED' })).toBeNull();
    expect(estimateWait(9, { ...numbers, state: 'CLOSED' })).toBeNull();
  });
});

test('the poll interval grows with the position and stays within a third of the claim window', () => {
  const at = (claimMs: number) =>
    [1, 1_000, 5_000, 20_000, 100_000, 1_000_000].map((position) => pollAfter(position, claimMs));
  expect(at(3_600_000)).toEqual([1, 2, 5, 10, 15, 20]);
  expect(at(60_000)).toEqual([1, 2, 5, 10, 15, 20]);
  expect(at(10_000)).toEqual([1, 2, 3, 3, 3, 3]);
  expect(at(1_000)).toEqual([1, 1, 1, 1, 1, 1]);
});

test('a room', () => {
  const view = { ...numbers, concertId: 'night', opensAtMs: null, capacity: 9, frontier: 11, active: 3, seatsLeft: 7 };
  const room = renderRoom(view);
  expect(room).toMatchObject({ state: 'OPEN', opensAt: null, ratePerSecond: 4, frontier: 11, seatsLeft: 7 });
  expect(Compile(Room).Check(room)).toBe(true);
  const later = view.nowMs + 1;
  const closed = renderRoom({ ...view, state: 'CLOSED', opensAtMs: later });
  expect(closed).toMatchObject({ ratePerSecond: 0, opensAt: new Date(later).toISOString() });
  expect(renderRoom({ ...view, opensAtMs: view.nowMs }).opensAt, 'it has opened').toBeNull();
});

describe('settings', () => {
  test('become the fields that they name', () => {
    expect(roomFields({})).toEqual({});
    expect(roomFields({ opensAt: null, capacity: 0, admitPerSecond: 0, claimSeconds: 5 })).toEqual({
      opens_at: '',
      capacity: '0',
      admit_per_second: '0',
      claim_ms: '5000',
    });
    expect(roomFields({ opensAt: '2026-12-24T19:00:00+09:00' })).toEqual({
      opens_at: String(Date.parse('2026-12-24T10:00:00Z')),
    });
  });

  test('of a new room have the defaults of the contract and an epoch of their own', () => {
    const fields = newRoomFields({ capacity: 5 });
    expect(fields).toMatchObject({
      state: 'OPEN',
      opens_at: '',
      capacity: '5',
      admit_per_second: '100',
      session_ms: '600000',
      claim_ms: '60000',
      reentry: 'reject',
      seq: '0',
    });
    expect(fields.epoch).toMatch(/^[0-9a-f]{16}$/);
    expect(newRoomFields({}).epoch).not.toBe(fields.epoch);
  });

  test.each([
    { capacity: -1 },
    { capacity: 1_000_001 },
    { sessionSeconds: 0 },
    { opensAt: 'tomorrow' },
    { state: 'open' },
    { more: 1 },
  ])('are refused: %o', (settings) => {
    expect(Compile(RoomSettings).Check(settings)).toBe(false);
  });
});
