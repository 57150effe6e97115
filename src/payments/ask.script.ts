import { defineScript } from '../redis/script.ts';

export const ask = defineScript({
  file: 'payments/ask.lua',
  keys: ['reservation'],
  args: ['transfer_id'],
  outcomes: { CONFIRMED: () => ({}), REFUSED: () => ({}) },
});
