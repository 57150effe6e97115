import { defineScript } from '../redis/script.ts';

export const post = defineScript({
  file: 'wallet/post.lua',
  keys: ['wallet', 'transfer', 'pending', 'over', 'history', 'outbox'],
  args: ['member', 'user_id', 'transfer_id', 'entry_prefix', 'kept_ms'],
  outcomes: {
    POSTED: () => ({}),
    ALREADY: () => ({}),
    VOIDED: () => ({}),
    OTHER: ([transferId]) => ({ transferId: String(transferId) }),
    NONE: () => ({}),
  },
});
