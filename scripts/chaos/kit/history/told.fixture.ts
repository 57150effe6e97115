/** Calls as a test tells of them: seconds of one minute, and answers as the server would word them. */
import type { Asked, Body, Call, Hall } from './call.ts';

export const HALL: Hall = {
  claimMs: 2_000,
  sessionMs: 60_000,
  holdMs: 5_000,
  capacity: 3,
  seatPrice: 1_000,
  benchOf: (seatId) => (seatId < 'A-1-4' ? '0' : '1'),
  seatsOfBench: (name) => (name.endsWith(' 0') ? ['A-1-1', 'A-1-2', 'A-1-3'] : ['A-1-4', 'A-1-5', 'A-1-6']),
};

const START = Date.parse('2027-01-01T00:00:00Z');

/** Of a second, as the server writes it. */
export const time = (second: number): string => new Date(START + Math.round(second * 1000)).toISOString();

export interface Told {
  fan?: string;
  asked: Asked;
  /** seconds: sent, answered */
  in: [number, number];
  status?: number;
  body?: Body;
  key?: string;
  server?: number;
}

export function calls(...told: readonly Told[]): Call[] {
  return told.map(({ fan = 'ann', asked, in: [lo, hi], status = 200, body = {}, key, server = 0 }, index) => ({
    fan,
    asked,
    key: key ?? (['join', 'hold', 'pay', 'charge'].includes(asked.kind) ? `key ${index}` : null),
    server,
    lo: START + lo * 1000,
    hi: START + hi * 1000,
    status,
    body,
  }));
}

type Window = [number, number];

/** Joined at the second given, between sending and answer. */
export function joined(fan: string, sequence: number, told: { at: number; within: Window; position?: number }): Told {
  const { at, within, position = sequence } = told;
  const body = { ...waits(fan, sequence, { position, at }), token: 'token' };
  return { fan, asked: { kind: 'join' }, in: within, status: 201, body: { ...body, joinedAt: time(at) } };
}

const placeOf = (fan: string) => `q_${fan}`;

function waits(fan: string, sequence: number, { position, at }: { position: number; at: number }): Body {
  return {
    queueId: placeOf(fan),
    sequence,
    status: 'WAITING',
    reason: null,
    position,
    expiresAt: null,
    serverTime: time(at),
    joinedAt: time(0),
  };
}

export function waiting(fan: string, sequence: number, { position, at }: { position: number; at: number }): Told {
  return {
    fan,
    asked: { kind: 'poll', queueId: placeOf(fan) },
    in: [at, at + 0.01],
    body: waits(fan, sequence, { position, at }),
  };
}

/** A ticket of a place that does not wait, `word` such as `ACTIVE` or `USED PAID`. */
export function ticket(fan: string, word: string, { at, until }: { at: number; until?: number }): Told {
  const [status = '', reason = null] = word.split(' ');
  const expiresAt = until === undefined ? null : time(until);
  const body = { queueId: placeOf(fan), status, reason, expiresAt, serverTime: time(at), joinedAt: time(0) };
  return { fan, asked: { kind: 'poll', queueId: placeOf(fan) }, in: [at - 0.01, at + 0.01], body };
}

interface HoldOf {
  id: string;
  seats: readonly string[];
  at: number;
  within?: Window;
}

export function held(fan: string, { id, seats, at, within = [at, at + 0.01] }: HoldOf): Told {
  const body = {
    reservationId: id,
    createdAt: time(at),
    expiresAt: time(at + HALL.holdMs / 1000),
    status: 'HELD',
    amount: seats.length * 1000,
  };
  return { fan, asked: asksFor(fan, seats), in: within, status: 201, body };
}

export function taken(
  fan: string,
  { seats, lost, own, within }: { seats: readonly string[]; lost: string[]; own?: string; within: Window },
): Told {
  const body = { code: 'SEAT_TAKEN', seatIds: lost, ...(own ? { reservationId: own } : {}) };
  return { fan, asked: asksFor(fan, seats), in: within, status: 409, body };
}

function asksFor(fan: string, seatIds: readonly string[]): Asked {
  return { kind: 'hold', queueId: placeOf(fan), scheduleId: 'd1', seatIds };
}

export function cancelled(fan: string, id: string, { at }: { at: number }): Told {
  return {
    fan,
    asked: { kind: 'cancel', reservationId: id },
    in: [at, at + 0.01],
    body: { status: 'CANCELLED', serverTime: time(at) },
  };
}

export function paid(
  fan: string,
  id: string,
  told: { at: number; balance: number; within?: Window; payment?: string },
): Told {
  const { at, balance, within = [at, at + 0.01], payment = `pay ${id}` } = told;
  const body = { paymentId: payment, paidAt: time(at), amount: 1_000, balance, status: 'CONFIRMED' };
  return { fan, asked: { kind: 'pay', queueId: placeOf(fan), reservationId: id }, in: within, status: 201, body };
}

/** Refused with that code. */
export function payRefused(
  fan: string,
  id: string,
  { code, within, balance }: { code: string; within: Window; balance?: number },
): Told {
  const body = { code, ...(balance === undefined ? {} : { balance }) };
  return { fan, asked: { kind: 'pay', queueId: placeOf(fan), reservationId: id }, in: within, status: 400, body };
}

export function reservation(fan: string, id: string, { status, at }: { status: string; at: number }): Told {
  return {
    fan,
    asked: { kind: 'reservation', reservationId: id },
    in: [at, at + 0.01],
    body: { status, serverTime: time(at) },
  };
}

/** Statuses of A-1-1 to A-1-3. */
export function map(fan: string, statuses: readonly string[], within: Window): Told {
  const seats = statuses.map((status, seat) => ({ seatId: `A-1-${seat + 1}`, status }));
  return { fan, asked: { kind: 'map', queueId: placeOf(fan), scheduleId: 'd1' }, in: within, body: { seats } };
}

export function charged(amount: number, balance: number, within: Window): Told {
  return { asked: { kind: 'charge', amount }, in: within, body: { balance, chargeId: `charge ${within[0]}` } };
}

export function balanceIs(now: number, within: Window): Told {
  return { asked: { kind: 'balance' }, in: within, body: { balance: now } };
}

export function left(fan: string, within: Window): Told {
  return { fan, asked: { kind: 'leave', queueId: placeOf(fan) }, in: within, status: 204 };
}

/** The same call without an answer, given up then. */
export function unanswered(told: Told): Told {
  return { ...told, status: 0, body: {} };
}
