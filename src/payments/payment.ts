import { paymentIdOf } from '../reservations/ids.ts';
import type { Confirmed } from './outcomes.ts';
import type { Payment } from './shapes.ts';

interface PaidFor {
  userId: string;
  concertId: string;
  reservationId: string;
}

/** The payment as its user sees it. */
export function paymentOf({ userId, concertId, reservationId }: PaidFor, paid: Confirmed): Payment {
  const prices = paid.prices.split(',');
  return {
    paymentId: paymentIdOf(reservationId),
    reservationId,
    userId,
    concertId,
    scheduleId: paid.scheduleId,
    seats: paid.seats.split(',').map((seatId, i) => paidSeat(seatId, Number(prices[i]))),
    amount: paid.amount,
    currency: paid.currency,
    balance: paid.balance,
    status: 'CONFIRMED',
    paidAt: new Date(paid.paidAtMs).toISOString(),
    recordedAt: paid.recordedAtMs === null ? null : new Date(paid.recordedAtMs).toISOString(),
  };
}

/** Section and row names are letters and digits, so that a seat id falls apart at its dashes. */
function paidSeat(seatId: string, price: number): Payment['seats'][number] {
  const [section = '', row = '', number] = seatId.split('-');
  return { seatId, section, row, number: Number(number), price };
}
