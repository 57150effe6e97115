import { defineScript } from '../redis/script.ts';
import { parsePlace } from './place.ts';

const placeAt = ([packed, now]: string[]) => ({ record: parsePlace(packed ?? ''), nowMs: Number(now) });

export const leaveScript = defineScript({
  file: 'waiting-room/leave.lua',
  keys: ['room', 'places', 'waiting', 'active', 'members', 'ended', 'left', 'log', 'holds', 'stock', 'base'],
  args: ['queue_id', 'reason'],
  outcomes: { LEFT: placeAt, OVER: placeAt, NONE: () => ({}) },
});
