import { defineScript, type Reply } from '../redis/script.ts';
import type { RoomState } from './shapes.ts';

/** Something that others changed, from the numbered log of the concert (lua/include/log_change.lua). */
export type RoomChange =
  | { kind: 'LEFT_WAITING'; queueId: string; sequence: number; userId: string }
  | { kind: 'ADMITTED'; queueIds: readonly string[] }
  | { kind: 'DEADLINE'; queueId: string }
  | { kind: 'ENDED'; queueId: string; userId: string }
  | { kind: 'RESERVATION'; reservationId: string; userId: string };

/** One atomic answer of Redis about a room. */
export interface RoomReading {
  nowMs: number;
  state: RoomState;
  ratePerSecond: number;
  waiting: number;
  active: number;
  /** of the catalogue; 0 while there is none */
  revision: number;
  epoch: string;
  opensAtMs: number | null;
  capacity: number;
  claimMs: number;
  frontier: number;
  admitted: number;
  expired: number;
  noShows: number;
  left: number;
  used: number;
  /** number of the last log entry */
  logNumber: number;
  stock: ReadonlyMap<string, string>;
  /** sequences, ascending */
  slice: number[];
  log: { number: number; change: RoomChange }[];
}

/** Order of the reply. */
const fields = [
  'now', 'state', 'rate', 'waiting', 'active', 'revision', 'epoch', 'opens_at', 'capacity', 'claim_ms', 'frontier',
  'admitted', 'expired', 'no_shows', 'left_count', 'used', 'log',
] as const; // biome-ignore format: one reading order with the script

export const readRoomScript = defineScript({
  file: 'waiting-room/read-room.lua',
  keys: ['room', 'waiting', 'active', 'left', 'log', 'catalogue', 'stock'],
  args: ['since', 'log_max', 'left_after', 'left_max'],
  outcomes: {
    ROOM: (_, raw) => ({ reading: readReading(raw) }),
    NONE: () => ({}),
  },
});

function readReading(raw: readonly Reply[]): RoomReading {
  const text = Object.fromEntries(fields.map((name, i) => [name, String(raw[i])])) as Record<
    (typeof fields)[number],
    string
  >;
  const [stock, slice, log] = raw.slice(fields.length) as [string[], string[], Reply[][]];
  return {
    nowMs: Number(text.now),
    state: text.state as RoomState,
    ratePerSecond: Number(text.rate) / 1_000,
    waiting: Number(text.waiting),
    active: Number(text.active),
    revision: Number(text.revision),
    epoch: text.epoch,
    opensAtMs: text.opens_at === '' ? null : Number(text.opens_at),
    capacity: Number(text.capacity),
    claimMs: Number(text.claim_ms),
    frontier: Number(text.frontier),
    admitted: Number(text.admitted),
    expired: Number(text.expired),
    noShows: Number(text.no_shows),
    left: Number(text.left_count),
    used: Number(text.used),
    logNumber: Number(text.log),
    stock: pairs(stock),
    slice: slice.map(Number),
    log: log.map(readEntry),
  };
}

function readEntry([id, flat]: Reply[]): { number: number; change: RoomChange } {
  const entry = pairs(flat as string[]);
  const of = (name: string) => entry.get(name) ?? '';
  return { number: Number.parseInt(String(id), 10), change: readChange(of) };
}

function readChange(of: (name: string) => string): RoomChange {
  switch (of('k')) {
    case 'L':
      return { kind: 'LEFT_WAITING', queueId: of('q'), sequence: Number(of('s')), userId: of('u') };
    case 'A':
      return { kind: 'ADMITTED', queueIds: of('q').split(' ').filter(Boolean) };
    case 'D':
      return { kind: 'DEADLINE', queueId: of('q') };
    case 'E':
      return { kind: 'ENDED', queueId: of('q'), userId: of('u') };
    case 'R':
      return { kind: 'RESERVATION', reservationId: of('r'), userId: of('u') };
    default:
      throw new Error(`the log of a room has an entry of kind ${of('k')}`);
  }
}

function pairs(flat: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(flat[i] ?? '', flat[i + 1] ?? '');
  return map;
}
