import type { QueueClaims } from '../auth/tokens.ts';
import type { Catalogue, ScheduleCatalogue } from '../concerts/catalogue.ts';
import type { Catalogues } from '../concerts/catalogues.ts';
import type { IndexedSeat } from '../concerts/layout.ts';
import type { SeatMaps } from '../concerts/seat-maps.ts';
import { type Refusal, refuse, Unavailable } from '../errors.ts';
import { metrics } from '../observability/metrics.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { hold as script } from './hold.script.ts';
import type { RoomViews } from '../waiting-room/room-views.ts';
import { type ConcertNotes, noteOnce } from '../wallet/concert-notebook.ts';
import { newReservationId } from './ids.ts';
import { reservationOf } from './record.ts';
import type { Reservation } from './shapes.ts';

export interface HoldDeps extends ConcertNotes {
  redis: RedisClient;
  catalogues: Catalogues;
  seatMaps: Pick<SeatMaps, 'noteOwn'>;
  rooms: Pick<RoomViews, 'view'>;
}

interface HoldCall {
  /** null: only an access token came */
  claims: QueueClaims | null;
  scheduleId: string;
  seatIds: readonly string[];
  idempotency: { key: string; fingerprint: string } | null;
}

interface Held {
  reservation: Reservation;
  /** true: the answer of an earlier call with the same Idempotency-Key */
  repeated: boolean;
}

type Said = Awaited<ReturnType<typeof script.run>>;

/**
 * Holds seats of one schedule for the token's user, all of them or none, at the prices of the catalogue. Claims the
 * place. Refuses IDEMPOTENCY_MISMATCH, CONCERT_NOT_FOUND, NOT_ACTIVE, QUEUE_NOT_FOUND, SESSION_OVER,
 * SCHEDULE_NOT_FOUND, SEAT_NOT_FOUND, SEAT_TAKEN, SEAT_LIMIT. Throws Unavailable where the catalogue changes faster than it can be read.
 */
export async function holdSeats(deps: HoldDeps, call: HoldCall): Promise<Held | Refusal> {
  const { claims } = call;
  if (!claims) return refuse('NOT_ACTIVE', { status: null, position: null });
  const { concertId } = claims;
  const reservationId = newReservationId(concertId);
  let catalogue = await deps.catalogues.get(concertId);
  for (let attempt = 0; attempt < 2; attempt++) {
    if (!catalogue) return refuse('CONCERT_NOT_FOUND');
    const order = orderOf(catalogue, call);
    const said = await holdBy(deps, { ...call, claims, reservationId }, order);
    if (said.outcome !== 'STALE') return answerTo(deps, { ...call, claims }, { said, order });
    catalogue = await deps.catalogues.reload(concertId);
  }
  throw new Unavailable(`the catalogue of ${concertId} changed twice during a hold`);
}

/** What is asked for, at the prices of one revision of the catalogue. */
interface Order {
  catalogue: Catalogue;
  schedule: ScheduleCatalogue | undefined;
  seats: readonly IndexedSeat[];
  /** ids that the schedule does not have */
  missing: readonly string[];
}

function orderOf(catalogue: Catalogue, { scheduleId, seatIds }: HoldCall): Order {
  const schedule = catalogue.schedule(scheduleId);
  const seats: IndexedSeat[] = [];
  const missing: string[] = [];
  for (const seatId of seatIds) {
    const seat = schedule?.seat(seatId);
    if (seat) seats.push(seat);
    else missing.push(seatId);
  }
  return { catalogue, schedule, seats, missing };
}

function holdBy(
  { redis }: HoldDeps,
  call: HoldCall & { claims: QueueClaims; reservationId: string },
  { catalogue, seats, missing }: Order,
): Promise<Said> {
  const { claims, scheduleId, reservationId, idempotency } = call;
  const { userId, concertId, queueId, epoch } = claims;
  const keys = concertKeys(concertId);
  return script.run(redis, {
    keys: {
      ...keys,
      seats: keys.seats(scheduleId),
      status: keys.status(scheduleId),
      seat_log: keys.seatLog(scheduleId),
      reservation: keys.reservation(reservationId),
      live: keys.live(userId),
      owned_by: keys.ownedBy(userId),
      idempotency: idempotency ? keys.idempotency(userId, 'hold', idempotency.key) : keys.noIdempotency,
    },
    args: {
      queue_id: queueId,
      epoch,
      user_id: userId,
      reservation_id: reservationId,
      schedule_id: scheduleId,
      revision: catalogue.revision,
      missing: missing.length > 0 ? 1 : 0,
      seat_ids: seats.map((seat) => seat.seatId).join(','),
      indexes: seats.map((seat) => seat.index).join(','),
      prices: seats.map((seat) => seat.price).join(','),
      amount: seats.reduce((sum, seat) => sum + seat.price, 0),
      currency: catalogue.currency,
      hold_ms: catalogue.holdSeconds * 1_000,
      seat_limit: catalogue.seatLimit,
      fingerprint: idempotency?.fingerprint ?? '',
    },
  });
}

async function answerTo(
  deps: HoldDeps,
  { claims, scheduleId }: HoldCall & { claims: QueueClaims },
  { said, order }: { said: Exclude<Said, { outcome: 'STALE' }>; order: Order },
): Promise<Held | Refusal> {
  const { concertId, userId } = claims;
  metrics.holds.inc({ outcome: COUNTED[said.outcome] ?? 'refused' });
  switch (said.outcome) {
    case 'HELD':
    case 'REPEAT': {
      const { reservationId, createdMs, version } = said;
      noteOnce(deps, claims);
      deps.seatMaps.noteOwn({ concertId, scheduleId, userId, version });
      const record = { ...said, userId, scheduleId, currency: order.catalogue.currency, status: 'HELD' as const };
      return {
        reservation: reservationOf(reservationId, record, createdMs),
        repeated: said.outcome === 'REPEAT',
      };
    }
    case 'TAKEN': {
      const { seatIds, ownReservationId } = said;
      return refuse('SEAT_TAKEN', {
        seatIds,
        ...(ownReservationId === null ? {} : { reservationId: ownReservationId }),
      });
    }
    case 'LIMIT':
      return refuse('SEAT_LIMIT', { limit: order.catalogue.seatLimit, held: said.held, bought: said.bought });
    case 'MISSING':
      return order.schedule ? refuse('SEAT_NOT_FOUND', { seatIds: order.missing }) : refuse('SCHEDULE_NOT_FOUND');
    case 'SESSION_OVER':
      return refuse('SESSION_OVER', { expiresAt: new Date(said.deadlineMs).toISOString() });
    case 'NOT_ACTIVE':
      return notActive(deps, concertId, said);
    case 'MISMATCH':
      return refuse('IDEMPOTENCY_MISMATCH');
  }
}

const COUNTED: Partial<Record<Said['outcome'], string>> = {
  HELD: 'held',
  TAKEN: 'taken',
  LIMIT: 'limit',
  REPEAT: 'repeated',
};

const STATUS: Record<string, string> = { W: 'WAITING', E: 'EXPIRED', L: 'LEFT', U: 'USED' };

/** `status` is '' where the place is not known: its record is gone, or it was in another epoch of the room. */
async function notActive(
  { rooms }: HoldDeps,
  concertId: string,
  { status, sequence }: { status: string; sequence: number },
): Promise<Refusal> {
  if (status === '') return refuse('QUEUE_NOT_FOUND');
  const view = status === 'W' ? await rooms.view(concertId) : null;
  return refuse('NOT_ACTIVE', {
    status: STATUS[status] ?? null,
    position: view && Math.max(1, view.positionOf(sequence)),
  });
}
