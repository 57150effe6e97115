/**
 * The seats of one schedule as they are stored: compact rows, since 200,000 seats as objects would be 20 MB of JSON.
 * Every seat that ever was has an index, the place of its byte in the status string. Indexes are never given away:
 * a seat that is removed leaves its index behind, and has it again when it comes back.
 */
import type { Seat } from './shapes.ts';

/**
 * `seats`: how many are there now, numbered from 1. `pieces`: first index and count, in turn, of the row's seats in
 * the order of their numbers, removed ones at the end included; one piece for each import that made the row longer.
 */
export type LayoutRow = readonly [
  section: string,
  row: string,
  seats: number,
  price: number,
  pieces: readonly number[],
];

export interface Layout {
  /** RFC 3339, as the operator sent it */
  startsAt: string;
  /** indexes given so far, removed seats included: the length of the status string */
  size: number;
  /** in the order of the import; rows without seats, kept for their indexes, are last */
  rows: readonly LayoutRow[];
}

export interface IndexedSeat extends Seat {
  readonly index: number;
}

export function rowKey(section: string, row: string): string {
  return `${section}-${row}`;
}

/** Index of seat `number` (from 1) of a row; -1 where it never had one. */
export function indexIn(pieces: readonly number[], number: number): number {
  let before = 0;
  for (let i = 0; i + 1 < pieces.length; i += 2) {
    const [first = 0, count = 0] = [pieces[i], pieces[i + 1]];
    if (number <= before + count) return first + number - 1 - before;
    before += count;
  }
  return -1;
}

/** How many seats of a row have an index. */
export function indexedIn(pieces: readonly number[]): number {
  let sum = 0;
  for (let i = 1; i < pieces.length; i += 2) sum += pieces[i] ?? 0;
  return sum;
}

/** Ranges `[first index, count]` of the seats numbered after `from`, up to and with `to`. */
export function rangesIn(pieces: readonly number[], from: number, to: number): [first: number, count: number][] {
  const ranges: [number, number][] = [];
  let before = 0;
  for (let i = 0; i + 1 < pieces.length; i += 2) {
    const [first = 0, count = 0] = [pieces[i], pieces[i + 1]];
    const start = Math.max(from, before);
    const end = Math.min(to, before + count);
    if (end > start) ranges.push([first + start - before, end - start]);
    before += count;
  }
  return ranges;
}

/** The seat that has an index now; undefined where that is given to none. */
export function seatAt({ rows }: Layout, index: number): string | undefined {
  for (const [section, row, count, , pieces] of rows) {
    let before = 0;
    for (let i = 0; i + 1 < pieces.length; i += 2) {
      const [first = 0, length = 0] = [pieces[i], pieces[i + 1]];
      const number = before + index - first + 1;
      if (index >= first && index < first + length) return number <= count ? `${section}-${row}-${number}` : undefined;
      before += length;
    }
  }
  return undefined;
}

/** All seats that are there now, row by row. */
export function expand({ rows }: Layout): IndexedSeat[] {
  const seats: IndexedSeat[] = [];
  for (const [section, row, count, price, pieces] of rows) {
    let number = 1;
    for (const [first, length] of rangesIn(pieces, 0, count)) {
      for (let index = first; index < first + length; index++, number++) {
        seats.push({ seatId: `${section}-${row}-${number}`, section, row, number, price, index });
      }
    }
  }
  return seats;
}

export function totalSeats({ rows }: Layout): number {
  return rows.reduce((sum, [, , seats]) => sum + seats, 0);
}
