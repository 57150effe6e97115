import { HOLD_KEYS } from '../redis/keys.ts';
import { defineScript } from '../redis/script.ts';
import { confirmedOf, notActiveOf } from './outcomes.ts';

export const confirm = defineScript({
  file: 'payments/confirm.lua',
  keys: [...HOLD_KEYS, 'live', 'owned_by', 'paid_by', 'bought', 'outbox', 'reservation', 'idempotency'],
  args: [
    'user_id',
    'queue_id',
    'epoch',
    'concert_id',
    'reservation_id',
    'payment_id',
    'transfer_id',
    'balance',
    'fingerprint',
  ],
  outcomes: {
    CONFIRMED: confirmedOf,
    ALREADY: confirmedOf,
    MARKED: () => ({}),
    NOT_ACTIVE: notActiveOf,
    NOT_FOUND: () => ({}),
    CANCELLED: () => ({}),
    EXPIRED: ([deadline]) => ({ deadlineMs: Number(deadline) }),
    SEAT_LOST: ([seatId]) => ({ seatId: String(seatId) }),
    REPEAT: ([, ...first]) => confirmedOf(first),
    MISMATCH: () => ({}),
  },
});
