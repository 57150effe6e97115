import { defineScript } from '../redis/script.ts';

export const openGroup = defineScript({
  file: 'outbox/open-group.lua',
  keys: ['outbox'],
  args: [],
  outcomes: {
    OPENED: () => ({}),
    ALREADY: () => ({}),
  },
});
