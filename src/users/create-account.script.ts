import { defineScript } from '../redis/script.ts';

export const createAccount = defineScript({
  file: 'users/create-account.lua',
  keys: ['account'],
  args: ['user_id', 'email', 'password', 'name'],
  outcomes: { CREATED: () => ({}), TAKEN: () => ({}) },
});
