/** What an import would change: old and new catalogue are compared row by row, never seat by seat. */
import { LIMITS } from '../limits.ts';
import type { ConcertRecord, Stored } from './catalogue.ts';
import { indexedIn, type Layout, type LayoutRow, rangesIn, rowKey } from './layout.ts';
import type { ScheduleInput } from './shapes.ts';

type Range = readonly [first: number, count: number];

export interface SeatCounts {
  added: number;
  removed: number;
  repriced: number;
  unchanged: number;
}

/** Changes of one schedule, as the import script wants them. Ranges are of seat indexes, ascending. */
export interface ScheduleChange {
  scheduleId: string;
  /** null: the schedule is removed */
  layout: Layout | null;
  /** seats that are removed or repriced: they must be neither held nor sold */
  guarded: readonly Range[];
  /** status bytes to write: `A` for seats that are added or come back, `X` for removed ones */
  bytes: readonly (readonly [...Range, byte: 'A' | 'X'])[];
  /** by how much the number of free seats moves */
  freed: number;
}

export interface Comparison {
  /** what would be stored */
  next: Stored;
  /** schedules that differ from what is stored */
  changes: readonly ScheduleChange[];
  counts: SeatCounts;
  /** schedules with more indexes than allowed, removed seats included */
  overgrown: readonly string[];
}

const EMPTY: Layout = { startsAt: '', size: 0, rows: [] };

export function compare(
  stored: Stored | null,
  { concert, schedules }: { concert: ConcertRecord; schedules: readonly ScheduleInput[] },
): Comparison {
  const counts: SeatCounts = { added: 0, removed: 0, repriced: 0, unchanged: 0 };
  const changes: ScheduleChange[] = [];
  const layouts = new Map<string, Layout>();
  const before = stored?.layouts ?? new Map<string, Layout>();
  for (const input of schedules) {
    const { scheduleId } = input;
    const old = before.get(scheduleId);
    const { layout, ...change } = compareSchedule(old ?? EMPTY, input, counts);
    layouts.set(scheduleId, layout);
    if (!old || JSON.stringify(old) !== JSON.stringify(layout)) changes.push({ scheduleId, layout, ...change });
  }
  for (const [scheduleId, old] of before) {
    if (layouts.has(scheduleId)) continue;
    const { layout: _none, ...change } = compareSchedule(old, { startsAt: '', sections: [] }, counts);
    changes.push({ scheduleId, ...change, layout: null });
  }
  const overgrown = [...layouts].filter(([, { size }]) => size > LIMITS.SEAT_INDEXES_MAX).map(([id]) => id);
  return { next: { revision: (stored?.revision ?? 0) + 1, concert, layouts }, changes, counts, overgrown };
}

function compareSchedule(
  old: Layout,
  { startsAt, sections }: Pick<ScheduleInput, 'startsAt' | 'sections'>,
  counts: SeatCounts,
): Omit<ScheduleChange, 'layout' | 'scheduleId'> & { layout: Layout } {
  const guarded: Range[] = [];
  const bytes: [number, number, 'A' | 'X'][] = [];
  const oldRows = new Map(old.rows.map((row) => [rowKey(row[0], row[1]), row]));
  const rows: LayoutRow[] = [];
  let { size } = old;
  let freed = 0;

  function place(section: string, row: string, { seats, price }: { seats: number; price: number }): void {
    const [, , had, oldPrice, oldPieces] = oldRows.get(rowKey(section, row)) ?? [section, row, 0, price, []];
    oldRows.delete(rowKey(section, row));
    const indexed = indexedIn(oldPieces);
    const removed = rangesIn(oldPieces, seats, had);
    const back = rangesIn(oldPieces, had, Math.min(seats, indexed));
    const stays = Math.min(seats, had);
    const repriced = price !== oldPrice;
    guarded.push(...removed);
    if (repriced) guarded.push(...rangesIn(oldPieces, 0, stays));
    for (const range of removed) bytes.push([...range, 'X']);
    for (const range of back) bytes.push([...range, 'A']);
    const pieces = [...oldPieces];
    const appended = Math.max(0, seats - indexed);
    if (appended > 0) {
      bytes.push([size, appended, 'A']);
      extend(pieces, size, appended);
      size += appended;
    }
    rows.push([section, row, seats, price, pieces]);
    counts.added += Math.max(0, seats - had);
    counts.removed += Math.max(0, had - seats);
    counts[repriced ? 'repriced' : 'unchanged'] += stays;
    freed += seats - had;
  }

  for (const { section, price, rows: wanted } of sections) {
    for (const { row, seats } of wanted) place(section, row, { seats, price });
  }
  for (const [section, row, , price] of oldRows.values()) place(section, row, { seats: 0, price });
  return { layout: { startsAt, size, rows }, guarded: joined(guarded), bytes: joined(bytes), freed };
}

/** Gives a row further indexes; where they go on from its last ones the piece grows. */
function extend(pieces: number[], first: number, count: number): void {
  const last = pieces.length - 2;
  if (last >= 0 && (pieces[last] ?? 0) + (pieces[last + 1] ?? 0) === first)
    pieces[last + 1] = (pieces[last + 1] ?? 0) + count;
  else pieces.push(first, count);
}

/** Ascending, those that touch made one: a new hall is one range. */
function joined<T extends [first: number, count: number, byte?: string] | Range>(ranges: readonly T[]): T[] {
  const out: [number, number, string?][] = [];
  for (const [first, count, byte] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last && last[0] + last[1] === first && last[2] === byte) last[1] += count;
    else out.push(byte === undefined ? [first, count] : [first, count, byte]);
  }
  return out as unknown as T[];
}
