import { defineScript } from '../redis/script.ts';

export const rebuildWallets = defineScript({
  file: 'operations/rebuild-wallets.lua',
  keys: ['users'],
  moreKeys: 'wallet history',
  args: [],
  moreArgs: ['user_id', 'available', 'charged', 'posted', 'entries', 'first', 'kept'],
  outcomes: { REBUILT: () => ({}) },
});
