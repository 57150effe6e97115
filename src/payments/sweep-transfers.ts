/** What becomes of transfers whose callers are gone, and of transfers that are long over. */
import { metrics } from '../observability/metrics.ts';
import { LIMITS } from '../limits.ts';
import { isRedisAway } from '../redis/client.ts';
import { concertKeys } from '../redis/keys.ts';
import { concertOf } from '../reservations/ids.ts';
import {
  dueTransfers,
  forgetTransfer,
  overTransfers,
  postponeTransfers,
  type TransferAttempt,
} from '../wallet/transfers.ts';
import { ask } from './ask.script.ts';
import { isRecorded, postConfirmed, type SettleDeps, voidRefused } from './settle-transfer.ts';

/**
 * Posts or voids the transfers of a wallet partition that are PENDING past their deadline, by what the concert's slot
 * says of them. At most SWEEP_CALLS_A_RUN times SWEEP_A_CALL; returns how many were settled. One that cannot be settled,
 * as while its concert's shard is away, is logged and put off: it stands in nobody's way.
 */
export async function sweepTransfers(deps: SettleDeps, partition: number): Promise<number> {
  return inBatches(async (limit) => {
    const due = await dueTransfers(deps, { partition, limit });
    const { done, failed } = await each(deps, due, async (attempt) => {
      await settle(deps, attempt);
      metrics.swept.inc({ kind: 'transfers' });
      return true;
    });
    if (failed.length > 0) await postponeTransfers(deps, { partition, transfers: failed });
    return { found: due.length, done };
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
 * PostgreSQL. At most SWEEP_CALLS_A_RUN times SWEEP_A_CALL are looked at; returns how many were forgotten. One whose
 * concert does not answer counts as not recorded: looked at again in an hour, and in nobody's way.
 */
export async function forgetTransfers(deps: SettleDeps, partition: number): Promise<number> {
  return inBatches(async (limit) => {
    const over = await overTransfers(deps, { partition, limit });
    const { done } = await each(deps, over, async ({ state, ...attempt }) => {
      const asking = state === 'POSTED' ? isRecorded(deps, attempt) : Promise.resolve(false);
      const recorded = await asking.catch((error: unknown) => {
        deps.log[levelOf(error)](
          { err: error, ...attempt },
          'transfer kept: whether its payment is recorded is not known',
        );
        return false;
      });
      return (await forgetTransfer(deps, { ...attempt, recorded })) === 'FORGOTTEN';
    });
    return { found: over.length, done };
  });
}

/** Goes on while a batch was full, since more may stand behind it; returns how many were done. */
async function inBatches(batch: (limit: number) => Promise<{ found: number; done: number }>): Promise<number> {
  let total = 0;
  for (let call = 0; call < LIMITS.SWEEP_CALLS_A_RUN; call++) {
    const { found, done } = await batch(LIMITS.SWEEP_A_CALL);
    total += done;
    if (found < LIMITS.SWEEP_A_CALL) break;
  }
  return total;
}

/** Runs `work` for each, all at once; `done`: how many it was true for. Logs those that failed. */
async function each<T extends TransferAttempt>(
  { log }: SettleDeps,
  attempts: readonly T[],
  work: (attempt: T) => Promise<boolean>,
): Promise<{ done: number; failed: T[] }> {
  const results = await Promise.allSettled(attempts.map(work));
  for (const [i, result] of results.entries()) {
    if (result.status === 'rejected')
      log[levelOf(result.reason)]({ err: result.reason, ...attempts[i] }, 'transfer not settled');
  }
  return {
    done: results.filter((result) => result.status === 'fulfilled' && result.value).length,
    failed: attempts.filter((_, i) => results[i]?.status === 'rejected'),
  };
}

/** One that Redis did not answer is tried again: no fault. */
const levelOf = (error: unknown) => (isRedisAway(error) ? 'warn' : 'error');
