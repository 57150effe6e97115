/**
 * Step 3 of a payment. Who calls these has the answer of the concert's slot for exactly this transfer id: a lost or
 * late reply is no answer, and then neither may be called.
 */
import { metrics } from '../observability/metrics.ts';
import type { Log } from '../observability/log.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { concertOf } from '../reservations/ids.ts';
import { postTransfer, type TransferAttempt, voidTransfer } from '../wallet/transfers.ts';

export interface SettleDeps {
  redis: RedisClient;
  log: Log;
}

/**
 * Spends the money of a confirmed payment. Safe to repeat. Throws, with an alarm, where the wallet has no such
 * transfer and PostgreSQL does not have the payment either: a ticket that nobody paid for is never passed over.
 */
export async function postConfirmed(deps: SettleDeps, attempt: TransferAttempt): Promise<void> {
  const outcome = await postTransfer(deps, attempt);
  if (outcome === 'POSTED' || outcome === 'ALREADY') return;
  // A transfer is forgotten a day after its end, once its payment is recorded; another may have followed it.
  if (outcome !== 'VOIDED' && (await isRecorded(deps, attempt))) return;
  alarm(deps, attempt, `confirmed, but its transfer is ${outcome}`);
}

/** Gives the money of a refused payment back. Safe to repeat. Throws, with an alarm, where it was spent. */
export async function voidRefused(deps: SettleDeps, attempt: TransferAttempt): Promise<void> {
  const outcome = await voidTransfer(deps, attempt);
  if (outcome === 'POSTED') alarm(deps, attempt, 'refused, but its transfer is POSTED');
}

function alarm({ log }: SettleDeps, attempt: TransferAttempt, what: string): never {
  metrics.paymentAlarms.inc();
  log.error(attempt, `ALARM: a payment was ${what}; run the audit`);
  throw new Error(`payment ${attempt.reservationId} by ${attempt.transferId} was ${what}`);
}

/** True where PostgreSQL has the payment that this very transfer paid. */
export async function isRecorded({ redis }: SettleDeps, attempt: TransferAttempt): Promise<boolean> {
  const { reservationId, transferId } = attempt;
  const concertId = concertOf(reservationId);
  if (concertId === null) return false;
  const record = concertKeys(concertId).reservation(reservationId);
  const [status, confirmedBy, recordedAt] = await redis.hmget(record, 'status', 'transfer', 'recorded_at');
  return status === 'CONFIRMED' && confirmedBy === transferId && Boolean(recordedAt);
}
