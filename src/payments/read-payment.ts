import { type Refusal, refuse } from '../errors.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { concertOf, reservationIdOf } from '../reservations/ids.ts';
import { confirmedOf } from './outcomes.ts';
import { paymentOf } from './payment.ts';
import type { Payment } from './shapes.ts';

/** One payment of this user. Refuses PAYMENT_NOT_FOUND, for somebody else's too. */
export async function readPayment(
  { redis }: { redis: RedisClient },
  { paymentId, userId }: { paymentId: string; userId: string },
): Promise<Payment | Refusal> {
  const concertId = concertOf(paymentId);
  if (concertId === null || !paymentId.startsWith('pay_')) return refuse('PAYMENT_NOT_FOUND');
  const reservationId = reservationIdOf(paymentId);
  const record = await redis.hgetall(concertKeys(concertId).reservation(reservationId));
  if (record.status !== 'CONFIRMED' || record.user !== userId) return refuse('PAYMENT_NOT_FOUND');
  const { transfer = '', schedule = '', seats = '', prices = '', amount = '', currency = '', balance = '' } = record;
  const { paid_at: paidAt = '', recorded_at: recordedAt = '' } = record;
  const paid = confirmedOf([transfer, schedule, seats, prices, amount, currency, balance, paidAt, recordedAt]);
  return paymentOf({ userId, concertId, reservationId }, paid);
}
