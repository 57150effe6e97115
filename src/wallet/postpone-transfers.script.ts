import { defineScript } from '../redis/script.ts';

export const postponeTransfers = defineScript({
  file: 'wallet/postpone-transfers.lua',
  keys: ['pending'],
  args: ['later_ms'],
  moreArgs: ['member'],
  outcomes: {
    POSTPONED: ([count]) => ({ count: Number(count) }),
  },
});
