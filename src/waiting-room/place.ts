/**
 * One place in a waiting room. Its states, and where each may come from:
 *   WAITING  from nothing, by join
 *   ACTIVE   from WAITING, by admit; unclaimed, then claimed
 *   EXPIRED  from ACTIVE: UNCLAIMED, SESSION_OVER, SUPERSEDED
 *   LEFT     from WAITING or ACTIVE: LEFT by its user, REMOVED by an operator
 *   USED     from ACTIVE, by a payment: PAID
 */
import type { PlaceReason, PlaceStatus } from './shapes.ts';

/** What the record in Redis says, not yet judged by the clock. Times in ms, 0 where not (yet) known. */
export interface PlaceRecord {
  status: 'W' | 'A' | 'E' | 'L' | 'U';
  sequence: number;
  joinedAtMs: number;
  deadlineMs: number;
  /** 0 until the place is claimed */
  sessionEndMs: number;
  paid: boolean;
  endedMs: number;
  reason: PlaceReason | null;
  userId: string;
}

const PACKED = /^([WAELU])\|(\d+)\|(\d+)\|(\d+)\|(\d+)\|([01])\|(\d+)\|([A-Z_]*)\|(.*)$/s;

/** Reads a packed record (lua/include/place.lua). Throws on anything else: that is a bug of ours. */
export function parsePlace(packed: string): PlaceRecord {
  const [, status, sequence, joined, deadline, sessionEnd, paid, ended, reason, userId = ''] =
    PACKED.exec(packed) ?? [];
  if (!status) throw new Error(`no record of a place: ${packed}`);
  return {
    status: status as PlaceRecord['status'],
    sequence: Number(sequence),
    joinedAtMs: Number(joined),
    deadlineMs: Number(deadline),
    sessionEndMs: Number(sessionEnd),
    paid: paid === '1',
    endedMs: Number(ended),
    reason: (reason || null) as PlaceReason | null,
    userId,
  };
}

/** A place as it is at one moment. */
export interface PlaceNow {
  status: PlaceStatus;
  reason: PlaceReason | null;
  /** ms; of an ACTIVE place only */
  expiresAtMs: number | null;
}

const OVER = { E: 'EXPIRED', L: 'LEFT', U: 'USED' } as const;
export const WAITING_NOW: PlaceNow = { status: 'WAITING', reason: null, expiresAtMs: null };

/** Judges a record by the clock of Redis: past its deadline a place is over, whether or not anybody wrote so. */
export function judgePlace(record: PlaceRecord, nowMs: number): PlaceNow {
  const { status, reason, deadlineMs, sessionEndMs, paid } = record;
  if (status === 'W') return WAITING_NOW;
  if (status !== 'A') return { status: OVER[status], reason, expiresAtMs: null };
  if (deadlineMs > nowMs) return { status: 'ACTIVE', reason: null, expiresAtMs: deadlineMs };
  if (paid) return { status: 'USED', reason: 'PAID', expiresAtMs: null };
  return { status: 'EXPIRED', reason: sessionEndMs > 0 ? 'SESSION_OVER' : 'UNCLAIMED', expiresAtMs: null };
}
