/** Payments. */
import { isRefusal, refuse } from '../../errors.ts';
import { pay as payHold } from '../../payments/pay.ts';
import { readPayment, repeatPayment } from '../../payments/read-payment.ts';
import { concertOf, isReservationId, paymentIdOf, reservationIdOf } from '../../reservations/ids.ts';
import { readReservationForPush } from '../../reservations/read.ts';
import { created, ok } from '../answer.ts';
import { notActive, refuseMoneyWhileFull } from '../guard.ts';
import type { HttpApp } from '../http-app.ts';
import type { Idempotency } from '../idempotency.ts';
import type { Callers } from '../route.ts';

interface Pay {
  caller: Callers['place'];
  body: { reservationId: string };
  idempotency: Idempotency;
}

/** 201, and 200 for a payment that exists already, which is shown before the guard: whatever place the token names. */
export async function pay(app: HttpApp, { caller: { claims, userId }, body: { reservationId }, idempotency }: Pay) {
  if (!claims || concertOf(reservationId) !== claims.concertId || app.memory.brimful()) {
    const before = isReservationId(reservationId)
      ? await repeatPayment(app, { paymentId: paymentIdOf(reservationId), userId })
      : null;
    if (before && !isRefusal(before)) return ok(before);
    if (!claims) return notActive();
  }
  refuseMoneyWhileFull(app);
  const paid = await payHold(app, { claims, reservationId, idempotency });
  if (isRefusal(paid)) return paid;
  return paid.repeated ? ok(paid.payment) : created(paid.payment, `/api/v1/payments/${paid.payment.paymentId}`);
}

interface One {
  caller: Callers['user or desk'];
  params: { paymentId: string };
}

export async function payment(app: HttpApp, { caller, params: { paymentId } }: One) {
  const userId = caller.userId ?? (await readReservationForPush(app, reservationIdOf(paymentId)))?.userId;
  if (userId === undefined) return refuse('PAYMENT_NOT_FOUND');
  const found = await readPayment(app, { paymentId, userId });
  return isRefusal(found) ? found : ok(found);
}
