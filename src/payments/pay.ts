/**
 * A payment moves money in the wallet's slot for seats in the concert's slot, in steps that may each be the last:
 *
 *   0 look       (concert)  what is there to pay; a payment that exists already is the answer
 *   1 authorize  (wallet)   the amount is set aside under a transfer id
 *   2 confirm    (concert)  the commit point: seats SOLD for that transfer id, or refused for it for ever
 *   3 post|void  (wallet)   the money is spent, or free again
 *
 * Where a step has no answer its outcome is unknown: nothing is voided on that, the exception goes up (503), and
 * sweep-transfers.ts finds out what happened once the transfer's deadline has passed.
 */
import type { QueueClaims } from '../auth/tokens.ts';
import { type ErrorCode, type Refusal, isRefusal, refuse, Unavailable } from '../errors.ts';
import { metrics } from '../observability/metrics.ts';
import { concertKeys } from '../redis/keys.ts';
import { paymentIdOf } from '../reservations/ids.ts';
import { type GuardDeps, requireActive } from '../waiting-room/guard.ts';
import type { PlaceStatus } from '../waiting-room/shapes.ts';
import { authorizeTransfer } from '../wallet/transfers.ts';
import { confirm } from './confirm.script.ts';
import { look } from './look.script.ts';
import type { Confirmed } from './outcomes.ts';
import { paymentOf } from './payment.ts';
import { postConfirmed, type SettleDeps, voidRefused } from './settle-transfer.ts';
import type { Payment } from './shapes.ts';

export type PayDeps = SettleDeps & GuardDeps;

interface PayCall {
  claims: QueueClaims;
  reservationId: string;
  idempotency: { key: string; fingerprint: string } | null;
}

interface Paid {
  payment: Payment;
  /** true: the payment was there before this call */
  repeated: boolean;
}

/**
 * Pays a live hold of the token's user in the token's concert. A payment that exists already is the answer, after
 * its money has been posted; a repeat by Idempotency-Key gives the first answer. Refuses IDEMPOTENCY_MISMATCH,
 * NOT_ACTIVE, QUEUE_NOT_FOUND, RESERVATION_NOT_FOUND, RESERVATION_CANCELLED, RESERVATION_EXPIRED, INSUFFICIENT_BALANCE, USER_NOT_FOUND.
 * Throws Unavailable where the sweeper was in the way twice.
 */
export async function pay(deps: PayDeps, call: PayCall): Promise<Paid | Refusal> {
  try {
    let answer = await attemptToPay(deps, call);
    if (answer === 'MARKED') answer = await attemptToPay(deps, call);
    if (answer === 'MARKED') throw new Unavailable('the sweeper refused two transfers for one payment');
    if (isRefusal(answer) && !BEFORE_THE_GUARD.has(answer.refused)) {
      // Any guarded call claims the place, also one that is refused. A payment has done so in its script.
      await requireActive(deps, { claims: call.claims, concertId: call.claims.concertId });
    }
    metrics.payments.inc({ outcome: isRefusal(answer) ? 'refused' : answer.repeated ? 'repeated' : 'confirmed' });
    return answer;
  } catch (error) {
    metrics.payments.inc({ outcome: 'unknown' });
    throw error;
  }
}

const BEFORE_THE_GUARD: ReadonlySet<ErrorCode> = new Set(['IDEMPOTENCY_MISMATCH', 'NOT_ACTIVE', 'QUEUE_NOT_FOUND']);

/** Steps 0 to 3 once. MARKED: the sweeper has refused this transfer while the hold lives, and the money is free again. */
async function attemptToPay(deps: PayDeps, call: PayCall): Promise<Paid | Refusal | 'MARKED'> {
  const { claims, reservationId } = call;
  const { userId, concertId } = claims;
  const seen = await lookAt(deps, call);
  if (seen.outcome !== 'PAYABLE') return answerTo(deps, call, seen);

  const paymentId = paymentIdOf(reservationId);
  const required = seen.amount;
  const authorized = await authorizeTransfer(deps, { userId, reservationId, concertId, paymentId, amount: required });
  if (authorized.outcome === 'NO_WALLET') return refuse('USER_NOT_FOUND');
  if (authorized.outcome === 'INSUFFICIENT') {
    // It may be this very payment, made by another call since the look, that took the money.
    const again = await lookAt(deps, call);
    if (again.outcome !== 'PAYABLE') return answerTo(deps, call, again);
    return refuse('INSUFFICIENT_BALANCE', { balance: authorized.balance, required });
  }

  const attempt = { userId, reservationId, transferId: authorized.transferId };
  const confirmed = await confirmBy(deps, call, authorized);
  const paidByAnother = 'transferId' in confirmed && confirmed.transferId !== attempt.transferId;
  if (paidByAnother || !('transferId' in confirmed)) await voidRefused(deps, attempt);
  if (confirmed.outcome === 'MARKED') return 'MARKED';
  if (confirmed.outcome === 'SEAT_LOST') {
    throw new Error(`live hold ${reservationId} has lost its seat ${confirmed.seatId}`);
  }
  return answerTo(deps, call, confirmed);
}

function lookAt({ redis }: PayDeps, { claims, reservationId, idempotency }: PayCall) {
  const keys = concertKeys(claims.concertId);
  return look.run(redis, {
    keys: { ...keys, reservation: keys.reservation(reservationId), idempotency: idempotencyKey(claims, idempotency) },
    args: {
      user_id: claims.userId,
      queue_id: claims.queueId,
      epoch: claims.epoch,
      fingerprint: idempotency?.fingerprint ?? '',
    },
  });
}

function confirmBy(
  { redis }: PayDeps,
  { claims, reservationId, idempotency }: PayCall,
  { transferId, balance }: { transferId: string; balance: number },
) {
  const { userId, queueId, concertId, epoch } = claims;
  const keys = concertKeys(concertId);
  return confirm.run(redis, {
    keys: {
      ...keys,
      live: keys.live(userId),
      owned_by: keys.ownedBy(userId),
      paid_by: keys.paidBy(userId),
      reservation: keys.reservation(reservationId),
      idempotency: idempotencyKey(claims, idempotency),
    },
    args: {
      user_id: userId,
      queue_id: queueId,
      epoch,
      concert_id: concertId,
      reservation_id: reservationId,
      payment_id: paymentIdOf(reservationId),
      transfer_id: transferId,
      balance,
      fingerprint: idempotency?.fingerprint ?? '',
    },
  });
}

function idempotencyKey({ userId, concertId }: QueueClaims, idempotency: PayCall['idempotency']): string {
  const keys = concertKeys(concertId);
  return idempotency ? keys.idempotency(userId, 'pay', idempotency.key) : keys.noIdempotency;
}

/** What the concert's slot can say that settles a call. */
type Settled =
  | ({ outcome: 'CONFIRMED' | 'ALREADY' | 'REPEAT' } & Confirmed)
  | { outcome: 'NOT_ACTIVE'; status: string; sequence: number }
  | { outcome: 'EXPIRED'; deadlineMs: number }
  | { outcome: 'NOT_FOUND' | 'CANCELLED' | 'MISMATCH' };

/** A payment is answered after its money has been posted, by whichever call: any of them may be the last to live. */
async function answerTo(deps: PayDeps, { claims, reservationId }: PayCall, said: Settled): Promise<Paid | Refusal> {
  const { userId, concertId } = claims;
  switch (said.outcome) {
    case 'CONFIRMED':
    case 'ALREADY':
    case 'REPEAT':
      // The place may be over by this payment: its reads are guarded anew.
      deps.rooms.verdicts.forget(claims.queueId);
      await postConfirmed(deps, { userId, reservationId, transferId: said.transferId });
      return {
        payment: paymentOf({ userId, concertId, reservationId }, said),
        repeated: said.outcome === 'ALREADY',
      };
    case 'NOT_ACTIVE':
      return notActive(deps, concertId, said);
    case 'NOT_FOUND':
      return refuse('RESERVATION_NOT_FOUND');
    case 'CANCELLED':
      return refuse('RESERVATION_CANCELLED');
    case 'EXPIRED':
      return refuse('RESERVATION_EXPIRED', { expiredAt: new Date(said.deadlineMs).toISOString() });
    case 'MISMATCH':
      return refuse('IDEMPOTENCY_MISMATCH');
  }
}

const STATUS: Record<string, PlaceStatus> = { W: 'WAITING', E: 'EXPIRED', L: 'LEFT', U: 'USED' };

/** Tells of the token's place; a place of another epoch, or long over, is not known. */
async function notActive(
  { rooms }: PayDeps,
  concertId: string,
  { status: letter, sequence }: { status: string; sequence: number },
): Promise<Refusal> {
  const status = STATUS[letter];
  if (!status) return refuse('QUEUE_NOT_FOUND');
  const view = status === 'WAITING' ? await rooms.view(concertId) : null;
  return refuse('NOT_ACTIVE', { status, position: view ? Math.max(1, view.positionOf(sequence)) : null });
}
