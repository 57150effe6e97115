import { defineScript } from '../redis/script.ts';

export const dueTransfers = defineScript({
  file: 'wallet/due-transfers.lua',
  keys: ['base', 'pending'],
  args: ['limit'],
  outcomes: {
    /** pairs of member and transfer id */
    TRANSFERS: (flat) => ({ flat }),
  },
});
