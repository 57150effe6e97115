import { defineScript } from '../redis/script.ts';
import { groupsOf } from './groups.ts';

const KEYS = ['base', 'room', 'waiting', 'active', 'catalogue', 'stock', 'outbox'] as const;

export const readConcert = defineScript({
  file: 'operations/read-concert.lua',
  keys: KEYS,
  args: [],
  outcomes: {
    CONCERT: (rest, raw) => {
      const [waiting, active, admitted, expired, noShows, left, sold, revenue, outbox] = rest.map(Number);
      const schedules = groupsOf(raw[9], 5).map(([scheduleId = '', ...counts]) => {
        const [freeCounter = 0, free = 0, held = 0, soldSeats = 0] = counts.map(Number);
        return { scheduleId, freeCounter, free, held, sold: soldSeats };
      });
      return {
        waiting: waiting ?? 0,
        active: active ?? 0,
        admitted: admitted ?? 0,
        expired: expired ?? 0,
        noShows: noShows ?? 0,
        left: left ?? 0,
        sold: sold ?? 0,
        revenue: revenue ?? 0,
        outbox: outbox ?? 0,
        schedules,
      };
    },
    NONE: () => ({}),
  },
});
