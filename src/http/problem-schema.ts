/** What the documents say of problem objects: the members that all have, and those that come with single codes. */
import { ERRORS, type ErrorCode } from '../errors.ts';
import { PROBLEM_EXAMPLES } from './examples.ts';

type Json = { [member: string]: unknown };

const text = (description: string) => ({ type: 'string', description });
const integer = (description: string) => ({ type: 'integer', description });
const time = (description: string) => ({ type: 'string', format: 'date-time', description });
const list = (items: Json, description: string) => ({ type: 'array', items, description });
const fault = {
  type: 'object',
  required: ['path', 'message'],
  properties: { path: { type: 'string' }, message: { type: 'string' } },
};

/** The table of the contract. */
const MEMBERS: Partial<Record<ErrorCode, Json>> = {
  VALIDATION: {
    errors: list(fault, 'what does not fit: `/seatIds/0` in the body, `query/limit`, `path/concertId`, …'),
  },
  INVALID_AMOUNT: { min: integer('least amount'), max: integer('most that this wallet takes in one charge') },
  RESERVATION_EXPIRED: { expiredAt: time('when the hold ran out') },
  INSUFFICIENT_BALANCE: { balance: integer('what can be spent'), required: integer('what the reservation costs') },
  SEAT_LIMIT: { limit: integer('seats a person'), held: integer('held now'), bought: integer('bought already') },
  NOT_ACTIVE: {
    status: {
      type: ['string', 'null'],
      description: 'of the queue token’s place (not of HTTP); null where there is none in this room',
    },
    position: { type: ['integer', 'null'], description: 'of that place, while it waits' },
  },
  SESSION_OVER: { expiresAt: time('end of the place, for holds that are there') },
  ROOM_CLOSED: { state: text('of the room'), opensAt: { type: ['string', 'null'], format: 'date-time' } },
  SEAT_NOT_FOUND: { seatIds: list({ type: 'string' }, 'those that are not there') },
  ALREADY_QUEUED: { ticket: { $ref: '#/components/schemas/Ticket' } },
  SEAT_TAKEN: {
    seatIds: list({ type: 'string' }, 'those that were lost'),
    reservationId: text('where all of them are held by your own hold'),
  },
  ALREADY_PAID: { paymentId: text('of the payment') },
  IMPORT_CONFLICT: { conflicts: list(fault, 'held or sold seats that would be removed or repriced') },
  BODY_TOO_LARGE: { maxBytes: integer('most that this call takes') },
  INTERNAL: { instance: text('finds the fault in the log') },
};

export const PROBLEM: Json = {
  type: 'object',
  description: 'RFC 9457. `code` is stable; some codes come with further members.',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: ['integer', 'string', 'null'], description: 'of HTTP; with NOT_ACTIVE, that of the place' },
    detail: { type: 'string' },
    code: { enum: Object.keys(ERRORS) },
  },
};

/** Members that come only where they apply. */
const OPTIONAL: ReadonlySet<string> = new Set(['reservationId', 'maxBytes']);

/** The problem objects with one of these codes; the members of each are its own. */
export function problemSchema(codes: readonly ErrorCode[]): Json {
  const one = codes.map((code) => {
    const members = MEMBERS[code] ?? {};
    const properties = { code: { const: code }, status: { const: ERRORS[code].status }, ...members };
    const required = ['code', ...Object.keys(members).filter((name) => !OPTIONAL.has(name))];
    return { type: 'object', required, properties };
  });
  return {
    allOf: [
      { $ref: '#/components/schemas/Problem' },
      { type: 'object', properties: { code: { enum: codes } } },
      one.length === 1 ? one[0] : { oneOf: one },
    ],
  };
}

/** A problem as it is sent. */
export function problemExample(code: ErrorCode): Json {
  const { status, title, detail } = ERRORS[code];
  return { type: `/docs#${code}`, title, status, detail, code, ...PROBLEM_EXAMPLES[code] };
}
