/**
 * Ids of reservations and payments. Both name their concert, so that their slot is found from the id alone, and a
 * reservation has at most one payment, so that each is found from the other.
 */
import { newId } from '../ids.ts';

const FORMAT = /^(?:rsv|pay)_([a-z0-9][a-z0-9-]{0,63})_[0-9a-f]{32}$/;

/** `rsv_<concert id>_<32 hex>` */
export function newReservationId(concertId: string): string {
  return newId(`rsv_${concertId}`);
}

export function paymentIdOf(reservationId: string): string {
  return `pay_${reservationId.slice('rsv_'.length)}`;
}

export function reservationIdOf(paymentId: string): string {
  return `rsv_${paymentId.slice('pay_'.length)}`;
}

/** The concert that a reservation or payment id names; null for what is no such id. */
export function concertOf(id: string): string | null {
  return FORMAT.exec(id)?.[1] ?? null;
}

export function isReservationId(id: string): boolean {
  return id.startsWith('rsv_') && FORMAT.test(id);
}
