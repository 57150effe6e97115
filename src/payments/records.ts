/** Payments in PostgreSQL. */
import type { ClientBase } from 'pg';

export interface PaymentRecord {
  paymentId: string;
  reservationId: string;
  userId: string;
  concertId: string;
  scheduleId: string;
  /** in the order in which they were chosen */
  seats: { seatId: string; price: number }[];
  /** the sum of the prices */
  amount: number;
  currency: string;
  /** available in the wallet after this payment */
  balance: number;
  transferId: string;
  paidAtMs: number;
}

const SENT = `sent AS (
  SELECT i, payment_id, reservation_id, user_id, concert_id, schedule_id, amount, currency, balance, transfer_id,
    timestamptz 'epoch' + paid_at_ms * interval '1 millisecond' AS paid_at, seats
  FROM jsonb_to_recordset($1::jsonb) AS _ (i int, payment_id text, reservation_id text, user_id text, concert_id text,
    schedule_id text, amount bigint, currency text, balance bigint, transfer_id text, paid_at_ms bigint, seats jsonb)
)`;

// In the order of the keys, so that two workers with the same rows cannot wait for each other in a circle. ON CONFLICT
// without a target: with one, a row that meets another unique key would cost the whole batch.
const INSERT = `WITH ${SENT}, new_payments AS (
  INSERT INTO payments (payment_id, reservation_id, user_id, concert_id, schedule_id, amount, currency, balance,
    transfer_id, paid_at)
  SELECT payment_id, reservation_id, user_id, concert_id, schedule_id, amount, currency, balance, transfer_id, paid_at
  FROM sent ORDER BY payment_id
  ON CONFLICT DO NOTHING
  RETURNING 1
), new_seats AS (
  INSERT INTO payment_seats (concert_id, schedule_id, seat_id, payment_id, place, price)
  SELECT concert_id, schedule_id, seat->>'seat', payment_id, place, (seat->>'price')::bigint
  FROM sent CROSS JOIN jsonb_array_elements(seats) WITH ORDINALITY AS _ (seat, place)
  ORDER BY 1, 2, 3
  ON CONFLICT DO NOTHING
  RETURNING 1
)
SELECT (SELECT count(*) FROM new_payments)::int AS payments, (SELECT count(*) FROM new_seats)::int AS seats`;

// A statement of its own: only a new snapshot sees what another worker committed while the insert waited for it.
const CONTRADICTING = `WITH ${SENT}
SELECT i FROM sent
WHERE NOT EXISTS (
  SELECT FROM payments p
  WHERE p.payment_id = sent.payment_id AND p.reservation_id = sent.reservation_id AND p.user_id = sent.user_id
    AND p.concert_id = sent.concert_id AND p.schedule_id = sent.schedule_id AND p.amount = sent.amount
    AND p.currency = sent.currency AND p.balance = sent.balance AND p.transfer_id = sent.transfer_id
    AND p.paid_at = sent.paid_at
) OR NOT EXISTS (
  SELECT FROM payment_seats s
  -- By the payment alone: on a table that is not analysed yet, concert and schedule look like the better index, and
  -- each payment then reads a whole hall (500 payments of a hall of 50,000: 15 s).
  WHERE s.payment_id = sent.payment_id
  HAVING jsonb_agg(jsonb_build_object('seat', seat_id, 'price', price) ORDER BY place) = sent.seats
    AND bool_and(s.concert_id = sent.concert_id AND s.schedule_id = sent.schedule_id)
)`;

/**
 * Writes payments with their seats; safe to repeat. Within a transaction of the caller's.
 * @returns the indexes of those that do not stand as sent, since other rows have their keys. They may have left rows
 *   behind: the caller rolls back, and tries one at a time.
 */
export async function recordPayments(sql: ClientBase, payments: readonly PaymentRecord[]): Promise<number[]> {
  const sent = [JSON.stringify(payments.map(rowOf))];
  const { rows: inserted } = await sql.query<{ payments: number; seats: number }>(INSERT, sent);
  const seats = payments.reduce((sum, payment) => sum + payment.seats.length, 0);
  // Where every row of every payment is new, each stands as sent, and a new payment has no others: to read them all
  // again was half of PostgreSQL's work. Any row that was there before leads to the comparison.
  if (inserted[0]?.payments === payments.length && inserted[0].seats === seats) return [];
  const { rows } = await sql.query<{ i: number }>(CONTRADICTING, sent);
  return rows.map(({ i }) => i);
}

function rowOf(payment: PaymentRecord, i: number) {
  return {
    i,
    payment_id: payment.paymentId,
    reservation_id: payment.reservationId,
    user_id: payment.userId,
    concert_id: payment.concertId,
    schedule_id: payment.scheduleId,
    amount: payment.amount,
    currency: payment.currency,
    balance: payment.balance,
    transfer_id: payment.transferId,
    paid_at_ms: payment.paidAtMs,
    seats: payment.seats.map(({ seatId, price }) => ({ seat: seatId, price })),
  };
}
