/** Settings of a room as fields of its hash in Redis. */
import { randomBytes } from 'node:crypto';
import type { RoomSettings, SetRoom } from './shapes.ts';

export const ROOM_DEFAULTS = {
  state: 'OPEN',
  opensAt: null,
  capacity: 1_000,
  admitPerSecond: 100,
  sessionSeconds: 600,
  claimSeconds: 60,
  reentry: 'reject',
} as const satisfies Required<RoomSettings>;

/** Random; made with a room and renewed where its places are lost, so that no older token finds somebody else's place. */
export function newEpoch(): string {
  return randomBytes(8).toString('hex');
}

/** The fields that these settings name, and no others. */
export function roomFields(settings: RoomSettings): Record<string, string> {
  const { state, opensAt, capacity, admitPerSecond, sessionSeconds, claimSeconds, reentry } = settings;
  const fields: Record<string, string | undefined> = {
    state,
    opens_at: opensAt === undefined ? undefined : opensAt === null ? '' : String(Date.parse(opensAt)),
    capacity: text(capacity),
    admit_per_second: text(admitPerSecond),
    session_ms: text(sessionSeconds && sessionSeconds * 1_000),
    claim_ms: text(claimSeconds && claimSeconds * 1_000),
    reentry,
  };
  const named = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined);
  return Object.fromEntries(named);
}

/** The settings that a room's hash holds. */
export function settingsOf(fields: Readonly<Record<string, string>>): SetRoom {
  const { state, opens_at: opensAt, capacity, admit_per_second: rate, session_ms: session, claim_ms: claim } = fields;
  return {
    state: (state ?? ROOM_DEFAULTS.state) as RoomSettings['state'] & string,
    opensAt: opensAt ? new Date(Number(opensAt)).toISOString() : null,
    capacity: Number(capacity),
    admitPerSecond: Number(rate),
    sessionSeconds: Number(session) / 1_000,
    claimSeconds: Number(claim) / 1_000,
    reentry: fields.reentry === 'supersede' ? 'supersede' : 'reject',
  };
}

/** All fields of the hash of a room that is new. */
export function newRoomFields(settings: RoomSettings): Record<string, string> {
  const counters = ['seq', 'frontier', 'admitted', 'expired', 'no_shows', 'left_count', 'used', 'log'];
  return {
    ...roomFields({ ...ROOM_DEFAULTS, ...settings }),
    epoch: newEpoch(),
    ...Object.fromEntries(counters.map((name) => [name, '0'])),
  };
}

function text(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}
