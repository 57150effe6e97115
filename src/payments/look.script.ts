import { defineScript } from '../redis/script.ts';
import { confirmedOf, notActiveOf } from './outcomes.ts';

export const look = defineScript({
  file: 'payments/look.lua',
  keys: ['room', 'places', 'reservation', 'idempotency'],
  args: ['user_id', 'queue_id', 'epoch', 'fingerprint'],
  outcomes: {
    PAYABLE: ([amount]) => ({ amount: Number(amount) }),
    ALREADY: confirmedOf,
    NOT_ACTIVE: notActiveOf,
    NOT_FOUND: () => ({}),
    CANCELLED: () => ({}),
    EXPIRED: ([deadline]) => ({ deadlineMs: Number(deadline) }),
    REPEAT: ([, ...first]) => confirmedOf(first),
    MISMATCH: () => ({}),
  },
});
