import { defineScript } from '../redis/script.ts';

export const rebuildWallet = defineScript({
  file: 'operations/rebuild-wallet.lua',
  keys: ['wallet', 'history', 'users'],
  args: ['user_id', 'available', 'charged', 'posted', 'entries', 'first'],
  moreArgs: ['packed_entry'],
  outcomes: { REBUILT: () => ({}), ALREADY: () => ({}) },
});
