import { type Refusal, refuse } from '../errors.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { concertOf, isReservationId } from './ids.ts';
import { read as script } from './read.script.ts';
import { reservationOf } from './record.ts';
import type { Reservation } from './shapes.ts';

interface ReadDeps {
  redis: RedisClient;
}

/** The user's own reservation. Refuses RESERVATION_NOT_FOUND, also for somebody else's. */
export async function readReservation(
  deps: ReadDeps,
  { reservationId, userId }: { reservationId: string; userId: string },
): Promise<Reservation | Refusal> {
  const reservation = await readReservationForPush(deps, reservationId);
  return reservation?.userId === userId ? reservation : refuse('RESERVATION_NOT_FOUND');
}

/** Whosever it is: for those who know already that it is theirs. null where its record is gone. */
export async function readReservationForPush({ redis }: ReadDeps, reservationId: string): Promise<Reservation | null> {
  const concertId = isReservationId(reservationId) ? concertOf(reservationId) : null;
  if (concertId === null) return null;
  const reservation = concertKeys(concertId).reservation(reservationId);
  const said = await script.run(redis, { keys: { reservation }, args: {} });
  return said.outcome === 'FOUND' ? reservationOf(reservationId, said.record, said.nowMs) : null;
}
