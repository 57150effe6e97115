/** What a reservation looks like to its user, as schemas. Money is an integer in the smallest unit of the currency. */
import { type Static, Type } from 'typebox';
import { ScheduleId, Seat, SeatId } from '../concerts/shapes.ts';
import { LIMITS } from '../limits.ts';

const closed = { additionalProperties: false };
const time = (description: string) => Type.String({ format: 'date-time', description });

/**
 * HELD       by hold; until its deadline
 * CONFIRMED  from HELD, by a payment; never ends
 * CANCELLED  from HELD, by its user, or by leaving the room
 * EXPIRED    from HELD, when its deadline has passed, whether or not anybody wrote so
 */
export const RESERVATION_STATUSES = ['HELD', 'CONFIRMED', 'CANCELLED', 'EXPIRED'] as const;
export const ReservationStatus = Type.Enum([...RESERVATION_STATUSES]);
export type ReservationStatus = Static<typeof ReservationStatus>;

export const ReservationInput = Type.Object(
  {
    scheduleId: ScheduleId,
    seatIds: Type.Array(SeatId, { minItems: 1, maxItems: LIMITS.SEATS_A_HOLD_MAX, uniqueItems: true }),
  },
  { $id: 'ReservationInput', ...closed },
);
export type ReservationInput = Static<typeof ReservationInput>;

export const Reservation = Type.Object(
  {
    reservationId: Type.String(),
    userId: Type.String(),
    concertId: Type.String(),
    scheduleId: Type.String(),
    seats: Type.Array(Seat, { description: 'with the prices of the hold' }),
    amount: Type.Integer({ minimum: 0, description: 'sum of the prices' }),
    currency: Type.String({ description: 'ISO 4217 code' }),
    status: ReservationStatus,
    createdAt: time('when the seats were taken'),
    expiresAt: time('when the hold runs out, or ran out, unless it was paid'),
    paymentId: Type.Union([Type.String(), Type.Null()], { description: 'once CONFIRMED' }),
    serverTime: time('the time by which `status` was judged'),
  },
  { $id: 'Reservation', ...closed },
);
export type Reservation = Static<typeof Reservation>;

export const Reservations = Type.Object(
  {
    reservations: Type.Array(Reservation, { description: 'newest first' }),
    nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'null at the end' }),
  },
  closed,
);
export type Reservations = Static<typeof Reservations>;
