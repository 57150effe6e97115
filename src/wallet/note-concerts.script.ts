import { defineScript } from '../redis/script.ts';

export const noteConcerts = defineScript({
  file: 'wallet/note-concerts.lua',
  keys: [],
  args: [],
  moreKeys: 'concerts',
  moreArgs: ['concert_id'],
  outcomes: { NOTED: () => ({}) },
});
