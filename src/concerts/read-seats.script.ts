import { defineScript, type Reply } from '../redis/script.ts';

/** One change as logged: `byte` written at each of `indexes`. `byte` is `*` where an import changed everything. */
export interface LoggedChange {
  version: number;
  byte: string;
  indexes: readonly number[];
}

export interface SeatsRow {
  scheduleId: string;
  version: number;
  free: number;
  /** null: `changes` go on from the version that the process knows */
  bytes: string | null;
  changes: readonly LoggedChange[];
}

export const readSeatsScript = defineScript({
  file: 'concerts/read-seats.lua',
  keys: ['base', 'room', 'catalogue', 'stock'],
  args: ['epoch', 'revision', 'log_max'],
  moreArgs: ['schedule_id', 'version'],
  outcomes: {
    SEATS: ([epoch, revision], [, , ...rows]) => ({
      epoch: String(epoch),
      revision: Number(revision),
      rows: rows.map((row) => readRow(row as Reply[])),
    }),
    NONE: () => ({}),
  },
});

function readRow([scheduleId, version, free, bytes, entries]: readonly Reply[]): SeatsRow {
  return {
    scheduleId: String(scheduleId),
    version: Number(version),
    free: Number(free),
    bytes: bytes === '' ? null : String(bytes),
    changes: (entries as [id: string, fields: string[]][]).map(([id, [, byte = '', , indexes = '']]) => ({
      version: Number.parseInt(id, 10),
      byte,
      indexes: indexes === '' ? [] : indexes.split(',').map(Number),
    })),
  };
}
