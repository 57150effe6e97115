import { defineScript } from '../redis/script.ts';

export const settlePayments = defineScript({
  file: 'outbox/settle-payments.lua',
  keys: ['outbox'],
  moreKeys: 'reservation',
  args: [],
  moreArgs: ['entry_id'],
  outcomes: {
    SETTLED: ([count, at]) => ({ count: Number(count), recordedAtMs: Number(at) }),
  },
});
