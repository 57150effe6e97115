/** What the waiting room says and is told, as schemas; the types come from them. */
import { type Static, Type } from 'typebox';

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) => Type.Union([type, Type.Null()]);
const time = (description: string) => Type.String({ format: 'date-time', description });
const count = (description: string) => Type.Integer({ minimum: 0, description });

export const PLACE_STATUSES = ['WAITING', 'ACTIVE', 'EXPIRED', 'LEFT', 'USED'] as const;
export type PlaceStatus = (typeof PLACE_STATUSES)[number];

export const PLACE_REASONS = ['UNCLAIMED', 'SESSION_OVER', 'SUPERSEDED', 'LEFT', 'REMOVED', 'PAID'] as const;
export type PlaceReason = (typeof PLACE_REASONS)[number];

export const ROOM_STATES = ['OPEN', 'PAUSED', 'CLOSED'] as const;
export type RoomState = (typeof ROOM_STATES)[number];

export const Ticket = Type.Object(
  {
    queueId: Type.String(),
    token: Type.Optional(Type.String({ description: 'the queue token; left out for operators' })),
    concertId: Type.String(),
    status: Type.Enum([...PLACE_STATUSES]),
    reason: nullable(Type.Enum([...PLACE_REASONS], { description: 'why the place is over' })),
    sequence: Type.Integer({ minimum: 1, description: 'number of the place in its room, in the order of joining' }),
    position: nullable(
      Type.Integer({ minimum: 1, description: '1 is the next to be admitted; null when not waiting' }),
    ),
    ahead: nullable(count('position - 1')),
    waiting: count('how many wait in all'),
    admitted: count('how many this room has admitted so far'),
    estimatedWaitSeconds: nullable(count('from the measured admission rate; null when nothing is admitted')),
    pollAfterSeconds: Type.Integer({ minimum: 1, description: 'when to ask again; grows with the position' }),
    joinedAt: time('when the place was taken'),
    expiresAt: nullable(time('of an ACTIVE place: the end of the claim window, then of the session or the last hold')),
    serverTime: time('the time by which the rest was judged'),
  },
  { $id: 'Ticket', additionalProperties: false },
);
export type Ticket = Static<typeof Ticket>;

export const Room = Type.Object(
  {
    concertId: Type.String(),
    state: Type.Enum([...ROOM_STATES]),
    opensAt: nullable(time('when a CLOSED room opens by itself; null once it has')),
    capacity: count('ACTIVE places at most'),
    admitted: count('how many this room has admitted so far'),
    frontier: count('the highest sequence admitted so far'),
    waiting: count('how many wait'),
    active: count('how many are ACTIVE'),
    ratePerSecond: Type.Number({ minimum: 0, description: 'admissions a second, measured over about the last minute' }),
    seatsLeft: count('seats that are neither held nor sold, over all schedules'),
    serverTime: time('the time of these numbers'),
  },
  { $id: 'Room', additionalProperties: false },
);
export type Room = Static<typeof Room>;

/** Settings of a room as an operator sends them; what is left out stays, or has the default when a concert is new. */
export const RoomSettings = Type.Object(
  {
    state: Type.Optional(Type.Enum([...ROOM_STATES], { default: 'OPEN' })),
    opensAt: Type.Optional(nullable(time('when a CLOSED room opens by itself'))),
    capacity: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000, default: 1_000 })),
    admitPerSecond: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000, default: 100 })),
    sessionSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400, default: 600 })),
    claimSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400, default: 60 })),
    reentry: Type.Optional(Type.Enum(['reject', 'supersede'], { default: 'reject' })),
  },
  { $id: 'RoomSettings', additionalProperties: false },
);
export type RoomSettings = Static<typeof RoomSettings>;

/** All of them, as they were set last: a room that has opened by itself still says CLOSED, and when it opened. */
export const SetRoom = Type.Required(RoomSettings, { $id: 'SetRoom' });
export type SetRoom = Static<typeof SetRoom>;
