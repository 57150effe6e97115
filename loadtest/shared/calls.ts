/** The calls of a fan and of the operator. Each is timed under its own name, and each refusal counted by its code. */
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';

declare const console: { warn(line: string): void };

export const BASE_URL = (__ENV.BASE_URL ?? 'http://127.0.0.1:3000').replace(/\/$/, '');

/** The contract's codes; metrics must be made before the run. */
const CODES = [
  ...['VALIDATION', 'INVALID_AMOUNT', 'RESERVATION_EXPIRED', 'INSUFFICIENT_BALANCE', 'SEAT_LIMIT', 'UNAUTHENTICATED'],
  ...['INVALID_CREDENTIALS', 'QUEUE_ID_MISMATCH', 'NOT_ACTIVE', 'FORBIDDEN', 'SESSION_OVER', 'ROOM_CLOSED'],
  ...['USER_NOT_FOUND', 'CONCERT_NOT_FOUND', 'SCHEDULE_NOT_FOUND', 'SEAT_NOT_FOUND', 'RESERVATION_NOT_FOUND'],
  ...['PAYMENT_NOT_FOUND', 'QUEUE_NOT_FOUND', 'NOT_FOUND', 'EMAIL_TAKEN', 'ALREADY_QUEUED', 'SEAT_TAKEN'],
  ...['ALREADY_PAID', 'RESERVATION_CANCELLED', 'IMPORT_CONFLICT', 'IDEMPOTENCY_MISMATCH', 'METHOD_NOT_ALLOWED'],
  ...['BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'RATE_LIMITED', 'UNAVAILABLE', 'INTERNAL'],
  ...['NO_ANSWER', 'OTHER'],
];
const refusals = new Map(CODES.map((code) => [code, new Counter(`refused_${code}`)]));
/** Answers that nobody should see: 5xx, none at all, and refusals that the story does not expect. */
export const failures = new Counter('failures');

const NAMES = ['join', 'poll', 'schedules', 'seats', 'hold', 'cancel', 'charge', 'pay', 'room', 'operator'] as const;
type CallName = (typeof NAMES)[number];
const times = new Map<CallName, Trend>(NAMES.map((name) => [name, new Trend(`ms_${name}`, true)]));

// A refusal is an answer: what counts as a failure is decided here, not by k6.
http.setResponseCallback(http.expectedStatuses({ min: 200, max: 499 }));

export interface Answer {
  status: number;
  /** what JSON it had, else null */
  // biome-ignore lint: the contract is looked at member by member
  body: any;
  /** the refusal's code; '' for a success */
  code: string;
}

interface CallOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  access?: string;
  queue?: string;
  /** Idempotency-Key */
  key?: string;
  /** codes that belong to the story */
  expect?: readonly string[];
}

export function call(name: CallName, path: string, options: CallOptions = {}): Answer {
  const { body, access, queue, key, expect = [] } = options;
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (access) headers['Authorization'] = `Bearer ${access}`;
  if (queue) headers['Queue-Token'] = queue;
  if (key) headers['Idempotency-Key'] = key;
  const method = options.method ?? (body === undefined ? 'GET' : 'POST');
  const text = body === undefined ? null : JSON.stringify(body);
  const response = http.request(method, BASE_URL + path, text, { headers, tags: { name }, timeout: '15s' });
  times.get(name)?.add(response.timings.duration);
  const answer = read(response.status, response.body);
  if (answer.code !== '') refusals.get(answer.code)?.add(1);
  if (answer.status === 0 || answer.status >= 500 || (answer.code !== '' && !expect.includes(answer.code))) {
    failures.add(1);
    if (__ENV.TELL === '1') console.warn(`${method} ${path}: ${answer.status} ${response.error} ${response.body}`);
  }
  return answer;
}

function read(status: number, text: unknown): Answer {
  if (status === 0) return { status, body: null, code: 'NO_ANSWER' };
  let body = null;
  try {
    body = typeof text === 'string' && text !== '' ? JSON.parse(text) : null;
  } catch {
    return { status, body: null, code: 'OTHER' };
  }
  if (status < 400) return { status, body, code: '' };
  return { status, body, code: refusals.has(body?.code) ? body.code : 'OTHER' };
}

export interface Fan {
  userId: string;
  access: string;
}

export function join({ access }: Fan, concertId: string): Answer {
  return call('join', '/api/v1/queue', { body: { concertId }, access });
}

export function poll(queueId: string, queue: string): Answer {
  return call('poll', `/api/v1/queue/${queueId}`, { queue });
}

export function hold(queue: string, seatIds: string[], expect: readonly string[] = ['SEAT_TAKEN']): Answer {
  return call('hold', '/api/v1/reservations', { body: { scheduleId: 'd1', seatIds }, queue, expect });
}

export function charge({ userId }: Fan, queue: string, amount: number): Answer {
  return call('charge', `/api/v1/users/${userId}/balance`, { body: { amount }, queue, key: `top-up-${userId}` });
}

/** Once more where there was no clear answer: the payment may have been made, and a repeat says so. */
export function pay(queue: string, reservationId: string, expect: readonly string[] = []): Answer {
  const send = () => call('pay', '/api/v1/payments', { body: { reservationId }, queue, key: reservationId, expect });
  const answer = send();
  return answer.status === 0 || answer.status >= 500 ? send() : answer;
}

export function operator(path: string, options: CallOptions = {}): Answer {
  return call('operator', `/api/v1/admin${path}`, { access: __ENV.OPERATOR_KEY ?? '', ...options });
}
