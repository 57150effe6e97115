import { type Refusal, refuse } from '../errors.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { concertOf, reservationIdOf } from '../reservations/ids.ts';
import { ask } from './ask.script.ts';
import { type Confirmed, confirmedOf } from './outcomes.ts';
import { paymentOf } from './payment.ts';
import { postConfirmed, type SettleDeps } from './settle-transfer.ts';
import type { Payment } from './shapes.ts';

interface PaymentName {
  paymentId: string;
  userId: string;
}

/** One payment of this user. Refuses PAYMENT_NOT_FOUND, for somebody else's too. */
export async function readPayment({ redis }: { redis: RedisClient }, name: PaymentName): Promise<Payment | Refusal> {
  return (await find(redis, name))?.payment ?? refuse('PAYMENT_NOT_FOUND');
}

/**
 * The same for a call that would pay again, whatever place its user has or has not: answered once the money is
 * posted, since the call that confirmed it may have died before. It asks as the sweeper does, since with
 * DURABILITY=replica a confirm that no replica has may be undone yet, and its money must not be posted.
 */
export async function repeatPayment(deps: SettleDeps, name: PaymentName): Promise<Payment | Refusal> {
  const found = await find(deps.redis, name);
  if (!found) return refuse('PAYMENT_NOT_FOUND');
  const { payment, paid } = found;
  const { userId, reservationId } = payment;
  const { transferId } = paid;
  const keys = { reservation: concertKeys(payment.concertId).reservation(reservationId) };
  const { outcome } = await ask.run(deps.redis, { keys, args: { transfer_id: transferId } });
  if (outcome === 'REFUSED') return refuse('PAYMENT_NOT_FOUND');
  await postConfirmed(deps, { userId, reservationId, transferId });
  return payment;
}

async function find(
  redis: RedisClient,
  { paymentId, userId }: PaymentName,
): Promise<{ payment: Payment; paid: Confirmed } | null> {
  const concertId = concertOf(paymentId);
  if (concertId === null || !paymentId.startsWith('pay_')) return null;
  const reservationId = reservationIdOf(paymentId);
  const record = await redis.hgetall(concertKeys(concertId).reservation(reservationId));
  if (record.status !== 'CONFIRMED' || record.user !== userId) return null;
  const { transfer = '', schedule = '', seats = '', prices = '', amount = '', currency = '', balance = '' } = record;
  const { paid_at: paidAt = '', recorded_at: recordedAt = '' } = record;
  const paid = confirmedOf([transfer, schedule, seats, prices, amount, currency, balance, paidAt, recordedAt]);
  return { payment: paymentOf({ userId, concertId, reservationId }, paid), paid };
}
