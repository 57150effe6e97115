import { HOLD_KEYS } from '../redis/keys.ts';
import { defineScript } from '../redis/script.ts';

/** The first answer, which a repeat gets again. */
const heldOf = ([reservationId, created, deadline, version, seatIds, prices, amount]: string[]) => ({
  reservationId: String(reservationId),
  createdMs: Number(created),
  deadlineMs: Number(deadline),
  /** of the schedule's seats, after this hold */
  version: Number(version),
  seatIds: String(seatIds).split(','),
  prices: String(prices).split(',').map(Number),
  amount: Number(amount),
});

export const hold = defineScript({
  file: 'reservations/hold.lua',
  keys: [
    ...HOLD_KEYS,
    'catalogue',
    'bought',
    'seats',
    'status',
    'seat_log',
    'reservation',
    'live',
    'owned_by',
    'idempotency',
  ],
  args: [
    'queue_id',
    'epoch',
    'user_id',
    'reservation_id',
    'schedule_id',
    'revision',
    'missing',
    'seat_ids',
    'indexes',
    'prices',
    'amount',
    'currency',
    'hold_ms',
    'seat_limit',
    'fingerprint',
  ],
  outcomes: {
    HELD: heldOf,
    /** `ownReservationId`: where all lost seats are held by that one live hold of the caller */
    TAKEN: ([own, ...seatIds]) => ({ ownReservationId: own === '' ? null : String(own), seatIds }),
    LIMIT: ([held, bought]) => ({ held: Number(held), bought: Number(bought) }),
    MISSING: () => ({}),
    STALE: () => ({}),
    SESSION_OVER: ([deadline]) => ({ deadlineMs: Number(deadline) }),
    NOT_ACTIVE: ([status, sequence]) => ({ status: String(status), sequence: Number(sequence) }),
    REPEAT: ([, ...first]) => heldOf(first),
    MISMATCH: () => ({}),
  },
});
