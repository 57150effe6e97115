/**
 * What a process knows of one room between two readings, and how a reading moves it on. Pure: room-views.ts asks Redis.
 *   unknown   nothing; asks for the first slice of `left`, the log counts from that answer
 *   loading   some slices; asks for the next one and for the log since the first
 *   whole     asks for the log alone
 * A new epoch, or a log that was trimmed past what is known, leads back to unknown.
 */
import { LIMITS } from '../limits.ts';
import { addLeft, type LeftSet, NOBODY_LEFT } from './left-set.ts';
import type { RoomChange, RoomReading } from './read-room.script.ts';

export interface Mirror {
  readonly epoch: string | null;
  /** of the last log entry known; -1 while unknown */
  readonly logNumber: number;
  readonly left: LeftSet;
  /** sequences collected so far and the last of the last slice; null once whole */
  readonly loading: { readonly sequences: readonly number[]; readonly after: number } | null;
  /** since the last view; empty where the view is to be read anew */
  readonly changes: readonly RoomChange[];
  /** whoever followed the changes has missed some */
  readonly reset: boolean;
}

export const UNKNOWN: Mirror = {
  epoch: null,
  logNumber: -1,
  left: NOBODY_LEFT,
  loading: { sequences: [], after: 0 },
  changes: [],
  reset: true,
};

/** ARGV of the next reading. Tests have shorter slices. */
export function questionOf({ logNumber, loading }: Mirror, sliceMax: number = LIMITS.LEFT_SLICE) {
  return {
    since: logNumber,
    log_max: LIMITS.ROOM_LOG_A_READ,
    left_after: loading ? loading.after : -1,
    left_max: sliceMax,
  };
}

/** The mirror after an answer to its question; `whole` where it is as new as the answer and a view can be made. */
export function applyReading(
  mirror: Mirror,
  reading: RoomReading,
  sliceMax: number = LIMITS.LEFT_SLICE,
): { mirror: Mirror; whole: boolean } {
  if (lostTrack(mirror, reading)) return { mirror: UNKNOWN, whole: false };
  const logNumber = mirror.logNumber < 0 ? reading.logNumber : (reading.log.at(-1)?.number ?? mirror.logNumber);
  const upToDate = logNumber === reading.logNumber;
  const leavers = reading.log.flatMap(({ change }) => (change.kind === 'LEFT_WAITING' ? [change.sequence] : []));
  const known = { ...mirror, epoch: reading.epoch, logNumber };

  if (mirror.loading) {
    const sequences = mirror.loading.sequences.concat(reading.slice, leavers);
    const loaded = reading.slice.length < sliceMax;
    if (!loaded || !upToDate) {
      const after = reading.slice.at(-1) ?? mirror.loading.after;
      return { mirror: { ...known, loading: { sequences, after } }, whole: false };
    }
    const left = addLeft(NOBODY_LEFT, sequences, reading.frontier);
    return { mirror: { ...known, left, loading: null, changes: [], reset: true }, whole: true };
  }
  const left = addLeft(mirror.left, leavers, reading.frontier);
  const changes = mirror.changes.concat(reading.log.map(({ change }) => change));
  return { mirror: { ...known, left, changes }, whole: upToDate };
}

function lostTrack({ epoch, logNumber }: Mirror, reading: RoomReading): boolean {
  if (epoch === null) return false;
  if (epoch !== reading.epoch || reading.logNumber < logNumber) return true;
  return reading.logNumber > logNumber && reading.log[0]?.number !== logNumber + 1;
}
