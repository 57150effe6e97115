/** What a payment looks like to its user, as schemas. Money is an integer in the smallest unit of the currency. */
import { type Static, Type } from 'typebox';
import { Seat } from '../concerts/shapes.ts';

const closed = { additionalProperties: false };
const time = (description: string) => Type.String({ format: 'date-time', description });

export const PaymentInput = Type.Object(
  { reservationId: Type.String({ minLength: 1, maxLength: 200 }) },
  { $id: 'PaymentInput', ...closed },
);
export type PaymentInput = Static<typeof PaymentInput>;

export const Payment = Type.Object(
  {
    paymentId: Type.String(),
    reservationId: Type.String(),
    userId: Type.String(),
    concertId: Type.String(),
    scheduleId: Type.String(),
    seats: Type.Array(Seat, { description: 'with the prices that were paid' }),
    amount: Type.Integer({ minimum: 0 }),
    currency: Type.String({ description: 'ISO 4217 code' }),
    balance: Type.Integer({ description: 'what was left to spend after this payment' }),
    status: Type.Literal('CONFIRMED'),
    paidAt: time('when the seats became theirs'),
    recordedAt: Type.Union([time('when PostgreSQL had it'), Type.Null()]),
  },
  { $id: 'Payment', ...closed },
);
export type Payment = Static<typeof Payment>;
