import { LIMITS } from '../limits.ts';
import type { Log } from '../observability/log.ts';
import { createSeatFollower, type Followed, type FollowerDeps, type SeatListener } from './followed-seats.ts';
import type { SeatChange, SeatMapMemory } from './seat-map.ts';
import type { SeatFilter } from './seat-map-body.ts';

export type { SeatListener } from './followed-seats.ts';
export type { SeatChange, SeatMapChange, SeatMapState } from './seat-map.ts';
export type { SeatFilter } from './seat-map-body.ts';

interface Wants {
  /** a version that the caller has seen: where it is ahead of this process, Redis is read once */
  atLeastVersion?: number | undefined;
  /** changes that this user made through this process show (see `noteOwn`) */
  userId?: string | undefined;
}

export interface SeatMaps {
  /**
   * The present state, at most 500 ms behind Redis; null where there is no such schedule. It is live: after the await,
   * a snapshot of it and `subscribe` in the same turn miss nothing. Throws Unavailable or an error of Redis.
   */
  read(concertId: string, scheduleId: string, wants?: Wants): Promise<SeatMapMemory | null>;
  /** The answer of HTTP. `ifNoneMatch`: the header; where it names a later state than this process', Redis is read. */
  body(
    concertId: string,
    scheduleId: string,
    filter: SeatFilter,
    wants?: Wants & { ifNoneMatch?: string | undefined },
  ): Promise<{ etag: string; body: Buffer } | null>;
  /** As `body` would answer of all seats, where memory alone can tell; else null. */
  peek(concertId: string, scheduleId: string, wants: Wants & { ifNoneMatch: string }): SeatMapMemory | null;
  /** Told of each change after the present state, in order, each version one more than the last, or of a reset. */
  subscribe(concertId: string, scheduleId: string, listener: SeatListener): () => void;
  /** What followed after a version; null where that is not known any more: then a snapshot is needed. Read first. */
  changesSince(
    concertId: string,
    scheduleId: string,
    version: number,
  ): { version: number; changes: readonly SeatChange[] }[] | null;
  /** After a change by this process: the user's next question is answered at that version or a later one. */
  noteOwn(change: { concertId: string; scheduleId: string; userId: string; version: number }): void;
  start(): void;
  stop(): Promise<void>;
}

interface SeatMapsDeps extends FollowerDeps {
  log?: Pick<Log, 'warn' | 'info'> | undefined;
}

/** Seat maps in memory: one script per tick and concert, for the schedules that somebody asked about of late. */
export function createSeatMaps({ redis, catalogues, log }: SeatMapsDeps): SeatMaps {
  const follower = createSeatFollower({ redis, catalogues });
  const ticker = createTicker(() => follower.readAll(), log);

  /** Reads where memory is not good enough; the map then, null where there is no such schedule. */
  async function readUntil(
    { concertId, scheduleId }: Place,
    good: (followed: Followed) => boolean,
  ): Promise<SeatMapMemory | null> {
    const { concert, followed } = follower.follow(concertId, scheduleId);
    followed.askedAtMs = performance.now();
    while (!good(followed)) {
      // A read that is on its way already may be from before what the caller has seen; one that starts now is not.
      const later = concert.reading === null;
      await follower.read(concert);
      if (later) break;
    }
    if (!followed.map && followed.listeners.size === 0) concert.schedules.delete(scheduleId);
    return followed.map;
  }

  return {
    async read(concertId, scheduleId, wants = {}) {
      return readUntil({ concertId, scheduleId }, (followed) => isFresh(followed, wants));
    },
    async body(concertId, scheduleId, filter, { ifNoneMatch = '', ...wants } = {}) {
      const map = await readUntil({ concertId, scheduleId }, (followed) => isGood(followed, wants, ifNoneMatch));
      return map && { etag: map.etag(filter), body: map.body(filter) };
    },
    peek(concertId, scheduleId, { ifNoneMatch, ...wants }) {
      const followed = follower.find(concertId, scheduleId);
      if (!followed) return null;
      followed.askedAtMs = performance.now();
      return isGood(followed, wants, ifNoneMatch) ? followed.map : null;
    },
    subscribe(concertId, scheduleId, listener) {
      const { followed } = follower.follow(concertId, scheduleId);
      const guarded = guard(listener, { log, concertId, scheduleId });
      followed.listeners.add(guarded);
      return () => void followed.listeners.delete(guarded);
    },
    changesSince: (concertId, scheduleId, version) =>
      follower.find(concertId, scheduleId)?.map?.changesSince(version) ?? null,
    noteOwn({ concertId, scheduleId, userId, version }) {
      const followed = follower.find(concertId, scheduleId);
      if (followed && (followed.map?.version ?? 0) < version) followed.own.set(userId, version);
    },
    start: ticker.start,
    stop: ticker.stop,
  };
}

/** Reads once per tick, the next time when the last is done; a failure is logged once until it works again. */
function createTicker(readAll: () => Promise<void>[], log: SeatMapsDeps['log']) {
  let timer: NodeJS.Timeout | null = null;
  let ticking: Promise<void> = Promise.resolve();
  let failing = false;

  async function tick(): Promise<void> {
    const failed = (await Promise.allSettled(readAll())).find((read) => read.status === 'rejected');
    if (failed && !failing) log?.warn({ err: failed.reason }, 'seat maps cannot be read; tried again with every tick');
    if (!failed && failing) log?.info('seat maps can be read again');
    failing = failed !== undefined;
  }

  function schedule(): void {
    timer = setTimeout(() => {
      ticking = tick().finally(() => timer && schedule());
    }, LIMITS.TICK_MS);
  }

  return {
    start(): void {
      if (!timer) schedule();
    },
    async stop(): Promise<void> {
      if (timer) clearTimeout(timer);
      timer = null;
      await ticking;
    },
  };
}

/** A listener that fails keeps no other from its change. */
function guard(listener: SeatListener, { log, ...place }: Place & { log: SeatMapsDeps['log'] }): SeatListener {
  return (change) => {
    try {
      listener(change);
    } catch (error) {
      log?.warn({ err: error, ...place }, 'a follower of seats failed');
    }
  };
}

function isFresh({ map, readAtMs, own }: Followed, { atLeastVersion = 0, userId }: Wants): boolean {
  if (performance.now() - readAtMs > LIMITS.VERDICT_TRUSTED_MS) return false;
  const needed = Math.max(atLeastVersion, (userId !== undefined && own.get(userId)) || 0);
  return map ? map.version >= needed : true;
}

function isGood(followed: Followed, wants: Wants, ifNoneMatch: string): boolean {
  return isFresh(followed, wants) && !(followed.map && isAhead(ifNoneMatch, followed.map));
}

interface Place {
  concertId: string;
  scheduleId: string;
}

/** `If-None-Match` may name several tags, weak ones too. */
function isAhead(ifNoneMatch: string, map: SeatMapMemory): boolean {
  if (ifNoneMatch === '' || ifNoneMatch === map.etag('ALL')) return false;
  return [...ifNoneMatch.matchAll(/"([0-9a-f]+)\.(\d{1,15})\.(\d{1,15})\.\w+"/g)].some(
    ([, epoch, revision, version]) =>
      epoch === map.epoch && (Number(revision) > map.revision || Number(version) > map.version),
  );
}
