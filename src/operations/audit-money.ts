/** The audit of money against tickets in PostgreSQL: every payment was paid, every payment out of a wallet is a ticket. */
import { concertKeys, walletKeys } from '../redis/keys.ts';
import { concertOf, reservationIdOf } from '../reservations/ids.ts';
import type { AuditDeps } from './audit-pass.ts';
import type { Findings } from './findings.ts';
import { eachUnpaidSlice, eachUnusedSlice, type UnmatchedRow } from './ledger-rows.ts';

export async function auditMoneyOfRows(deps: AuditDeps, findings: Findings): Promise<void> {
  await eachUnpaidSlice(deps.sql, async (rows) => {
    const moving = await Promise.all(rows.map((row) => isPaymentMoving(deps, row)));
    for (const [i, { reservationId, userId, amount }] of rows.entries()) {
      if (moving[i]) continue;
      findings.add('PAYMENT_NOT_PAID', reservationId, `recorded, but ${amount} did not leave the wallet of ${userId}`);
    }
  });
  await eachUnusedSlice(deps.sql, async (rows) => {
    const moving = await Promise.all(rows.map((row) => isEntryMoving(deps, row)));
    for (const [i, { paymentId, userId, amount }] of rows.entries()) {
      if (moving[i]) continue;
      findings.add(
        'ENTRY_WITHOUT_PAYMENT',
        paymentId,
        `${amount} left the wallet of ${userId}, but there is no such payment`,
      );
    }
  });
}

/** Its transfer is not yet posted, or is, and the wallet still has entries to be recorded. */
async function isPaymentMoving({ redis }: AuditDeps, row: UnmatchedRow): Promise<boolean> {
  const keys = walletKeys(row.userId);
  const [id, state] = await redis.hmget(keys.transfer(row.reservationId), 'id', 'state');
  const [entries, recorded] = await redis.hmget(keys.wallet, 'entries', 'recorded');
  return id === row.transferId && (state === 'PENDING' || (state === 'POSTED' && entries !== recorded));
}

/** Its reservation is confirmed, and still to be recorded. */
async function isEntryMoving({ redis }: AuditDeps, { paymentId, amount }: UnmatchedRow): Promise<boolean> {
  const concertId = concertOf(paymentId);
  if (concertId === null) return false;
  const key = concertKeys(concertId).reservation(reservationIdOf(paymentId));
  const [status, paid, recordedAt] = await redis.hmget(key, 'status', 'amount', 'recorded_at');
  return status === 'CONFIRMED' && Number(paid) === amount && !recordedAt;
}
