import { defineScript } from '../redis/script.ts';

export const sweep = defineScript({
  file: 'reservations/sweep.lua',
  keys: ['base', 'room', 'places', 'waiting', 'active', 'members', 'ended', 'left', 'log', 'stock', 'holds'],
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
