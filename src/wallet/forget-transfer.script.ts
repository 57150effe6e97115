import { defineScript } from '../redis/script.ts';

export const forgetTransfer = defineScript({
  file: 'wallet/forget-transfer.lua',
  keys: ['transfer', 'over'],
  args: ['member', 'transfer_id', 'recorded', 'later_ms'],
  outcomes: { FORGOTTEN: () => ({}), KEPT: () => ({}), NONE: () => ({}) },
});
