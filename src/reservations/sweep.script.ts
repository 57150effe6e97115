import { HOLD_KEYS } from '../redis/keys.ts';
import { defineScript } from '../redis/script.ts';

export const sweep = defineScript({
  file: 'reservations/sweep.lua',
  keys: [...HOLD_KEYS],
  args: ['limit'],
  outcomes: {
    SWEPT: ([ended, looked, lag, ...gone]) => ({
      ended: Number(ended),
      looked: Number(looked),
      lagMs: Number(lag),
      /** reservation ids without a record */
      gone,
    }),
  },
});
