import { defineScript } from '../redis/script.ts';

export const tidyScript = defineScript({
  file: 'waiting-room/tidy.lua',
  keys: ['places', 'ended'],
  args: ['kept_ms', 'max'],
  outcomes: { TIDIED: ([count]) => ({ count: Number(count) }) },
});
