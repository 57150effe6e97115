import { defineScript } from '../redis/script.ts';

export const enterDirectoryScript = defineScript({
  file: 'concerts/enter-directory.lua',
  keys: ['concerts'],
  args: ['concert_id'],
  outcomes: { ENTERED: () => ({}) },
});
