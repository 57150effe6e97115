import { defineScript } from '../redis/script.ts';

export const voidScript = defineScript({
  file: 'wallet/void.lua',
  keys: ['wallet', 'transfer', 'pending', 'over'],
  args: ['member', 'transfer_id', 'kept_ms'],
  outcomes: {
    VOIDED: () => ({}),
    ALREADY: () => ({}),
    POSTED: () => ({}),
    OTHER: ([transferId]) => ({ transferId: String(transferId) }),
    NONE: () => ({}),
  },
});
