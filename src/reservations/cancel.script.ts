import { HOLD_KEYS } from '../redis/keys.ts';
import { defineScript, type Reply } from '../redis/script.ts';
import { readRecord } from './record.ts';

export const cancel = defineScript({
  file: 'reservations/cancel.lua',
  keys: [...HOLD_KEYS, 'reservation'],
  args: ['user_id', 'reservation_id'],
  outcomes: {
    /** `version`: of the schedule's seats; 0 where it was cancelled before */
    CANCELLED: ([version, now], [, , record]) => ({
      version: Number(version),
      nowMs: Number(now),
      record: readRecord(record as Reply[]),
    }),
    PAID: () => ({}),
    EXPIRED: ([deadline]) => ({ deadlineMs: Number(deadline) }),
    NONE: () => ({}),
  },
});
