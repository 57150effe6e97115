import { HOLD_KEYS } from '../redis/keys.ts';
import { defineScript } from '../redis/script.ts';

/** A seat, by its index, that an import would remove or reprice although it is held or sold. */
export interface TakenSeat {
  scheduleId: string;
  index: number;
  state: 'HELD' | 'SOLD';
}

export const importScript = defineScript({
  file: 'concerts/import.lua',
  keys: [...HOLD_KEYS, 'catalogue'],
  args: ['revision', 'dry', 'concert', 'new_room', 'room_changes'],
  moreArgs: ['schedule_id', 'layout', 'guarded', 'bytes', 'freed'],
  outcomes: {
    DONE: ([revision, now]) => ({ revision: Number(revision), nowMs: Number(now) }),
    STALE: () => ({}),
    SWEEP: () => ({}),
    CONFLICT: (flat) => ({ taken: takenOf(flat) }),
  },
});

function takenOf(flat: readonly string[]): TakenSeat[] {
  const taken: TakenSeat[] = [];
  for (let i = 0; i + 2 < flat.length; i += 3) {
    taken.push({ scheduleId: flat[i] ?? '', index: Number(flat[i + 1]), state: flat[i + 2] === 'S' ? 'SOLD' : 'HELD' });
  }
  return taken;
}
