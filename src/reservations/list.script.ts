import { defineScript, type Reply } from '../redis/script.ts';
import { readRecord } from './record.ts';

export const list = defineScript({
  file: 'reservations/list.lua',
  keys: ['base', 'owned_by', 'paid_by'],
  args: ['before_ms', 'before_id', 'status', 'limit', 'look_max'],
  outcomes: {
    PAGE: ([now, nextMs, nextId, gone], [, , , , ...rows]) => ({
      nowMs: Number(now),
      /** how far the list was looked at; null at its end */
      next: nextMs === '' ? null : { createdMs: Number(nextMs), reservationId: String(nextId) },
      /** ids whose record is gone */
      gone: gone === '' ? [] : String(gone).split(','),
      found: rows.map((row) => readRow(row as Reply[])),
    }),
  },
});

function readRow([reservationId, ...record]: Reply[]) {
  return { reservationId: String(reservationId), record: readRecord(record) };
}
