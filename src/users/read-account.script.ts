import { defineScript } from '../redis/script.ts';

export const readAccount = defineScript({
  file: 'users/read-account.lua',
  keys: ['account'],
  args: [],
  outcomes: {
    ACCOUNT: ([userId = '', password = '']) => ({ userId, password }),
    NONE: () => ({}),
  },
});
