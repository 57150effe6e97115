import { defineScript, type Reply } from '../redis/script.ts';
import { readRecord } from './record.ts';

export const read = defineScript({
  file: 'reservations/read.lua',
  keys: ['reservation'],
  args: [],
  outcomes: {
    FOUND: ([now], [, record]) => ({ nowMs: Number(now), record: readRecord(record as Reply[]) }),
    NONE: () => ({}),
  },
});
