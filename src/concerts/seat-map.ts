/** The seats of one schedule in the memory of one process: status bytes, followed by the numbered log of changes. */
import { LIMITS } from '../limits.ts';
import type { ScheduleCatalogue } from './catalogue.ts';
import type { LoggedChange, SeatsRow } from './read-seats.script.ts';
import { type RenderedSeats, renderSeats, type SeatFilter } from './seat-map-body.ts';
import type { SeatStatus } from './shapes.ts';

export type SeatChange = readonly [seatId: string, status: SeatStatus];

/** `reset`: the seats themselves are others, gone or back, or too much was missed; a new snapshot has to be taken. */
export type SeatMapChange =
  | { readonly version: number; readonly reset: false; readonly changes: readonly SeatChange[] }
  | { readonly version: number; readonly reset: true };

/** The present state: its members change with each tick. Take what belongs together in one turn. */
export interface SeatMapState {
  readonly concertId: string;
  readonly scheduleId: string;
  readonly epoch: string;
  readonly revision: number;
  readonly version: number;
  readonly available: number;
  readonly totalSeats: number;
  /** undefined: no such seat */
  statusOf(seatId: string): SeatStatus | undefined;
  /** every seat that is not AVAILABLE: a snapshot for those who watch */
  taken(): SeatChange[];
}

/** What a map is of. The same numbers in every process make the same ETag. */
interface Origin {
  epoch: string;
  revision: number;
  schedule: ScheduleCatalogue;
}

const STATUS: Readonly<Record<string, SeatStatus>> = { A: 'AVAILABLE', H: 'HELD', S: 'SOLD' };
const NONE = -1;

export class SeatMapMemory implements SeatMapState {
  readonly concertId: string;
  version = NONE;
  available = 0;
  readonly #origin: Origin;
  /** position in the map by seat index; NONE for removed seats */
  readonly #positions: Int32Array;
  readonly #statuses: SeatStatus[];
  readonly #rendered: RenderedSeats;
  readonly #bodies = new Map<SeatFilter, Buffer>();
  #kept: { version: number; changes: readonly SeatChange[] }[] = [];

  /** The map as all bytes show it. Throws where the row has none. */
  constructor(concertId: string, origin: Origin, row: SeatsRow) {
    if (row.bytes === null) throw new Error('a seat map starts from all bytes');
    this.concertId = concertId;
    this.#origin = origin;
    const { seats, size } = origin.schedule;
    this.#positions = new Int32Array(size).fill(NONE);
    for (const [position, { index }] of seats.entries()) this.#positions[index] = position;
    this.#statuses = seats.map(() => 'AVAILABLE');
    this.#rendered = renderSeats(seats);
    for (const [position, { index }] of seats.entries()) this.#set(position, STATUS[row.bytes[index] ?? '']);
    this.version = row.version;
    this.available = row.free;
    this.#kept = lastInOrder(row).map((logged) => ({ version: logged.version, changes: this.#changesOf(logged) }));
  }

  get scheduleId(): string {
    return this.#origin.schedule.scheduleId;
  }
  get epoch(): string {
    return this.#origin.epoch;
  }
  get revision(): number {
    return this.#origin.revision;
  }
  get totalSeats(): number {
    return this.#origin.schedule.totalSeats;
  }

  /** Follows the log. The changes have to go on from this version. */
  follow({ version, free, changes }: SeatsRow): SeatMapChange[] {
    this.available = free;
    if (changes.length === 0) return [];
    this.#bodies.clear();
    const told = changes.map((logged) => {
      if (logged.version !== this.version + 1) throw new Error(`version ${logged.version} after ${this.version}`);
      this.version = logged.version;
      const change = { version: logged.version, changes: this.#changesOf(logged) };
      for (const index of logged.indexes) this.#set(this.#positions[index] ?? NONE, STATUS[logged.byte]);
      this.#kept.push(change);
      return { ...change, reset: false as const };
    });
    if (this.version !== version) throw new Error(`the log ends at ${this.version}, not at ${version}`);
    if (this.#kept.length > LIMITS.SEAT_LOG_KEPT * 1.1) this.#kept = this.#kept.slice(-LIMITS.SEAT_LOG_KEPT);
    return told;
  }

  /** The changes after a version; null where they are not all known any more, or it is ahead of this process. */
  changesSince(version: number): { version: number; changes: readonly SeatChange[] }[] | null {
    if (version === this.version) return [];
    const first = this.#kept[0]?.version ?? this.version + 1;
    if (version > this.version || version < first - 1) return null;
    return this.#kept.slice(version + 1 - first);
  }

  statusOf(seatId: string): SeatStatus | undefined {
    const seat = this.#origin.schedule.seat(seatId);
    return seat && this.#statuses[this.#positions[seat.index] ?? NONE];
  }

  taken(): SeatChange[] {
    const { seats } = this.#origin.schedule;
    return seats.flatMap(({ seatId }, position) => {
      const status = this.#statuses[position] ?? 'AVAILABLE';
      return status === 'AVAILABLE' ? [] : [[seatId, status] as const];
    });
  }

  etag(filter: SeatFilter): string {
    return `"${this.epoch}.${this.revision}.${this.version}.${filter}"`;
  }

  /** The answer of HTTP, serialised once for each version and filter. Not to be written to. */
  body(filter: SeatFilter): Buffer {
    const kept = this.#bodies.get(filter);
    if (kept) return kept;
    const { scheduleId, version, available } = this;
    const head = JSON.stringify({ scheduleId, version, available }).slice(0, -1);
    const body = Buffer.concat([Buffer.from(`${head},"seats":[`), this.seats(filter), Buffer.from(']}')]);
    this.#bodies.set(filter, body);
    return body;
  }

  /** Members of a JSON array of seats. */
  seats(filter: SeatFilter): Buffer {
    if (filter === 'ALL') return this.#rendered.all();
    return this.#rendered.seats((position) => this.#statuses[position] === filter);
  }

  #set(position: number, status: SeatStatus | undefined): void {
    if (position === NONE || status === undefined || this.#statuses[position] === status) return;
    this.#statuses[position] = status;
    this.#rendered.write(position, status);
  }

  #changesOf({ byte, indexes }: LoggedChange): SeatChange[] {
    const { seats } = this.#origin.schedule;
    const status = STATUS[byte];
    if (!status) return [];
    return indexes.flatMap((index) => {
      const seat = seats[this.#positions[index] ?? NONE];
      return seat ? [[seat.seatId, status] as const] : [];
    });
  }
}

/** The end of the log, back to where it breaks off or an import changed everything. */
function lastInOrder({ version, changes }: SeatsRow): LoggedChange[] {
  let from = changes.length;
  while (from > 0) {
    const logged = changes[from - 1];
    if (!logged || logged.byte === '*' || logged.version !== version - (changes.length - from)) break;
    from--;
  }
  return changes.slice(from);
}
