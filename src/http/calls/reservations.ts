/** Holds of seats, and the lists of what a user has. */
import { isRefusal, refuse } from '../../errors.ts';
import { cancelReservation } from '../../reservations/cancel.ts';
import { holdSeats } from '../../reservations/hold.ts';
import { listReservations } from '../../reservations/list.ts';
import { readReservation, readReservationForPush } from '../../reservations/read.ts';
import type { ReservationInput, ReservationStatus } from '../../reservations/shapes.ts';
import { created, ok } from '../answer.ts';
import { refuseWhileFull } from '../guard.ts';
import type { HttpApp } from '../http-app.ts';
import type { Idempotency } from '../idempotency.ts';
import type { Callers } from '../route.ts';

interface Hold {
  caller: Callers['place'];
  body: ReservationInput;
  idempotency: Idempotency;
}

export async function hold(app: HttpApp, { caller, body, idempotency }: Hold) {
  refuseWhileFull(app);
  const held = await holdSeats(app, { claims: caller.claims, ...body, idempotency });
  if (isRefusal(held)) return held;
  return created(held.reservation, `/api/v1/reservations/${held.reservation.reservationId}`);
}

interface One {
  caller: Callers['user or desk'];
  params: { reservationId: string };
}

export async function reservation(app: HttpApp, { caller: { userId }, params: { reservationId } }: One) {
  const found = await (userId === null
    ? readReservationForPush(app, reservationId)
    : readReservation(app, { reservationId, userId }));
  if (found === null) return refuse('RESERVATION_NOT_FOUND');
  return isRefusal(found) ? found : ok(found);
}

export async function cancel(
  app: HttpApp,
  { caller, params }: { caller: Callers['user']; params: { reservationId: string } },
) {
  const cancelled = await cancelReservation(app, { reservationId: params.reservationId, userId: caller.userId });
  return isRefusal(cancelled) ? cancelled : ok(cancelled);
}

interface List {
  params: { userId: string };
  query: { status?: ReservationStatus; limit: number; cursor?: string };
}

export async function reservations(app: HttpApp, { params: { userId }, query }: List) {
  const { status = null, limit, cursor = null } = query;
  const page = await listReservations(app, { userId, status, limit, cursor });
  return isRefusal(page) ? page : ok(page);
}
