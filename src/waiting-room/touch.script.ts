import { defineScript } from '../redis/script.ts';
import { parsePlace } from './place.ts';

const placeAt = ([packed, now]: string[]) => ({ record: parsePlace(packed ?? ''), nowMs: Number(now) });

export const touchScript = defineScript({
  file: 'waiting-room/touch.lua',
  keys: ['room', 'places', 'waiting', 'active', 'members', 'ended', 'left', 'log', 'base'],
  args: ['queue_id'],
  outcomes: { ACTIVE: placeAt, NOT_ACTIVE: placeAt, NONE: () => ({}) },
});
