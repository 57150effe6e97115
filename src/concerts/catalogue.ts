/** What is on sale in one concert, at one revision, as a process keeps it in memory. */
import { dayIn, parseTime } from '../times.ts';
import { expand, type IndexedSeat, indexIn, type Layout, type LayoutRow, rowKey, totalSeats } from './layout.ts';

export interface Catalogue {
  readonly concertId: string;
  /** from 1, raised by each import */
  readonly revision: number;
  readonly title: string;
  readonly venue: string;
  readonly timeZone: string;
  readonly currency: string;
  /** seats that one person may have, held and bought together */
  readonly seatLimit: number;
  readonly holdSeconds: number;
  /** by `startsAt` */
  readonly schedules: readonly ScheduleCatalogue[];
  schedule(scheduleId: string): ScheduleCatalogue | undefined;
}

export interface ScheduleCatalogue {
  readonly scheduleId: string;
  readonly startsAtMs: number;
  /** ISO 8601 UTC */
  readonly startsAt: string;
  /** `YYYY-MM-DD`, its day in the concert's time zone */
  readonly date: string;
  readonly totalSeats: number;
  /** length of the status string: the seats that are there, and those that were removed */
  readonly size: number;
  readonly layout: Layout;
  /** those that are there, row by row; made at the first use */
  readonly seats: readonly IndexedSeat[];
  seat(seatId: string): IndexedSeat | undefined;
}

/** The part of a concert that is the same for all its schedules, as stored. */
export interface ConcertRecord {
  title: string;
  venue: string;
  currency: string;
  timeZone: string;
  seatLimit: number;
  holdSeconds: number;
}

export interface Stored {
  revision: number;
  concert: ConcertRecord;
  layouts: ReadonlyMap<string, Layout>;
}

const SCHEDULE = 'schedule:';

/** Reads the hash `catalogue`; null where there is none. */
export function parseStored(hash: Readonly<Record<string, string>>): Stored | null {
  const { revision, concert } = hash;
  if (revision === undefined || concert === undefined) return null;
  const layouts = Object.entries(hash)
    .filter(([field]) => field.startsWith(SCHEDULE))
    .map(([field, json]) => [field.slice(SCHEDULE.length), JSON.parse(json) as Layout] as const);
  return { revision: Number(revision), concert: JSON.parse(concert) as ConcertRecord, layouts: new Map(layouts) };
}

export function catalogueOf(concertId: string, { revision, concert, layouts }: Stored): Catalogue {
  const dayOf = dayIn(concert.timeZone);
  const schedules = [...layouts]
    .map(([scheduleId, layout]) => scheduleOf(scheduleId, layout, dayOf))
    .sort((a, b) => a.startsAtMs - b.startsAtMs || (a.scheduleId < b.scheduleId ? -1 : 1));
  const byId = new Map(schedules.map((schedule) => [schedule.scheduleId, schedule]));
  return { concertId, revision, ...concert, schedules, schedule: (scheduleId) => byId.get(scheduleId) };
}

function scheduleOf(scheduleId: string, layout: Layout, dayOf: (ms: number) => string): ScheduleCatalogue {
  const startsAtMs = parseTime(layout.startsAt) ?? 0;
  let rows: Map<string, LayoutRow> | undefined;
  let seats: readonly IndexedSeat[] | undefined;
  return {
    scheduleId,
    startsAtMs,
    startsAt: new Date(startsAtMs).toISOString(),
    date: dayOf(startsAtMs),
    totalSeats: totalSeats(layout),
    size: layout.size,
    layout,
    get seats() {
      seats ??= expand(layout);
      return seats;
    },
    seat(seatId) {
      rows ??= new Map(layout.rows.map((row) => [rowKey(row[0], row[1]), row]));
      return findSeat(rows, seatId);
    },
  };
}

/** Section and row names hold no dash, so that a seat id falls apart at its two. */
const SEAT_ID = /^([^-]+)-([^-]+)-([1-9]\d{0,5})$/;

function findSeat(rows: ReadonlyMap<string, LayoutRow>, seatId: string): IndexedSeat | undefined {
  const [, section = '', row = '', digits] = SEAT_ID.exec(seatId) ?? [];
  const found = rows.get(rowKey(section, row));
  const number = Number(digits);
  if (!found || number > found[2]) return undefined;
  return { seatId, section, row, number, price: found[3], index: indexIn(found[4], number) };
}
