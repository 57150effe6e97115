import { defineScript, type Reply } from '../redis/script.ts';
import { readTicketRow } from './ticket-row.ts';

export const placesOfScript = defineScript({
  file: 'waiting-room/places-of.lua',
  keys: ['room', 'places', 'waiting', 'members'],
  args: ['user_id'],
  outcomes: {
    ROOM: (_, raw) => ({ rows: raw.map((row) => readTicketRow(row as Reply[])) }),
    NONE: () => ({}),
  },
});
