/** What becomes of transfers whose callers are gone, and of transfers that are long over. */
import { metrics } from '../observability/metrics.ts';
import { LIMITS } from '../limits.ts';
import { concertKeys } from '../redis/keys.ts';
import { concertOf } from '../reservations/ids.ts';
import { dueTransfers, forgetTransfer, overTransfers, type TransferAttempt } from '../wallet/transfers.ts';
import { ask } from './ask.script.ts';
import { isRecorded, postConfirmed, type SettleDeps, voidRefused } from './settle-transfer.ts';

/**
 * Posts or voids the transfers of a wallet partition that are PENDING past their deadline, by what the concert's slot
 * says of them. At most LIMITS.SWEEP_A_CALL; returns how many were settled. One that cannot be settled is logged and
 * stands in nobody's way.
 */
export async function sweepTransfers(deps: SettleDeps, partition: number): Promise<number> {
  const due = await dueTransfers(deps, { partition, limit: LIMITS.SWEEP_A_CALL });
  return each(deps, due, async (attempt) => {
    await settle(deps, attempt);
    metrics.swept.inc({ kind: 'transfers' });
    return true;
  });
}

async function settle(deps: SettleDeps, attempt: TransferAttempt): Promise<void> {
  if ((await askConcert(deps, attempt)) === 'CONFIRMED') await postConfirmed(deps, attempt);
  else await voidRefused(deps, attempt);
}

/** REFUSED leaves a mark, so that a confirm of this transfer that is still on its way is refused too. */
async function askConcert({ redis }: SettleDeps, { reservationId, transferId }: TransferAttempt) {
  const concertId = concertOf(reservationId);
  if (concertId === null) throw new Error(`a transfer for ${reservationId}, which names no concert`);
  const reservation = concertKeys(concertId).reservation(reservationId);
  return (await ask.run(redis, { keys: { reservation }, args: { transfer_id: transferId } })).outcome;
}

/**
 * Forgets transfers of a wallet partition a day after their end: VOIDED ones, and POSTED ones whose payment is in
 * PostgreSQL. At most LIMITS.SWEEP_A_CALL are looked at; returns how many were forgotten.
 */
export async function forgetTransfers(deps: SettleDeps, partition: number): Promise<number> {
  const over = await overTransfers(deps, { partition, limit: LIMITS.SWEEP_A_CALL });
  return each(deps, over, async ({ state, ...attempt }) => {
    const recorded = state === 'POSTED' && (await isRecorded(deps, attempt));
    return (await forgetTransfer(deps, { ...attempt, recorded })) === 'FORGOTTEN';
  });
}

/** Runs `work` for each, all at once; returns how many it was true for, logs those that failed. */
async function each<T extends TransferAttempt>(
  { log }: SettleDeps,
  attempts: readonly T[],
  work: (attempt: T) => Promise<boolean>,
): Promise<number> {
  const results = await Promise.allSettled(attempts.map(work));
  for (const [i, result] of results.entries()) {
    if (result.status === 'rejected') log.error({ err: result.reason, ...attempts[i] }, 'transfer not settled');
  }
  return results.filter((result) => result.status === 'fulfilled' && result.value).length;
}
