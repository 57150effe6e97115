/**
 * Seats, to those who watch them: a snapshot, then every change, each version one more than the last. All watchers of a
 * schedule share one publish a change. A watch is
 *   BEHIND  its socket has still to be sent something else first; `version` is what it has
 *   LIVE    it follows the topic, and has what was published last
 * and goes from BEHIND to LIVE within one turn of the event loop: nothing can be published between its last frame and
 * its first one from the topic.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Catalogues } from '../concerts/catalogues.ts';
import type { SeatMapChange, SeatMaps } from '../concerts/seat-maps.ts';
import { type Refusal, refuse } from '../errors.ts';
import type { Log } from '../observability/log.ts';
import { type Connection, isOver, type Place, type SocketLimits, type SocketObserver } from './connection.ts';
import { errorFrame, invalid } from './frames.ts';
import { type LiveMap, SeatFeed } from './seat-feed.ts';

export interface SeatWatchesDeps {
  log: Log;
  limits: SocketLimits;
  observer: SocketObserver;
  catalogues: Pick<Catalogues, 'get'>;
  seatMaps: Pick<SeatMaps, 'read' | 'subscribe'>;
  publish(topic: string, text: string): void;
}

interface Wanted {
  concertId: string;
  scheduleId: string;
  /** to go on after */
  version?: number | undefined;
}

export class Watch {
  readonly feed: SeatFeed;
  readonly connection: Connection;
  state: 'BEHIND' | 'LIVE' = 'BEHIND';
  /** while BEHIND: what the socket has; null where it needs a snapshot */
  version: number | null;

  constructor(connection: Connection, feed: SeatFeed, version: number | null) {
    this.connection = connection;
    this.feed = feed;
    this.version = version;
  }

  /** Stops following; what was published so far is what the socket has. */
  pause(): void {
    if (this.state === 'BEHIND') return;
    this.state = 'BEHIND';
    this.version = this.feed.version;
    this.connection.unfollow(this.feed.topic);
  }

  /** Sends what is missing, as far as the socket takes it, and follows from there. */
  advance(): void {
    const { feed, connection } = this;
    if (this.state === 'LIVE' || !feed.map) return;
    while (connection.state === 'LIVE') {
      const missing = this.version === null ? null : feed.changesSince(this.version);
      if (!missing) {
        this.version = feed.version;
        connection.send('seats', feed.snapshot());
        continue;
      }
      const [next] = missing;
      if (!next) {
        this.state = 'LIVE';
        connection.follow(feed.topic);
        return;
      }
      for (const change of missing) {
        if (connection.state !== 'LIVE') return;
        this.version = change.version;
        connection.send('seats', feed.frame(change));
      }
    }
  }
}

export class SeatWatches {
  readonly #deps: SeatWatchesDeps;
  readonly #feeds = new Map<string, SeatFeed>();

  constructor(deps: SeatWatchesDeps) {
    this.#deps = deps;
  }

  /** For a place that was just found ACTIVE. Refuses SCHEDULE_NOT_FOUND, NOT_ACTIVE, VALIDATION (too many). */
  async watch(place: Place, { concertId, scheduleId, version }: Wanted): Promise<Refusal | null> {
    const { limits, catalogues, seatMaps } = this.#deps;
    const catalogue = await catalogues.get(concertId);
    if (!catalogue?.schedule(scheduleId)) return refuse('SCHEDULE_NOT_FOUND');
    const map = await seatMaps.read(concertId, scheduleId, { atLeastVersion: version });
    if (!map) return refuse('SCHEDULE_NOT_FOUND');

    // From here on in one turn: the map, and what was published of it, are at the same version.
    const { connection } = place;
    if (!connection.open) return null;
    if (isOver(place)) return refuse('NOT_ACTIVE', { status: place.sent?.status ?? null, position: null });
    const key = keyOf(concertId, scheduleId);
    if (!connection.watches.has(key) && connection.watches.size >= limits.WS_WATCHES_MAX)
      return invalid('/scheduleId', `is one too many: a socket watches at most ${limits.WS_WATCHES_MAX} schedules`);
    this.#end(connection, key);
    const watch = new Watch(connection, this.#feedOf({ concertId, scheduleId, map }), version ?? null);
    watch.feed.watches.add(watch);
    connection.watches.set(key, watch);
    watch.advance();
    return null;
  }

  unwatch(connection: Connection, { scheduleId, concertId }: { scheduleId: string; concertId?: string | undefined }) {
    this.#endWhere(
      connection,
      (feed) => feed.scheduleId === scheduleId && (concertId ?? feed.concertId) === feed.concertId,
    );
  }

  /** The socket has no ACTIVE place in that concert any more. */
  endIn(connection: Connection, concertId: string): void {
    this.#endWhere(connection, (feed) => feed.concertId === concertId);
  }

  /** The socket has read a long frame to its end; what it has missed meanwhile is sent. */
  caughtUp(connection: Connection): void {
    for (const watch of connection.watches.values()) watch.advance();
  }

  /** The socket is closed. */
  remove(connection: Connection): void {
    this.#endWhere(connection, () => true);
  }

  stop(): void {
    for (const feed of this.#feeds.values()) feed.unsubscribe();
    this.#feeds.clear();
  }

  #feedOf(of: { concertId: string; scheduleId: string; map: LiveMap }): SeatFeed {
    const key = keyOf(of.concertId, of.scheduleId);
    const known = this.#feeds.get(key);
    if (known) return known;
    const feed = new SeatFeed(of);
    this.#feeds.set(key, feed);
    feed.unsubscribe = this.#deps.seatMaps.subscribe(of.concertId, of.scheduleId, (change) =>
      this.#onChange(feed, change),
    );
    return feed;
  }

  #onChange(feed: SeatFeed, change: SeatMapChange): void {
    // What is told while the map is read anew is in the snapshot that follows.
    if (!feed.map) return;
    if (change.reset || change.version !== feed.version + 1) return void this.#restart(feed);
    feed.version = change.version;
    const followers = [...feed.watches].filter(({ state }) => state === 'LIVE').length;
    if (followers === 0) return;
    this.#deps.observer.frames('seats', followers);
    this.#deps.publish(feed.topic, feed.frame(change));
  }

  /** The seats themselves are others, or changes were missed: everybody gets a new snapshot. */
  async #restart(feed: SeatFeed): Promise<void> {
    for (const watch of feed.watches) {
      watch.pause();
      watch.version = null;
    }
    feed.map = null;
    const map = await this.#readAgain(feed);
    if (map) {
      feed.restart(map);
      for (const watch of feed.watches) watch.advance();
      return;
    }
    const { concertId, scheduleId } = feed;
    for (const { connection } of feed.watches) {
      this.#end(connection, keyOf(concertId, scheduleId));
      connection.send('error', errorFrame(refuse('SCHEDULE_NOT_FOUND', { concertId, scheduleId })));
    }
  }

  /** Until there is an answer, or nobody wants it any more. null: the schedule is gone. */
  async #readAgain({ concertId, scheduleId, watches }: SeatFeed): Promise<LiveMap | null> {
    while (watches.size > 0) {
      try {
        return await this.#deps.seatMaps.read(concertId, scheduleId);
      } catch (error) {
        this.#deps.log.warn({ err: error, concertId, scheduleId }, 'watched seats cannot be read; tried again');
        await sleep(RETRY_MS);
      }
    }
    return null;
  }

  #end(connection: Connection, key: string): void {
    const watch = connection.watches.get(key);
    if (!watch) return;
    watch.pause();
    connection.watches.delete(key);
    watch.feed.watches.delete(watch);
    if (watch.feed.watches.size > 0) return;
    watch.feed.unsubscribe();
    if (this.#feeds.get(key) === watch.feed) this.#feeds.delete(key);
  }

  #endWhere(connection: Connection, fits: (feed: SeatFeed) => boolean): void {
    for (const [key, { feed }] of connection.watches) if (fits(feed)) this.#end(connection, key);
  }
}

const RETRY_MS = 500;

/** Neither id holds a slash. */
function keyOf(concertId: string, scheduleId: string): string {
  return `${concertId}/${scheduleId}`;
}
