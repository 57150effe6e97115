/**
 * What the documents show of each call: one evening of one fan, Ann, from the sign-up to two paid seats, and of the
 * operator who sells them. src/acceptance/examples.test.ts lives through it: each request is sent, with ids as the
 * server gives them, and each answer must have the members and values shown here, save ids, times and numbers.
 */
import type { ErrorCode } from '../errors.ts';
import { ROOM_DEFAULTS } from '../waiting-room/settings.ts';

const AT = (time: string) => `2026-12-01T${time}Z`;
const USER = '5f3b0e1c-7a52-4b0c-9d3e-2f9f4f6f5a10';
const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJxdWV1ZSIsImp0aSI6InEifQ.c2lnbmF0dXJl';
const HEX = '9d2c4e6f8a0b4c1d9e3f5a7b8c0d1e2f';
const RESERVATION = `rsv_winter-night_${HEX}`;
const PAYMENT = `pay_winter-night_${HEX}`;
const CHARGE = 'chg_3c5e7f90a1b24d6e8f70';
const ORDERED_HALL = { title: 'Winter Night', venue: 'Jamsil', timeZone: 'Asia/Seoul', currency: 'KRW', seatLimit: 4 };

/** Of a path's parameters, wherever they stand. */
export const PARAMETERS: Readonly<Record<string, string>> = {
  concertId: 'winter-night',
  scheduleId: 'winter-d1',
  queueId: '1f0d9c64-2f5e-4c7c-8f53-0c7d7c2f9b11',
  userId: USER,
  reservationId: RESERVATION,
  paymentId: PAYMENT,
};

export const TICKET = {
  queueId: PARAMETERS.queueId,
  token: TOKEN,
  concertId: 'winter-night',
  status: 'WAITING',
  reason: null,
  sequence: 1042,
  position: 17,
  ahead: 16,
  waiting: 530,
  admitted: 1025,
  estimatedWaitSeconds: null,
  pollAfterSeconds: 2,
  joinedAt: AT('11:00:03.120'),
  expiresAt: null,
  serverTime: AT('11:02:10.400'),
};
export const ACTIVE_TICKET = {
  ...TICKET,
  status: 'ACTIVE',
  position: null,
  ahead: null,
  waiting: 513,
  admitted: 1042,
  expiresAt: AT('11:12:24.000'),
  serverTime: AT('11:02:24.210'),
};

export const ROOM = {
  concertId: 'winter-night',
  state: 'PAUSED',
  opensAt: null,
  capacity: 1000,
  admitted: 1025,
  frontier: 1025,
  waiting: 530,
  active: 400,
  ratePerSecond: 8.5,
  seatsLeft: 14,
  serverTime: AT('11:02:10.400'),
};

const SCHEDULE = {
  scheduleId: 'winter-d1',
  startsAt: '2026-12-24T10:00:00.000Z',
  date: '2026-12-24',
  totalSeats: 20,
  availableSeats: 14,
};
const SEATS = [
  { seatId: 'A-1-1', section: 'A', row: '1', number: 1, price: 150_000 },
  { seatId: 'A-1-2', section: 'A', row: '1', number: 2, price: 150_000 },
];
const ON_MAP = SEATS.map((seat) => ({ ...seat, status: 'AVAILABLE' }));
const SEAT_MAP = { scheduleId: 'winter-d1', version: 31, available: 14, seats: ON_MAP };
const CONCERT = { concertId: 'winter-night', ...ORDERED_HALL, schedules: [SCHEDULE], room: ROOM };

export const RESERVATION_HELD = {
  reservationId: RESERVATION,
  userId: USER,
  concertId: 'winter-night',
  scheduleId: 'winter-d1',
  seats: SEATS,
  amount: 300_000,
  currency: 'KRW',
  status: 'HELD',
  createdAt: AT('11:03:01.000'),
  expiresAt: AT('11:08:01.000'),
  paymentId: null,
  serverTime: AT('11:03:01.000'),
};
const PAID = {
  paymentId: PAYMENT,
  reservationId: RESERVATION,
  userId: USER,
  concertId: 'winter-night',
  scheduleId: 'winter-d1',
  seats: SEATS,
  amount: 300_000,
  currency: 'KRW',
  balance: 200_000,
  status: 'CONFIRMED',
  paidAt: AT('11:04:12.345'),
  recordedAt: AT('11:04:12.980'),
};
const SALE = {
  ...ORDERED_HALL,
  holdSeconds: 300,
  schedules: [
    {
      scheduleId: 'winter-d1',
      startsAt: '2026-12-24T19:00:00+09:00',
      sections: [{ section: 'A', price: 150_000, rows: [{ row: '1', seats: 20 }] }],
    },
  ],
  room: {
    state: 'PAUSED',
    opensAt: null,
    capacity: 1000,
    admitPerSecond: 100,
    sessionSeconds: 600,
    claimSeconds: 60,
    reentry: 'reject',
  },
};
const HISTORY = [
  { entryId: '2', kind: 'PAYMENT', amount: -300_000, balance: 200_000, at: AT('11:04:12.345'), reference: PAYMENT },
  { entryId: '1', kind: 'CHARGE', amount: 500_000, balance: 500_000, at: AT('11:03:40.000'), reference: CHARGE },
];
const BOOKS = {
  wallets: 200_000,
  pending: 0,
  payments: 300_000,
  charges: 500_000,
  seatsSold: 2,
  seatsRecorded: 2,
  outbox: 0,
};
const STATS = {
  waiting: 513,
  active: 400,
  admitted: 1042,
  expired: 12,
  noShows: 31,
  left: 25,
  held: 4,
  sold: 2,
  revenue: 300_000,
  outboxLag: 0,
};

export interface Example {
  query?: Readonly<Record<string, unknown>>;
  body?: unknown;
  /** by status; statuses without a body have none */
  answers: Readonly<Record<number, unknown>>;
}

const ACCOUNT = { email: 'ann@example.com', password: 'correct horse battery' };
const LOGGED_IN = { accessToken: 'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJhcGkifQ.c2lnbmF0dXJl', tokenType: 'Bearer' };
const held = { reservations: [RESERVATION_HELD], nextCursor: null };
const imported = { ...CONCERT, added: 20, removed: 0, repriced: 0, unchanged: 0 };
const { token: _owners, ...tokenless } = ACTIVE_TICKET;
const inspected = {
  ...tokenless,
  userId: USER,
  holds: [{ reservationId: RESERVATION, seats: 2, expiresAt: AT('11:08:01.000') }],
};

/** By the name of the handler in the route table. */
export const EXAMPLES: Readonly<Record<string, Example>> = {
  signUp: { body: { ...ACCOUNT, name: 'Ann' }, answers: { 201: { userId: USER } } },
  logIn: { body: ACCOUNT, answers: { 200: { ...LOGGED_IN, expiresInSeconds: 43_200, userId: USER } } },
  concerts: { query: { limit: 20 }, answers: { 200: { concerts: [CONCERT], nextCursor: null } } },
  concert: { answers: { 200: CONCERT } },
  room: { answers: { 200: ROOM } },
  join: { body: { concertId: 'winter-night' }, answers: { 201: TICKET } },
  poll: { answers: { 200: TICKET } },
  leave: { answers: {} },
  places: { answers: { 200: { places: [TICKET] } } },
  schedulesAndSeats: { answers: { 200: { schedules: [{ ...SCHEDULE, seats: ON_MAP }] } } },
  schedules: { query: { from: '2026-12-01', to: '2026-12-31' }, answers: { 200: { schedules: [SCHEDULE] } } },
  seats: { query: { status: 'AVAILABLE' }, answers: { 200: SEAT_MAP } },
  seatsOfDay: { query: { date: '2026-12-24', status: 'AVAILABLE' }, answers: { 200: { schedules: [SEAT_MAP] } } },
  hold: { body: { scheduleId: 'winter-d1', seatIds: ['A-1-1', 'A-1-2'] }, answers: { 201: RESERVATION_HELD } },
  reservation: { answers: { 200: RESERVATION_HELD } },
  cancel: { answers: { 200: { ...RESERVATION_HELD, status: 'CANCELLED' } } },
  reservations: { query: { status: 'HELD', limit: 20 }, answers: { 200: held } },
  balance: { answers: { 200: { userId: USER, balance: 500_000, currency: 'KRW' } } },
  charge: {
    body: { amount: 500_000 },
    answers: { 200: { userId: USER, balance: 500_000, currency: 'KRW', chargeId: CHARGE } },
  },
  history: { query: { limit: 20 }, answers: { 200: { entries: HISTORY, nextCursor: null } } },
  pay: { body: { reservationId: RESERVATION }, answers: { 201: { ...PAID, recordedAt: null }, 200: PAID } },
  payment: { answers: { 200: PAID } },
  putConcert: { body: SALE, answers: { 201: imported, 200: { ...imported, added: 0, unchanged: 20 } } },
  readRoom: { answers: { 200: { ...ROOM_DEFAULTS, admitPerSecond: 50 } } },
  patchRoom: { body: { state: 'OPEN', admitPerSecond: 50 }, answers: { 200: { ...ROOM, state: 'OPEN' } } },
  reset: { answers: { 200: { ...ROOM, state: 'OPEN', waiting: 0, active: 0 } } },
  stats: { answers: { 200: STATS } },
  place: { answers: { 200: inspected } },
  remove: { answers: {} },
  audit: { answers: { 200: { clean: true, differences: [], ...BOOKS }, 202: { running: true } } },
  health: { answers: { 200: { status: 'alive' } } },
  readiness: { answers: { 200: { status: 'ready' } } },
  metricsText: { answers: { 200: 'onsale_redis_up{process="0"} 1\n' } },
  openApi: { answers: { 200: { openapi: '3.1.0' } } },
  asyncApi: { answers: { 200: { asyncapi: '3.0.0' } } },
  documentsPage: { answers: { 200: '<!doctype html>\n' } },
};

const FAULT = { path: '/password', message: 'must not have fewer than 8 characters' };
const REPRICED = { path: '/schedules/winter-d1/seats/A-1-1', message: 'A-1-1 is sold and would be repriced' };

/** The members that problems of a code have beyond those of all. */
export const PROBLEM_EXAMPLES: Readonly<Partial<Record<ErrorCode, Readonly<Record<string, unknown>>>>> = {
  VALIDATION: { errors: [FAULT] },
  INVALID_AMOUNT: { min: 1, max: 10_000_000 },
  RESERVATION_EXPIRED: { expiredAt: AT('11:08:01.000') },
  INSUFFICIENT_BALANCE: { balance: 200_000, required: 300_000 },
  SEAT_LIMIT: { limit: 4, held: 2, bought: 2 },
  NOT_ACTIVE: { status: 'WAITING', position: 17 },
  SESSION_OVER: { expiresAt: AT('11:08:01.000') },
  ROOM_CLOSED: { state: 'CLOSED', opensAt: '2026-12-02T11:00:00.000Z' },
  SEAT_NOT_FOUND: { seatIds: ['A-1-99'] },
  ALREADY_QUEUED: { ticket: TICKET },
  SEAT_TAKEN: { seatIds: ['A-1-1'] },
  ALREADY_PAID: { paymentId: PAYMENT },
  IMPORT_CONFLICT: { conflicts: [REPRICED] },
  BODY_TOO_LARGE: { maxBytes: 65_536 },
  INTERNAL: { instance: '7d0d3c5e-52f0-4b4b-a5a6-5b8f1f4e9c21' },
};
