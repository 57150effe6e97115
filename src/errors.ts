/**
 * The one table of refusals. Use cases return a `Refusal` as a value; `http/answer.ts` and `ws/frames.ts` turn it
 * into problem+json. An exception is a bug (500) or a broken dependency (503), never an expected answer.
 */

interface Entry {
  status: number;
  /** may the same call succeed later without a change by the caller? */
  retry: boolean;
  title: string;
  /** what happened, what it means, what to do */
  detail: string;
}

export const ERRORS = {
  VALIDATION: {
    status: 400,
    retry: false,
    title: 'Invalid request',
    detail: 'The request does not fit its schema. Nothing was changed; correct the members listed in `errors`.',
  },
  INVALID_AMOUNT: {
    status: 400,
    retry: false,
    title: 'Invalid amount',
    detail: 'The amount must be an integer within `min` and `max`. Nothing was charged.',
  },
  RESERVATION_EXPIRED: {
    status: 400,
    retry: false,
    title: 'Reservation expired',
    detail: 'The hold ran out and its seats are back on sale. Nothing was paid; choose seats again.',
  },
  INSUFFICIENT_BALANCE: {
    status: 400,
    retry: false,
    title: 'Insufficient balance',
    detail:
      'The balance does not cover the amount. Nothing was paid and the hold stays until its deadline; charge the balance and pay again.',
  },
  SEAT_LIMIT: {
    status: 400,
    retry: false,
    title: 'Seat limit reached',
    detail:
      'That is more seats than one person may have for this concert, held and bought together. No seat was taken.',
  },
  UNAUTHENTICATED: {
    status: 401,
    retry: false,
    title: 'Not authenticated',
    detail: 'A valid credential is needed: sign in again, or send the token that this call asks for.',
  },
  INVALID_CREDENTIALS: {
    status: 401,
    retry: false,
    title: 'Wrong email or password',
    detail: 'No account fits this email and password.',
  },
  QUEUE_ID_MISMATCH: {
    status: 403,
    retry: false,
    title: 'Another place',
    detail: 'The queue token belongs to another queue id.',
  },
  NOT_ACTIVE: {
    status: 403,
    retry: false,
    title: 'Not admitted',
    detail: "This call needs a place that is ACTIVE in this concert's room.",
  },
  FORBIDDEN: {
    status: 403,
    retry: false,
    title: 'Forbidden',
    detail: 'The credential is good but does not allow this.',
  },
  SESSION_OVER: {
    status: 403,
    retry: false,
    title: 'Session over',
    detail:
      'New seats can no longer be held with this place. Seats that are held can still be paid until their deadline.',
  },
  ROOM_CLOSED: {
    status: 403,
    retry: false,
    title: 'Waiting room closed',
    detail: 'The waiting room takes nobody now. Where `opensAt` is set, come back then.',
  },
  USER_NOT_FOUND: {
    status: 404,
    retry: false,
    title: 'User not found',
    detail: 'There is no such user.',
  },
  CONCERT_NOT_FOUND: {
    status: 404,
    retry: false,
    title: 'Concert not found',
    detail: 'There is no concert with this id.',
  },
  SCHEDULE_NOT_FOUND: {
    status: 404,
    retry: false,
    title: 'Schedule not found',
    detail: 'This concert has no schedule with this id.',
  },
  SEAT_NOT_FOUND: {
    status: 404,
    retry: false,
    title: 'Seat not found',
    detail: 'The seats in `seatIds` do not exist in this schedule. No seat was taken.',
  },
  RESERVATION_NOT_FOUND: {
    status: 404,
    retry: false,
    title: 'Reservation not found',
    detail: 'You have no reservation with this id.',
  },
  PAYMENT_NOT_FOUND: {
    status: 404,
    retry: false,
    title: 'Payment not found',
    detail: 'You have no payment with this id.',
  },
  QUEUE_NOT_FOUND: {
    status: 404,
    retry: false,
    title: 'Place not found',
    detail: 'This place is not known (any more). Join the waiting room again.',
  },
  NOT_FOUND: {
    status: 404,
    retry: false,
    title: 'Not found',
    detail: 'There is nothing at this address.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    retry: false,
    title: 'Method not allowed',
    detail: 'This address does not take this method; `Allow` lists those it takes.',
  },
  EMAIL_TAKEN: {
    status: 409,
    retry: false,
    title: 'Email taken',
    detail: 'There is an account with this email already. Sign in instead.',
  },
  ALREADY_QUEUED: {
    status: 409,
    retry: false,
    title: 'Already in the waiting room',
    detail: 'You have a place in this room; `ticket` is it, with its token.',
  },
  SEAT_TAKEN: {
    status: 409,
    retry: false,
    title: 'Seat taken',
    detail: 'The seats in `seatIds` are held or sold. No seat was taken; choose others.',
  },
  ALREADY_PAID: {
    status: 409,
    retry: false,
    title: 'Already paid',
    detail: 'This reservation is paid and can no longer be cancelled.',
  },
  RESERVATION_CANCELLED: {
    status: 409,
    retry: false,
    title: 'Reservation cancelled',
    detail: 'This reservation was cancelled and its seats are back on sale. Nothing was paid.',
  },
  IMPORT_CONFLICT: {
    status: 409,
    retry: false,
    title: 'Import conflicts with sales',
    detail: 'The import would remove or reprice seats that are held or sold. Nothing was changed; see `conflicts`.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    retry: false,
    title: 'Body too large',
    detail: 'The body is over the limit of this call.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    retry: false,
    title: 'Unsupported media type',
    detail: 'Send the body as application/json in UTF-8, without content encoding.',
  },
  IDEMPOTENCY_MISMATCH: {
    status: 422,
    retry: false,
    title: 'Idempotency-Key reused',
    detail: 'This Idempotency-Key was used with another payload. Nothing was changed; use a new key.',
  },
  RATE_LIMITED: {
    status: 429,
    retry: true,
    title: 'Too many requests',
    detail: 'Slow down: try again after `Retry-After` seconds. Nothing was changed.',
  },
  UNAVAILABLE: {
    status: 503,
    retry: true,
    title: 'Unavailable',
    detail:
      'The service cannot answer now. Whether a change was made is unknown: repeat with the same Idempotency-Key after `Retry-After` seconds. Places and holds are kept.',
  },
  INTERNAL: {
    status: 500,
    retry: true,
    title: 'Internal error',
    detail: 'Something went wrong on our side; `instance` finds it in the log.',
  },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof ERRORS;

/** An expected refusal, as a value: its code and the extra members that the table of the contract names. */
export interface Refusal {
  refused: ErrorCode;
  members: Record<string, unknown>;
}

export function refuse(code: ErrorCode, members: Record<string, unknown> = {}): Refusal {
  return { refused: code, members };
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'refused' in value;
}

/**
 * A dependency is away or a bound is reached: answered 503 with `Retry-After`. Thrown, since no use case can go on.
 * `cause` goes to the log only.
 */
export class Unavailable extends Error {
  readonly retryAfterSeconds: number;
  constructor(reason: string, options: { cause?: unknown; retryAfterSeconds?: number } = {}) {
    super(reason, { cause: options.cause });
    this.retryAfterSeconds = options.retryAfterSeconds ?? 1;
  }
}

/** WebSocket close codes of the contract. */
export const CLOSE = {
  BAD_MESSAGES: 4400,
  NOT_AUTHENTICATED: 4401,
  PLACES_OVER: 4403,
  TOO_SLOW: 4408,
  RESTARTING: 1012,
} as const;
