/**
 * Every message of the WebSocket as a schema: what a client says is checked by these, what the server says is
 * rendered by these, and `asyncapi.ts` makes the AsyncAPI document of the same ones.
 */
import { type Static, type TSchema, Type } from 'typebox';
import { SeatStatus } from '../concerts/shapes.ts';
import { type Refusal, refuse } from '../errors.ts';
import { type Problem, problemOf } from '../http/answer.ts';
import { PROBLEM } from '../http/problem-schema.ts';
import { type Check, createCheck } from '../http/validate.ts';
import { LIMITS } from '../limits.ts';
import { Reservation } from '../reservations/shapes.ts';
import { Room, Ticket } from '../waiting-room/shapes.ts';

const ID_MAX_CHARS = 128;
const id = (description: string) => Type.String({ minLength: 1, maxLength: ID_MAX_CHARS, description });
const closed = { additionalProperties: false };

export const CLIENT_MESSAGES = {
  auth: Type.Object(
    {
      type: Type.Literal('auth'),
      token: Type.String({ minLength: 1, maxLength: LIMITS.TOKEN_MAX_BYTES, description: 'a queue token' }),
    },
    {
      ...closed,
      description: `The first message, within ${LIMITS.WS_AUTH_DEADLINE_MS / 1000} s. Once for each place; at most ${LIMITS.WS_PLACES_MAX} places, all of one user.`,
    },
  ),
  watch: Type.Object(
    {
      type: Type.Literal('watch'),
      scheduleId: id('a schedule of a concert in which a place of this socket is ACTIVE'),
      concertId: Type.Optional(id('where the socket carries places of several concerts')),
      version: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
          description: 'go on after this version instead of from a snapshot',
        }),
      ),
    },
    { ...closed, description: `Asks for the seats of a schedule; at most ${LIMITS.WS_WATCHES_MAX} schedules.` },
  ),
  unwatch: Type.Object(
    {
      type: Type.Literal('unwatch'),
      scheduleId: id('a watched schedule'),
      concertId: Type.Optional(id('its concert')),
    },
    { ...closed, description: 'Ends a watch.' },
  ),
  leave: Type.Object(
    { type: Type.Literal('leave'), queueId: id('a place of this socket') },
    { ...closed, description: 'Gives a place back; its last ticket follows.' },
  ),
} as const;
export type ClientMessage = {
  [T in keyof typeof CLIENT_MESSAGES]: Static<(typeof CLIENT_MESSAGES)[T]>;
}[keyof typeof CLIENT_MESSAGES];

/** As over HTTP. What is a header there is a member here. */
const ProblemSchema = Type.Unsafe<Problem>({
  ...PROBLEM,
  properties: { ...(PROBLEM.properties as object), retryAfterSeconds: { type: 'integer', minimum: 1 } },
  $id: 'Problem',
});

export const SERVER_MESSAGES = {
  ticket: Type.Object(
    { type: Type.Literal('ticket'), ticket: Ticket },
    {
      description:
        'After `auth`, on every change of status or deadline, and where the position cannot be derived from the last `room` message.',
    },
  ),
  room: Type.Object(
    { type: Type.Literal('room'), room: Room },
    {
      description:
        'When something moved, to all who wait there. position = ticket.position - (room.admitted - ticket.admitted), at least 1; one with a smaller `admitted` than the ticket is older than it and is ignored.',
    },
  ),
  seats: Type.Object(
    {
      type: Type.Literal('seats'),
      concertId: Type.String(),
      scheduleId: Type.String(),
      version: Type.Integer({ minimum: 0, description: 'as in the HTTP interface' }),
      full: Type.Optional(
        Type.Literal(true, { description: 'a snapshot: every seat that is not listed is AVAILABLE' }),
      ),
      changes: Type.Array(Type.Tuple([Type.String({ description: 'seatId' }), SeatStatus])),
    },
    { description: 'To those who watch: a snapshot, then changes, each version one more than the last.' },
  ),
  reservation: Type.Object(
    { type: Type.Literal('reservation'), reservation: Reservation },
    { description: "The user's own hold was made, confirmed, cancelled or ran out." },
  ),
  error: Type.Object(
    { type: Type.Literal('error'), problem: ProblemSchema },
    {
      description: `A message that could not be followed, or the end of a watch whose schedule was removed (SCHEDULE_NOT_FOUND, with \`concertId\` and \`scheduleId\`). After ${LIMITS.WS_BAD_MESSAGES_MAX} that are no messages of this interface, too long or too many, the socket is closed.`,
    },
  ),
} as const satisfies Record<string, TSchema>;
export type FrameType = keyof typeof SERVER_MESSAGES;
export type SeatChange = readonly [seatId: string, status: SeatStatus];

const checks = Object.fromEntries(
  Object.entries(CLIENT_MESSAGES).map(([type, schema]) => [type, createCheck(schema, '')]),
) as Record<ClientMessage['type'], Check>;

/** Reads a text frame. VALIDATION, with what does not fit, for anything but a message of a client. */
export function readMessage(text: string): ClientMessage | Refusal {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return invalid('', 'is not JSON');
  }
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  if (typeof type !== 'string' || !Object.hasOwn(checks, type))
    return invalid('/type', `must be one of ${Object.keys(checks).join(', ')}`);
  const checked = checks[type as ClientMessage['type']](value);
  return 'faults' in checked ? refuse('VALIDATION', { errors: checked.faults }) : (checked.value as ClientMessage);
}

export function invalid(path: string, message: string): Refusal {
  return refuse('VALIDATION', { errors: [{ path, message }] });
}

export function ticketFrame(ticket: Ticket): string {
  return JSON.stringify({ type: 'ticket', ticket });
}

export function roomFrame(room: Room): string {
  return JSON.stringify({ type: 'room', room });
}

export function reservationFrame(reservation: Reservation): string {
  return JSON.stringify({ type: 'reservation', reservation });
}

/** `retryAfterSeconds` is a header in HTTP; here it is a member. */
export function errorFrame(refusal: Refusal): string {
  const problem: Problem = problemOf(refusal);
  const { retryAfterSeconds } = refusal.members;
  return JSON.stringify({
    type: 'error',
    problem: retryAfterSeconds === undefined ? problem : { ...problem, retryAfterSeconds },
  });
}

interface SeatsAt {
  concertId: string;
  scheduleId: string;
  version: number;
  changes: readonly SeatChange[];
}

export function seatsFrame({ concertId, scheduleId, version, changes }: SeatsAt): string {
  return JSON.stringify({ type: 'seats', concertId, scheduleId, version, changes });
}

/** `changes`: every seat that is not AVAILABLE. */
export function snapshotFrame({ concertId, scheduleId, version, changes }: SeatsAt): string {
  return JSON.stringify({ type: 'seats', concertId, scheduleId, version, full: true, changes });
}
