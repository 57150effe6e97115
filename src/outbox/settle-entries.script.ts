import { defineScript } from '../redis/script.ts';

export const settleEntries = defineScript({
  file: 'outbox/settle-entries.lua',
  keys: ['base', 'outbox'],
  args: ['kept'],
  moreArgs: ['entry_id', 'user_id', 'n'],
  outcomes: {
    SETTLED: ([count]) => ({ count: Number(count) }),
  },
});
