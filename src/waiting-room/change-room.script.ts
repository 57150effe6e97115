import { defineScript } from '../redis/script.ts';

export const changeRoomScript = defineScript({
  file: 'waiting-room/change-room.lua',
  keys: ['room'],
  args: [],
  moreArgs: ['field', 'value'],
  outcomes: { CHANGED: () => ({}), NONE: () => ({}) },
});
