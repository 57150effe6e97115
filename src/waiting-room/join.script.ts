import { defineScript, type Reply } from '../redis/script.ts';
import { readTicketRow, type TicketRow } from './ticket-row.ts';

export type JoinAnswer =
  | { word: 'JOINED' | 'EXISTS' | 'REPEAT'; row: TicketRow }
  | { word: 'CLOSED'; state: string; opensAtMs: number | null }
  | { word: 'MISMATCH' };

export const joinScript = defineScript({
  file: 'waiting-room/join.lua',
  keys: ['room', 'places', 'waiting', 'active', 'members', 'ended', 'left', 'log'],
  moreKeys: 'idempotency',
  args: [],
  moreArgs: ['user_id', 'queue_id', 'fingerprint'],
  outcomes: {
    ROOM: (_, raw) => ({ answers: raw.map((answer) => readAnswer(answer as Reply[])) }),
    NONE: () => ({}),
  },
});

function readAnswer([word, ...rest]: Reply[]): JoinAnswer {
  switch (String(word)) {
    case 'JOINED':
    case 'EXISTS':
      return { word: word as 'JOINED' | 'EXISTS', row: readTicketRow(rest) };
    case 'REPEAT':
      // The first answer: its own word, then its row.
      return { word: 'REPEAT', row: readTicketRow(rest.slice(1)) };
    case 'CLOSED':
      return { word: 'CLOSED', state: String(rest[0]), opensAtMs: rest[1] === '' ? null : Number(rest[1]) };
    case 'MISMATCH':
      return { word: 'MISMATCH' };
    default:
      throw new Error(`join answered ${String(word)} for one joiner`);
  }
}
