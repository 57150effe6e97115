import { defineScript } from '../redis/script.ts';

export const readHistory = defineScript({
  file: 'wallet/read-history.lua',
  keys: ['wallet', 'history'],
  args: ['before', 'limit'],
  outcomes: {
    /** `last`: number of the newest entry that was asked for, whether or not Redis still keeps it; 0: there is none */
    ENTRIES: ([last, ...packed]) => ({ last: Number(last), packed }),
    NO_WALLET: () => ({}),
  },
});
