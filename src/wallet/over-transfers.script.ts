import { defineScript } from '../redis/script.ts';

export const overTransfers = defineScript({
  file: 'wallet/over-transfers.lua',
  keys: ['base', 'over'],
  args: ['limit'],
  outcomes: {
    /** triples of member, transfer id and state */
    TRANSFERS: (flat) => ({ flat }),
  },
});
