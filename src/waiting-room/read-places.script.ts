import { defineScript } from '../redis/script.ts';
import { parsePlace } from './place.ts';

export const readPlacesScript = defineScript({
  file: 'waiting-room/read-places.lua',
  keys: ['places'],
  args: [],
  moreArgs: ['queue_id'],
  outcomes: {
    PLACES: ([now, ...packed]) => ({
      nowMs: Number(now),
      records: packed.map((text) => (text === '' ? null : parsePlace(text))),
    }),
  },
});
