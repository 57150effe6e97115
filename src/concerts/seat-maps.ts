import { LIMITS } from '../limits.ts';
import type { Log } from '../observability/log.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { Unavailable } from '../errors.ts';
import type { Catalogue } from './catalogue.ts';
import type { Catalogues } from './catalogues.ts';
import { readSeatsScript, type SeatsRow } from './read-seats.script.ts';
import { type SeatChange, type SeatMapChange, SeatMapMemory, type SeatMapState } from './seat-map.ts';
import type { SeatFilter } from './seat-map-body.ts';

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

export type SeatListener = (change: SeatMapChange) => void;

/** A schedule that somebody asks about or watches. */
interface Followed {
  map: SeatMapMemory | null;
  /** when the last good read was sent, by performance.now() */
  readAtMs: number;
  askedAtMs: number;
  listeners: Set<SeatListener>;
  /** user id -> version that they must see */
  own: Map<string, number>;
}

interface FollowedConcert {
  concertId: string;
  catalogue: Catalogue | null;
  /** of the maps below; '' and 0 before the first read */
  epoch: string;
  revision: number;
  schedules: Map<string, Followed>;
  reading: Promise<void> | null;
}

interface SeatMapsDeps {
  redis: RedisClient;
  catalogues: Catalogues;
  log?: Log | undefined;
}

const NEVER = -Infinity;
/** Of a schedule, with one read; all bytes are shorter than more of them. */
const LOG_MAX = 1_000;

/** Seat maps in memory: one script per tick and concert, for the schedules that somebody asked about of late. */
export function createSeatMaps({ redis, catalogues, log }: SeatMapsDeps): SeatMaps {
  const concerts = new Map<string, FollowedConcert>();
  let timer: NodeJS.Timeout | null = null;
  let ticking: Promise<void> = Promise.resolve();
  let failing = false;

  function follow(concertId: string, scheduleId: string): { concert: FollowedConcert; followed: Followed } {
    let concert = concerts.get(concertId);
    if (!concert) {
      concert = { concertId, catalogue: null, epoch: '', revision: 0, schedules: new Map(), reading: null };
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
  function readConcert(concert: FollowedConcert): Promise<void> {
    concert.reading ??= readInto({ redis, catalogues }, concert).finally(() => {
      concert.reading = null;
    });
    return concert.reading;
  }

  /** Reads where memory is not good enough; the map then, null where there is no such schedule. */
  async function readUntil(
    { concertId, scheduleId }: Place,
    good: (followed: Followed) => boolean,
  ): Promise<SeatMapMemory | null> {
    const { concert, followed } = follow(concertId, scheduleId);
    followed.askedAtMs = performance.now();
    while (!good(followed)) {
      // A read that is on its way already may be from before what the caller has seen; one that starts now is not.
      const later = concert.reading === null;
      await readConcert(concert);
      if (later) break;
    }
    if (!followed.map && followed.listeners.size === 0) concert.schedules.delete(scheduleId);
    return followed.map;
  }

  function isFresh({ map, readAtMs, own }: Followed, { atLeastVersion = 0, userId }: Wants): boolean {
    if (performance.now() - readAtMs > LIMITS.VERDICT_TRUSTED_MS) return false;
    const needed = Math.max(atLeastVersion, (userId !== undefined && own.get(userId)) || 0);
    return map ? map.version >= needed : true;
  }

  function tick(): Promise<void>[] {
    const now = performance.now();
    const reads: Promise<void>[] = [];
    for (const [concertId, concert] of concerts) {
      for (const [scheduleId, { listeners, askedAtMs }] of concert.schedules) {
        if (listeners.size === 0 && now - askedAtMs > LIMITS.ROOM_UNREAD_AFTER_MS) concert.schedules.delete(scheduleId);
      }
      if (concert.schedules.size > 0) reads.push(readConcert(concert));
      else concerts.delete(concertId);
    }
    return reads;
  }

  async function tickOnce(): Promise<void> {
    const failed = (await Promise.allSettled(tick())).find((read) => read.status === 'rejected');
    if (failed && !failing) log?.warn({ err: failed.reason }, 'seat maps cannot be read; tried again every tick');
    if (!failed && failing) log?.info('seat maps are read again');
    failing = failed !== undefined;
  }

  function schedule(): void {
    timer = setTimeout(() => {
      ticking = tickOnce().finally(() => timer && schedule());
    }, LIMITS.TICK_MS);
  }

  return {
    async read(concertId, scheduleId, wants = {}) {
      return readUntil({ concertId, scheduleId }, (followed) => isFresh(followed, wants));
    },
    async body(concertId, scheduleId, filter, { ifNoneMatch = '', ...wants } = {}) {
      const map = await readUntil(
        { concertId, scheduleId },
        (followed) => isFresh(followed, wants) && !(followed.map && isAhead(ifNoneMatch, followed.map)),
      );
      return map && { etag: map.etag(filter), body: map.body(filter) };
    },
    subscribe(concertId, scheduleId, listener) {
      const { followed } = follow(concertId, scheduleId);
      followed.listeners.add(listener);
      return () => void followed.listeners.delete(listener);
    },
    changesSince: (concertId, scheduleId, version) =>
      concerts.get(concertId)?.schedules.get(scheduleId)?.map?.changesSince(version) ?? null,
    noteOwn({ concertId, scheduleId, userId, version }) {
      const followed = concerts.get(concertId)?.schedules.get(scheduleId);
      if (followed && (followed.map?.version ?? 0) < version) followed.own.set(userId, version);
    },
    start() {
      if (!timer) schedule();
    },
    async stop() {
      if (timer) clearTimeout(timer);
      timer = null;
      await ticking;
    },
  };
}

interface Place {
  concertId: string;
  scheduleId: string;
}

/** `If-None-Match` may name several tags, weak ones too. */
function isAhead(ifNoneMatch: string, map: SeatMapState): boolean {
  return [...ifNoneMatch.matchAll(/"([0-9a-f]+)\.(\d{1,15})\.(\d{1,15})\.\w+"/g)].some(
    ([, epoch, revision, version]) =>
      epoch === map.epoch && (Number(revision) > map.revision || Number(version) > map.version),
  );
}

/** One read of all followed schedules of a concert. */
async function readInto(
  { redis, catalogues }: Pick<SeatMapsDeps, 'redis' | 'catalogues'>,
  concert: FollowedConcert,
): Promise<void> {
  const { concertId, schedules } = concert;
  const keys = concertKeys(concertId);
  // Twice where the catalogue has changed since it was read; more often only where imports come faster than reads.
  for (let attempt = 0; attempt < 5; attempt++) {
    const sentAtMs = performance.now();
    const asked = [...schedules];
    const reading = await readSeatsScript.run(redis, {
      keys,
      args: { epoch: concert.epoch, revision: concert.revision, log_max: LOG_MAX },
      moreArgs: asked.flatMap(([scheduleId, { map }]) => [scheduleId, map?.version ?? -1]),
    });
    if (reading.outcome === 'NONE') {
      for (const [, followed] of asked) Object.assign(followed, { map: null, readAtMs: sentAtMs });
      return;
    }
    const { epoch, revision } = reading;
    if (concert.epoch !== epoch || concert.catalogue?.revision !== revision) {
      concert.catalogue = await catalogues.get(concertId);
      if (concert.catalogue?.revision !== revision) concert.catalogue = await catalogues.reload(concertId);
      if (concert.catalogue?.revision !== revision) continue;
    }
    Object.assign(concert, { epoch, revision });
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
  followed.readAtMs = sentAtMs;
  const schedule = catalogue?.schedule(scheduleId);
  if (!catalogue || !schedule || !row) {
    followed.map = null;
    return;
  }
  let told: SeatMapChange[];
  if (row.bytes === null && followed.map) {
    told = followed.map.follow(row);
  } else {
    const before = followed.map;
    followed.map = new SeatMapMemory(concertId, { epoch, revision: catalogue.revision, schedule }, row);
    told = before ? [{ version: row.version, reset: true }] : [];
  }
  for (const [userId, version] of followed.own) if (version <= row.version) followed.own.delete(userId);
  for (const change of told) for (const listener of followed.listeners) listener(change);
}
