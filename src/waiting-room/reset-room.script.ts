import { defineScript } from '../redis/script.ts';

export const resetRoomScript = defineScript({
  file: 'waiting-room/reset-room.lua',
  keys: ['room', 'places', 'waiting', 'active', 'members', 'ended', 'left'],
  args: ['epoch', 'by'],
  outcomes: { RESET: () => ({}), NONE: () => ({}) },
});
