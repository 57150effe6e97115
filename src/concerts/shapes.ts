/** What a concert, its schedules and its seats look like, as schemas; the types come from them. */
import { type Static, Type } from 'typebox';
import { LIMITS } from '../limits.ts';
import { Room, RoomSettings } from '../waiting-room/shapes.ts';

const closed = { additionalProperties: false };
const count = (description: string) => Type.Integer({ minimum: 0, description });
const time = (description: string) => Type.String({ format: 'date-time', description });
const date = (description: string) => Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', description });

/** An id that the operator chooses. `schedules` is no concert id: it is a path of its own. */
const OPERATORS_ID = '^[a-z0-9][a-z0-9-]{0,63}$';
export const ConcertId = Type.String({
  pattern: `^(?!schedules$)${OPERATORS_ID.slice(1)}`,
  description: 'chosen by the operator',
});
export const ScheduleId = Type.String({
  pattern: OPERATORS_ID,
  description: 'chosen by the operator, unique in its concert',
});
export const SeatId = Type.String({ minLength: 5, maxLength: 80, description: '`<section>-<row>-<number>`' });

export const SEAT_STATUSES = ['AVAILABLE', 'HELD', 'SOLD'] as const;
export const SeatStatus = Type.Enum([...SEAT_STATUSES]);
export type SeatStatus = Static<typeof SeatStatus>;

/** Where a seat is and what it costs. */
export const Seat = Type.Object(
  {
    seatId: Type.String({ description: '`<section>-<row>-<number>`' }),
    section: Type.String(),
    row: Type.String(),
    number: Type.Integer({ minimum: 1 }),
    price: Type.Integer({ minimum: 0, description: 'in the smallest unit of the currency' }),
  },
  closed,
);
export type Seat = Static<typeof Seat>;

export const SeatOnMap = Type.Object({ ...Seat.properties, status: SeatStatus }, closed);
export type SeatOnMap = Static<typeof SeatOnMap>;

export const SeatMap = Type.Object(
  {
    scheduleId: Type.String(),
    version: count('raised by one with each change of a seat; the same in every process and over WebSocket'),
    available: count('seats that are neither held nor sold, whatever `status` was asked for'),
    seats: Type.Array(SeatOnMap, { description: 'of the status that was asked for, else all' }),
  },
  { $id: 'SeatMap', ...closed },
);
export type SeatMap = Static<typeof SeatMap>;

export const SeatMapsOfDate = Type.Object({ schedules: Type.Array(SeatMap, { description: 'by `startsAt`' }) }, closed);

export const Schedule = Type.Object(
  {
    scheduleId: Type.String(),
    startsAt: time('when it starts'),
    date: date('its day in the time zone of the concert'),
    totalSeats: count('all seats'),
    availableSeats: count('seats that are neither held nor sold'),
  },
  { $id: 'Schedule', ...closed },
);
export type Schedule = Static<typeof Schedule>;

export const Schedules = Type.Object({ schedules: Type.Array(Schedule, { description: 'by `startsAt`' }) }, closed);

export const ScheduleWithSeats = Type.Object({ ...Schedule.properties, seats: Type.Array(SeatOnMap) }, closed);
export const SchedulesWithSeats = Type.Object(
  { schedules: Type.Array(ScheduleWithSeats, { description: 'those with seats left, by `startsAt`' }) },
  closed,
);

export const Concert = Type.Object(
  {
    concertId: Type.String(),
    title: Type.String(),
    venue: Type.String(),
    timeZone: Type.String({ description: 'IANA name' }),
    currency: Type.String({ description: 'ISO 4217 code' }),
    seatLimit: Type.Integer({ minimum: 1, description: 'seats that one person may have, held and bought together' }),
    schedules: Type.Array(Schedule, { description: 'by `startsAt`' }),
    room: Room,
  },
  { $id: 'Concert', ...closed },
);
export type Concert = Static<typeof Concert>;

export const Concerts = Type.Object(
  {
    concerts: Type.Array(Concert),
    nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'null at the end' }),
  },
  closed,
);
export type Concerts = Static<typeof Concerts>;

export const ImportedConcert = Type.Object(
  {
    ...Concert.properties,
    added: count('seats that were not there before'),
    removed: count('seats that are gone'),
    repriced: count('seats with another price'),
    unchanged: count('seats as they were'),
  },
  { $id: 'ImportedConcert', ...closed },
);
export type ImportedConcert = Static<typeof ImportedConcert>;

const place = (description: string) =>
  Type.String({
    pattern: '^[\\p{L}\\p{N}]{1,16}$',
    description: `${description}: 1 to 16 letters or digits of any script`,
  });

export const SectionInput = Type.Object(
  {
    section: place('name of the section'),
    price: Type.Integer({ minimum: 0, maximum: LIMITS.PRICE_MAX, description: 'of each seat here' }),
    rows: Type.Array(
      Type.Object(
        {
          row: place('name of the row, unique in its section'),
          seats: Type.Integer({ minimum: 1, maximum: LIMITS.SEATS_A_CONCERT_MAX, description: 'numbered from 1' }),
        },
        closed,
      ),
      { minItems: 1 },
    ),
  },
  closed,
);

export const ScheduleInput = Type.Object(
  {
    scheduleId: ScheduleId,
    startsAt: Type.String({ format: 'date-time', maxLength: 40, description: 'RFC 3339, with an offset' }),
    sections: Type.Array(SectionInput, { minItems: 1 }),
  },
  closed,
);
export type ScheduleInput = Static<typeof ScheduleInput>;

/** Holds and their limits come from here; what is left out has its default. */
export const ConcertInput = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 200 }),
    venue: Type.String({ minLength: 1, maxLength: 200 }),
    currency: Type.Optional(Type.String({ description: "the installation's, which is also the default" })),
    timeZone: Type.Optional(Type.String({ minLength: 1, maxLength: 64, default: 'UTC', description: 'IANA name' })),
    seatLimit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.SEATS_A_HOLD_MAX, default: 4 })),
    holdSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_600, default: 300 })),
    schedules: Type.Array(ScheduleInput, { maxItems: LIMITS.SCHEDULES_MAX }),
    room: Type.Optional(RoomSettings),
  },
  { $id: 'ConcertInput', ...closed },
);
export type ConcertInput = Static<typeof ConcertInput>;
