/**
 * One schedule's seats: the whole map from HTTP, then the socket's numbered changes. A change that is missing is asked
 * for by resuming after the last one; a snapshot in its place says that the seats themselves may be others, and the
 * map is loaded again.
 */
import type { ClientMessage, Problem, SeatMap, ServerMessage } from './api.ts';
import type { Answer } from './client.ts';
import { mayRepeat } from './repeat.ts';
import { backOffMs, notBeforeMs } from './wait.ts';

export type SeatOnMap = SeatMap['seats'][number];
export type SeatsFrame = ServerMessage & { type: 'seats' };

/** Seats as a page draws them. A seat that changed is another object, one that did not is the same. */
export interface Seats {
  /** null until the first map is there */
  map: SeatMap | null;
  /** why there is none; null where it is only a matter of time */
  problem: Pick<Problem, 'code'> | null;
}

export interface SeatWatchDeps {
  scheduleId: string;
  load(etag: string | undefined, signal: AbortSignal): Promise<Answer<'seats'>>;
  send(message: ClientMessage): void;
  changed(seats: Seats): void;
}

/** A process may be a tick behind the one that the socket is with. */
const BEHIND_MS = 400;
/** A snapshot comes to all who watch, after an import or a restart, and a map of 60,000 seats is 5 MB. */
const SPREAD_MS = 10_000;
const BACK_OFF = { firstMs: 500, maxMs: 10_000 };

export class SeatWatch {
  readonly #deps: SeatWatchDeps;
  readonly #ended = new AbortController();
  readonly #indexes = new Map<string, number>();
  #map: SeatMap | null = null;
  #etag: string | undefined;
  #loading = false;
  /** a gap was asked about, and nothing was taken since */
  #resuming = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(deps: SeatWatchDeps) {
    this.#deps = deps;
  }

  /** The place is ACTIVE: loads the map, or goes on where the socket left it. */
  follow(): void {
    this.#resuming = false;
    if (this.#map) this.#resume();
    else this.refresh();
  }

  /** Loads the map anew, where it has changed. One load at a time; repeated until there is an answer. */
  refresh(): void {
    if (this.#loading || this.#ended.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#loading = true;
    void this.#load();
  }

  hear({ version, full, changes }: SeatsFrame): void {
    const map = this.#map;
    // A load is under way, and the watch begins after it.
    if (!map) return;
    if (full) {
      const taken = new Map(changes);
      this.#apply(
        version,
        map.seats.map(({ seatId }) => [seatId, taken.get(seatId) ?? 'AVAILABLE'] as const),
      );
      this.#again(Math.random() * SPREAD_MS);
    } else if (version === map.version + 1) this.#apply(version, changes);
    else if (version > map.version && !this.#resuming) {
      this.#resuming = true;
      this.#resume();
    }
  }

  end(): void {
    this.#ended.abort();
    clearTimeout(this.#timer);
  }

  #resume(): void {
    const { scheduleId, send } = this.#deps;
    if (!this.#map) return;
    send({ type: 'watch', scheduleId, version: this.#map.version });
  }

  async #load(): Promise<void> {
    const answer = await this.#deps.load(this.#etag, this.#ended.signal);
    this.#loading = false;
    if (this.#ended.signal.aborted) return;
    if (answer.ok) {
      this.#failures = 0;
      this.#take(answer.body, answer.etag ?? undefined);
    } else if (mayRepeat(answer)) {
      const pauseMs = Math.max(backOffMs(++this.#failures, BACK_OFF), notBeforeMs(answer.retryAfterSeconds ?? 0));
      this.#again(pauseMs);
    } else this.#deps.changed({ map: this.#map, problem: { code: answer.code as Problem['code'] } });
  }

  /** `loaded`: null where the map is as this one was. */
  #take(loaded: SeatMap | null, etag: string | undefined): void {
    if (!loaded) return;
    if (this.#map && loaded.version < this.#map.version) return this.#again(BEHIND_MS);
    const isFirst = this.#map === null;
    this.#etag = etag;
    this.#indexes.clear();
    for (const [index, { seatId }] of loaded.seats.entries()) this.#indexes.set(seatId, index);
    this.#set(loaded);
    if (isFirst) this.#resume();
  }

  #again(pauseMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), pauseMs);
  }

  #apply(version: number, changes: readonly (readonly [string, SeatOnMap['status']])[]): void {
    const map = this.#map;
    if (!map) return;
    this.#resuming = false;
    let { available } = map;
    const seats = map.seats.slice();
    for (const [seatId, status] of changes) {
      const index = this.#indexes.get(seatId) ?? -1;
      const seat = seats[index];
      if (!seat || seat.status === status) continue;
      available += Number(status === 'AVAILABLE') - Number(seat.status === 'AVAILABLE');
      seats[index] = { ...seat, status };
    }
    this.#set({ ...map, version, available, seats });
  }

  #set(map: SeatMap): void {
    this.#map = map;
    this.#deps.changed({ map, problem: null });
  }
}
