import type { SeatMaps } from '../concerts/seat-maps.ts';
import { type Refusal, refuse } from '../errors.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { cancel as script } from './cancel.script.ts';
import { concertOf, isReservationId, paymentIdOf } from './ids.ts';
import { reservationOf } from './record.ts';
import type { Reservation } from './shapes.ts';

interface CancelDeps {
  redis: RedisClient;
  seatMaps: Pick<SeatMaps, 'noteOwn'>;
}

/**
 * Cancels a live hold of the user's; its seats are free at once. Repeatable: what is cancelled answers the same again.
 * Refuses RESERVATION_NOT_FOUND, RESERVATION_EXPIRED, ALREADY_PAID.
 */
export async function cancelReservation(
  { redis, seatMaps }: CancelDeps,
  { reservationId, userId }: { reservationId: string; userId: string },
): Promise<Reservation | Refusal> {
  const concertId = isReservationId(reservationId) ? concertOf(reservationId) : null;
  if (concertId === null) return refuse('RESERVATION_NOT_FOUND');
  const keys = concertKeys(concertId);
  const said = await script.run(redis, {
    keys: { ...keys, reservation: keys.reservation(reservationId) },
    args: { user_id: userId, reservation_id: reservationId },
  });
  switch (said.outcome) {
    case 'CANCELLED': {
      const { record, version, nowMs } = said;
      if (version > 0) seatMaps.noteOwn({ concertId, scheduleId: record.scheduleId, userId, version });
      return reservationOf(reservationId, record, nowMs);
    }
    case 'PAID':
      return refuse('ALREADY_PAID', { paymentId: paymentIdOf(reservationId) });
    case 'EXPIRED':
      return refuse('RESERVATION_EXPIRED', { expiredAt: new Date(said.deadlineMs).toISOString() });
    case 'NONE':
      return refuse('RESERVATION_NOT_FOUND');
  }
}
