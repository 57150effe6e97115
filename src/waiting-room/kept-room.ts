/** One room in the memory of this process: how it is read, and who is told. room-views.ts keeps many. */
import { LIMITS } from '../limits.ts';
import { masterOf } from '../redis/client.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { type RoomChange, readRoomScript } from './read-room.script.ts';
import { applyReading, questionOf, UNKNOWN } from './room-mirror.ts';
import { type RoomView, viewOf } from './room-view.ts';

/** A new view, and what happened since the one before. */
export interface RoomTick {
  view: RoomView;
  before: RoomView | null;
  /** in order; empty where `reset` */
  changes: readonly RoomChange[];
  /** changes were missed, or the room has a new epoch: read everything anew */
  reset: boolean;
}

export type RoomListener = (tick: RoomTick) => void;

export interface KeptRoom {
  readonly concertId: string;
  readonly listeners: Set<RoomListener>;
  /** when somebody was interested last; `performance.now()` */
  askedAt: number;
  isReading(): boolean;
  /** its last good reading has found the concert */
  isKnown(): boolean;
  /** The last view, unless it is older than 1 s. The room stays as long as somebody asks. */
  ask(): RoomView | null;
  /** Reads; those who come while a reading is under way share it. null: no such concert. */
  read(): Promise<RoomView | null>;
  /** Reads after what is under way: what was written before this call is in the answer. */
  readAfresh(): Promise<RoomView | null>;
  /** Until the next reading, whoever asks about this place asks Redis. */
  changed(sequence: number): void;
  /** Ends with the reading under way, however that ends. */
  settled(): Promise<void>;
}

/** More slices than the largest room can have: a reading that needs more is a bug. */
const CALLS_A_READING = 1_000;

/** `onTick` is told of each new view before `listeners` are. */
export function keepRoom(redis: RedisClient, concertId: string, onTick: (tick: RoomTick) => void): KeptRoom {
  const listeners = new Set<RoomListener>();
  const changed = new Map<number, number>();
  const keys = concertKeys(concertId);
  let mirror = UNKNOWN;
  let master = ''; // of whom the mirror is
  let view: RoomView | null = null;
  let goodAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<RoomView | null> | null = null;

  async function readWhole(): Promise<RoomView | null> {
    for (let calls = 0; calls < CALLS_A_READING; calls++) {
      const askedAt = performance.now();
      const asked = masterOf(redis, keys.room);
      if (asked !== master) [mirror, master] = [UNKNOWN, asked];
      const answer = await readRoomScript.run(redis, { keys, args: questionOf(mirror) });
      if (masterOf(redis, keys.room) !== master) continue;
      if (answer.outcome === 'NONE') {
        mirror = UNKNOWN;
        view = null;
        return null;
      }
      const next = applyReading(mirror, answer.reading);
      mirror = next.mirror;
      if (!next.whole) continue;
      for (const [sequence, at] of changed) if (at <= askedAt) changed.delete(sequence);
      goodAt = askedAt;
      return publish(viewOf(concertId, answer.reading, { left: mirror.left, changed }));
    }
    throw new Error(`room ${concertId} was not read in ${CALLS_A_READING} calls`);
  }

  function publish(newer: RoomView): RoomView {
    const { changes, reset } = mirror;
    const tick = { view: newer, before: view, changes, reset };
    mirror = { ...mirror, changes: [], reset: false };
    view = newer;
    for (const tell of [onTick, ...listeners]) tell(tick);
    return newer;
  }

  function read(): Promise<RoomView | null> {
    reading ??= readWhole().finally(() => {
      reading = null;
    });
    return reading;
  }

  const settled = async () => void (await reading?.catch(() => null));

  return {
    concertId,
    listeners,
    askedAt: performance.now(),
    isReading: () => reading !== null,
    isKnown: () => view !== null,
    ask() {
      this.askedAt = performance.now();
      return this.askedAt - goodAt <= LIMITS.TICK_STALE_MS ? view : null;
    },
    read,
    async readAfresh() {
      await settled();
      return read();
    },
    changed: (sequence) => void changed.set(sequence, performance.now()),
    settled,
  };
}
