import { defineScript } from '../redis/script.ts';

export const open = defineScript({
  file: 'wallet/open.lua',
  keys: ['wallet', 'users'],
  args: ['user_id'],
  outcomes: { OPENED: () => ({}), EXISTS: () => ({}) },
});
