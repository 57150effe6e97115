import { defineScript } from '../redis/script.ts';

export const admitScript = defineScript({
  file: 'waiting-room/admit.lua',
  keys: ['room', 'places', 'waiting', 'active', 'members', 'ended', 'left', 'log', 'base'],
  args: ['worker', 'lease_ms'],
  outcomes: {
    ADMITTED: ([admitted, ended, more, waiting, active, ...waits]) => ({
      admitted: Number(admitted),
      ended: Number(ended),
      more: Number(more) === 1,
      waiting: Number(waiting),
      active: Number(active),
      waitsMs: waits.map(Number),
    }),
    LEASED: () => ({}),
    NONE: () => ({}),
  },
});
