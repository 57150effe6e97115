/** One call of a fan as the client saw it, and what the checkers need of its answer. */

export type Asked =
  | { kind: 'join' }
  | { kind: 'poll'; queueId: string }
  | { kind: 'leave'; queueId: string }
  | { kind: 'map'; queueId: string; scheduleId: string }
  | { kind: 'hold'; queueId: string; scheduleId: string; seatIds: readonly string[] }
  | { kind: 'cancel'; reservationId: string }
  | { kind: 'reservation'; reservationId: string }
  | { kind: 'pay'; queueId: string; reservationId: string }
  | { kind: 'charge'; amount: number }
  | { kind: 'balance' };

/** Members of answers, whichever it is. */
export interface Body {
  code?: string;
  status?: string | number;
  reason?: string | null;
  serverTime?: string;
  // tickets
  queueId?: string;
  sequence?: number;
  position?: number | null;
  joinedAt?: string;
  expiresAt?: string | null;
  ticket?: Body;
  token?: string;
  admitted?: number;
  // reservations, payments, seat maps
  reservationId?: string | null;
  paymentId?: string | null;
  createdAt?: string;
  paidAt?: string;
  amount?: number;
  seatIds?: string[];
  seats?: { seatId: string; status?: string }[];
  version?: number;
  // money
  balance?: number;
  chargeId?: string;
}

export interface Call {
  /** user id */
  fan: string;
  asked: Asked;
  /** calls with one key are repeats of each other; null: a call without an Idempotency-Key */
  key: string | null;
  /** number of the process that it was sent to */
  server: number;
  /** when its first byte was sent, and when its answer was there or given up; ms */
  lo: number;
  hi: number;
  /** 0: no answer */
  status: number;
  body: Body;
}

/** Settings of the concert that the calls were about. */
export interface Hall {
  claimMs: number;
  sessionMs: number;
  holdMs: number;
  capacity: number;
  /** the schedules' seats in groups: a hold asks for seats of one group, which is one object to the checker */
  benchOf(seatId: string): string;
  seatsOfBench(bench: string): readonly string[];
  seatPrice: number;
}

/** Clocks are read a little apart. */
const SKEW_MS = 0.3;
/** The last part of a whole millisecond. */
const REST_MS = 0.999;

export const timeOf = (text: string | null | undefined): number => (text ? Date.parse(text) : Number.NaN);

/** Between sending and answer; and, where the answer tells the time it was judged by, in that millisecond. */
export function windowOf({ lo, hi }: { lo: number; hi: number }, at?: number): { lo: number; hi: number } {
  const from = lo - SKEW_MS;
  const to = hi + SKEW_MS;
  return at === undefined ? { lo: from, hi: to } : { lo: Math.max(from, at), hi: Math.min(to, at + REST_MS) };
}

export const succeeded = (call: Call): boolean => call.status >= 200 && call.status < 300;

/** The window of a change that needs no key: without an answer it may happen at any later time, or never. */
export function changeWindow(call: Call): { lo: number; hi: number; optional?: boolean } {
  if (call.status === 0) return { lo: windowOf(call).lo, hi: Number.POSITIVE_INFINITY, optional: true };
  const { serverTime } = call.body;
  return windowOf(call, serverTime === undefined ? undefined : timeOf(serverTime));
}
