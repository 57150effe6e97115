/**
 * The wallet's side of a payment: one transfer per user and reservation.
 *
 *   (none) | VOIDED --authorize, new id--> PENDING --post--> POSTED
 *                                          PENDING --void--> VOIDED
 *   VOIDED, or POSTED with its payment recorded --forget, a day after its end--> (none)
 *
 * A transfer id stands for one attempt that moved money and is never used again. What became of an attempt only the
 * concert's slot knows, so who calls `postTransfer` or `voidTransfer` has asked it.
 */
import { newId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { partitionKeys, walletKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { authorize } from './authorize.script.ts';
import { dueTransfers as due } from './due-transfers.script.ts';
import { entryPrefix } from './entry.ts';
import { forgetTransfer as forget } from './forget-transfer.script.ts';
import { overTransfers as over } from './over-transfers.script.ts';
import { post } from './post.script.ts';
import { postponeTransfers as postpone } from './postpone-transfers.script.ts';
import { voidScript } from './void.script.ts';

interface TransferDeps {
  redis: RedisClient;
}

/** Names a transfer; with its id, one attempt. */
export interface TransferName {
  userId: string;
  reservationId: string;
}

export interface TransferAttempt extends TransferName {
  transferId: string;
}

function keysOf({ userId, reservationId }: TransferName) {
  const keys = walletKeys(userId);
  return { ...keys, transfer: keys.transfer(reservationId) };
}

function memberOf({ userId, reservationId }: TransferName): string {
  return `${reservationId} ${userId}`;
}

function nameOf(member: string): TransferName {
  const space = member.indexOf(' ');
  return { reservationId: member.slice(0, space), userId: member.slice(space + 1) };
}

/**
 * Sets `amount` aside for a reservation. AUTHORIZED: under a new id; PENDING or POSTED: was done before, nothing
 * moved; `balance` is what is left to spend. INSUFFICIENT and NO_WALLET store nothing.
 */
export function authorizeTransfer(
  { redis }: TransferDeps,
  name: TransferName & { concertId: string; paymentId: string; amount: number },
) {
  return authorize.run(redis, {
    keys: keysOf(name),
    args: {
      member: memberOf(name),
      concert_id: name.concertId,
      payment_id: name.paymentId,
      transfer_id: newId('t'),
      amount: name.amount,
      transfer_ms: LIMITS.TRANSFER_DEADLINE_MS,
    },
  });
}

/** Spends what a PENDING transfer of this very id has set aside, and writes the history entry. */
export async function postTransfer({ redis }: TransferDeps, attempt: TransferAttempt) {
  const { outcome } = await post.run(redis, {
    keys: keysOf(attempt),
    args: {
      member: memberOf(attempt),
      user_id: attempt.userId,
      transfer_id: attempt.transferId,
      entry_prefix: entryPrefix(attempt.userId),
      kept_ms: LIMITS.TRANSFER_KEPT_MS,
    },
  });
  return outcome;
}

/** Gives back what a PENDING transfer of this very id has set aside. */
export async function voidTransfer({ redis }: TransferDeps, attempt: TransferAttempt) {
  const { outcome } = await voidScript.run(redis, {
    keys: keysOf(attempt),
    args: { member: memberOf(attempt), transfer_id: attempt.transferId, kept_ms: LIMITS.TRANSFER_KEPT_MS },
  });
  return outcome;
}

/** At most `limit` PENDING transfers of a partition whose deadline has passed, the oldest first. */
export async function dueTransfers(
  { redis }: TransferDeps,
  { partition, limit }: { partition: number; limit: number },
): Promise<TransferAttempt[]> {
  const { flat } = await due.run(redis, { keys: partitionKeys(partition), args: { limit } });
  return groups(flat, 2).map(([member = '', transferId = '']) => ({ ...nameOf(member), transferId }));
}

/** Puts transfers that could not be settled behind the other due ones of their partition; nothing else of them changes. */
export async function postponeTransfers(
  { redis }: TransferDeps,
  { partition, transfers }: { partition: number; transfers: readonly TransferName[] },
): Promise<void> {
  await postpone.run(redis, {
    keys: partitionKeys(partition),
    args: { later_ms: LIMITS.TRANSFER_SWEEP_AGAIN_MS },
    moreArgs: transfers.map(memberOf),
  });
}

/** At most `limit` ended transfers of a partition that are kept long enough. `state` is '' where the record is gone. */
export async function overTransfers(
  { redis }: TransferDeps,
  { partition, limit }: { partition: number; limit: number },
): Promise<(TransferAttempt & { state: string })[]> {
  const { flat } = await over.run(redis, { keys: partitionKeys(partition), args: { limit } });
  return groups(flat, 3).map(([member = '', transferId = '', state = '']) => ({
    ...nameOf(member),
    transferId,
    state,
  }));
}

/** Forgets an ended transfer; `recorded`: PostgreSQL has the payment of this very id. KEPT where that may not be. */
export async function forgetTransfer({ redis }: TransferDeps, attempt: TransferAttempt & { recorded: boolean }) {
  const { outcome } = await forget.run(redis, {
    keys: keysOf(attempt),
    args: {
      member: memberOf(attempt),
      transfer_id: attempt.transferId,
      recorded: attempt.recorded ? 1 : 0,
      later_ms: LIMITS.TRANSFER_FORGET_AGAIN_MS,
    },
  });
  return outcome;
}

function groups(flat: string[], size: number): string[][] {
  return Array.from({ length: flat.length / size }, (_, i) => flat.slice(i * size, (i + 1) * size));
}
