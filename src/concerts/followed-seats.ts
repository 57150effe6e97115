/** The schedules whose seats this process keeps in memory, and how they are read: one script per concert. */
import { Unavailable } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { masterOf } from '../redis/client.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import type { Catalogue } from './catalogue.ts';
import type { Catalogues } from './catalogues.ts';
import { readSeatsScript, type SeatsRow } from './read-seats.script.ts';
import { type SeatMapChange, SeatMapMemory } from './seat-map.ts';

export type SeatListener = (change: SeatMapChange) => void;

/** A schedule that somebody asks about or watches. */
export interface Followed {
  map: SeatMapMemory | null;
  /** when the last good read was sent, by performance.now() */
  readAtMs: number;
  askedAtMs: number;
  listeners: Set<SeatListener>;
  /** user id -> version that they must see */
  own: Map<string, number>;
}

export interface FollowedConcert {
  concertId: string;
  catalogue: Catalogue | null;
  /** of the maps below; '' and 0 before the first read */
  epoch: string;
  revision: number;
  /** of whom the maps are */
  master: string;
  schedules: Map<string, Followed>;
  reading: Promise<void> | null;
}

export interface FollowerDeps {
  redis: RedisClient;
  catalogues: Catalogues;
}

/** Of a schedule, with one read; all bytes are shorter than more of them. */
const LOG_MAX = 1_000;
const NEVER = -Infinity;

export function createSeatFollower(deps: FollowerDeps) {
  const concerts = new Map<string, FollowedConcert>();

  function follow(concertId: string, scheduleId: string): { concert: FollowedConcert; followed: Followed } {
    let concert = concerts.get(concertId);
    if (!concert) {
      concert = { concertId, catalogue: null, epoch: '', revision: 0, master: '', schedules: new Map(), reading: null };
      concerts.set(concertId, concert);
    }
    let followed = concert.schedules.get(scheduleId);
    if (!followed) {
      followed = { map: null, readAtMs: NEVER, askedAtMs: NEVER, listeners: new Set(), own: new Map() };
      concert.schedules.set(scheduleId, followed);
    }
    return { concert, followed };
  }

  /** Reads a concert, or waits for the read that is on its way. */
  function read(concert: FollowedConcert): Promise<void> {
    concert.reading ??= readInto(deps, concert).finally(() => {
      concert.reading = null;
    });
    return concert.reading;
  }

  return {
    follow,
    read,
    find: (concertId: string, scheduleId: string) => concerts.get(concertId)?.schedules.get(scheduleId),
    /** Reads what somebody watches or has asked about of late, and forgets the rest. */
    readAll(): Promise<void>[] {
      const since = performance.now() - LIMITS.ROOM_UNREAD_AFTER_MS;
      const reads: Promise<void>[] = [];
      for (const [concertId, concert] of concerts) {
        for (const [scheduleId, { listeners, askedAtMs }] of concert.schedules) {
          if (listeners.size === 0 && askedAtMs < since) concert.schedules.delete(scheduleId);
        }
        if (concert.schedules.size > 0) reads.push(read(concert));
        else concerts.delete(concertId);
      }
      return reads;
    },
  };
}

/** One read of all followed schedules of a concert. */
async function readInto({ redis, catalogues }: FollowerDeps, concert: FollowedConcert): Promise<void> {
  const { concertId, schedules } = concert;
  const keys = concertKeys(concertId);
  // Twice where the catalogue has changed since it was read; more often only where imports come faster than reads.
  for (let attempt = 0; attempt < 5; attempt++) {
    const sentAtMs = performance.now();
    const asked = [...schedules];
    const master = masterOf(redis, keys.room);
    const known = master === concert.master;
    const reading = await readSeatsScript.run(redis, {
      keys,
      args: { epoch: concert.epoch, revision: concert.revision, log_max: LOG_MAX },
      moreArgs: asked.flatMap(([scheduleId, { map }]) => [scheduleId, known && map ? map.version : -1]),
    });
    if (masterOf(redis, keys.room) !== master) continue;
    if (reading.outcome === 'NONE') {
      for (const [, followed] of asked) lose(followed, sentAtMs);
      return;
    }
    const { epoch, revision } = reading;
    if (concert.epoch !== epoch || concert.catalogue?.revision !== revision) {
      concert.catalogue = await catalogues.get(concertId);
      if (concert.catalogue?.revision !== revision) concert.catalogue = await catalogues.reload(concertId);
      if (concert.catalogue?.revision !== revision) continue;
    }
    Object.assign(concert, { epoch, revision, master });
    const rows = new Map(reading.rows.map((row) => [row.scheduleId, row]));
    for (const [scheduleId, followed] of asked)
      update(followed, concert, { row: rows.get(scheduleId), scheduleId, sentAtMs });
    return;
  }
  throw new Unavailable(`the catalogue of ${concertId} changes faster than it can be read`);
}

function update(
  followed: Followed,
  { concertId, catalogue, epoch }: FollowedConcert,
  { row, scheduleId, sentAtMs }: { row: SeatsRow | undefined; scheduleId: string; sentAtMs: number },
): void {
  const schedule = catalogue?.schedule(scheduleId);
  if (!catalogue || !schedule || !row) return lose(followed, sentAtMs);
  followed.readAtMs = sentAtMs;
  let told: SeatMapChange[];
  if (row.bytes === null && followed.map) {
    told = followed.map.follow(row);
  } else {
    // Whoever listens without a map has lost it to an import, and gets it back from another.
    followed.map = new SeatMapMemory(concertId, { epoch, revision: catalogue.revision, schedule }, row);
    told = [{ version: row.version, reset: true }];
  }
  for (const [userId, version] of followed.own) if (version <= row.version) followed.own.delete(userId);
  tell(followed, told);
}

/** The schedule is not there, or not any more. */
function lose(followed: Followed, sentAtMs: number): void {
  const { map } = followed;
  Object.assign(followed, { map: null, readAtMs: sentAtMs });
  followed.own.clear();
  if (map) tell(followed, [{ version: map.version, reset: true }]);
}

function tell({ listeners }: Followed, told: readonly SeatMapChange[]): void {
  for (const change of told) for (const listener of listeners) listener(change);
}
