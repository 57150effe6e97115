/** The audit of a partition's transfers: money that was taken for a ticket has its ticket. */
import { LIMITS } from '../limits.ts';
import { concertKeys, partitionKeys, walletKeys } from '../redis/keys.ts';
import { concertOf } from '../reservations/ids.ts';
import type { AuditDeps } from './audit-pass.ts';
import { type AuditedTransfer, auditTransfers as script } from './audit-transfers.script.ts';
import type { AuditedPayment } from './audited-payment.ts';
import type { Findings } from './findings.ts';

export async function auditTransfers(deps: AuditDeps, partition: number, findings: Findings): Promise<void> {
  const { base, pending, over } = partitionKeys(partition);
  await eachSlice(deps, { base, transfers: pending }, async (transfers, nowMs) => {
    for (const transfer of transfers) auditPending(transfer, nowMs, deps, findings);
  });
  await eachSlice(deps, { base, transfers: over }, async (transfers) => {
    const gone = transfers.filter(({ state }) => state === '');
    for (const transfer of gone)
      findings.add('TRANSFER_MISSING', nameOf(transfer), 'is over by the list, but has no record');
    await auditPosted(
      deps,
      transfers.filter(({ state }) => state === 'POSTED'),
      findings,
    );
  });
}

async function eachSlice(
  { redis }: AuditDeps,
  keys: { base: string; transfers: string },
  look: (transfers: AuditedTransfer[], nowMs: number) => Promise<void>,
): Promise<void> {
  let cursor = '0';
  do {
    const slice = await script.run(redis, { keys, args: { cursor, count: LIMITS.AUDIT_SLICE } });
    await look(slice.transfers, slice.nowMs);
    cursor = slice.cursor;
  } while (cursor !== '0');
}

function nameOf({ transferId, reservationId, userId }: AuditedTransfer): string {
  return transferId || `${reservationId} ${userId}`;
}

/** One that is past its deadline is the sweeper's, which comes within a second or two. */
function auditPending(transfer: AuditedTransfer, nowMs: number, { graceMs }: AuditDeps, findings: Findings): void {
  if (transfer.state === '')
    findings.add('TRANSFER_MISSING', nameOf(transfer), 'is pending by the list, but has no record');
  else if (transfer.deadlineMs + graceMs < nowMs) {
    const detail = `${transfer.state} and past its deadline for ${nowMs - transfer.deadlineMs} ms, for ${transfer.reservationId}`;
    findings.add('TRANSFER_OVERDUE', nameOf(transfer), detail);
  }
}

/** POSTED ⊆ later CONFIRMED, by this very transfer. */
async function auditPosted(
  { redis }: AuditDeps,
  posted: readonly AuditedTransfer[],
  findings: Findings,
): Promise<void> {
  const reservations = await Promise.all(
    posted.map(async ({ reservationId }) => {
      const concertId = concertOf(reservationId);
      if (concertId === null) return [];
      const key = concertKeys(concertId).reservation(reservationId);
      return redis.hmget(key, 'status', 'transfer', 'user', 'amount');
    }),
  );
  for (const [i, { reservationId, transferId, userId, amount }] of posted.entries()) {
    const [status, confirmedBy, user, paid] = reservations[i] ?? [];
    const agrees = status === 'CONFIRMED' && confirmedBy === transferId && user === userId && Number(paid) === amount;
    if (agrees) continue;
    const found = status ? `${status} ${paid} by ${confirmedBy} of ${user}` : 'nothing';
    const detail = `${amount} of ${userId} was paid for ${reservationId}, which is: ${found}`;
    findings.add('TRANSFER_WITHOUT_PAYMENT', transferId, detail);
  }
}

/** Unrecorded CONFIRMED ⊆ later PENDING ∪ POSTED, by the same transfer. A recorded one's may be forgotten. */
export async function auditTransfersOf({ redis }: AuditDeps, payments: readonly AuditedPayment[], findings: Findings) {
  const transfers = await Promise.all(
    payments.map(({ userId, reservationId }) =>
      redis.hmget(walletKeys(userId).transfer(reservationId), 'id', 'state', 'amount'),
    ),
  );
  for (const [i, { reservationId, transferId, amount }] of payments.entries()) {
    const [id, state, moved] = transfers[i] ?? [];
    if (id === transferId && Number(moved) === amount && (state === 'PENDING' || state === 'POSTED')) continue;
    const found = id ? `${state} ${moved} by ${id}` : 'nothing';
    findings.add(
      'PAYMENT_WITHOUT_TRANSFER',
      reservationId,
      `confirmed for ${amount} by ${transferId}, the wallet has: ${found}`,
    );
  }
}
