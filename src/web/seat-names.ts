/** Seats as people name them: by section and row, numbers in a row together. */
import { t } from './i18n.ts';

interface Seat {
  section: string;
  row: string;
  number: number;
}

export interface SeatGroup<S> {
  name: string;
  seats: S[];
}

/** One for each row, in the order in which the rows come first. */
export function groupSeats<S extends Seat>(seats: readonly S[]): SeatGroup<S>[] {
  const byRow = Map.groupBy(seats, ({ section, row }) => JSON.stringify([section, row]));
  return [...byRow.values()].map((those) => ({ name: nameOf(those), seats: those }));
}

export function seatNames(seats: readonly Seat[]): string {
  return groupSeats(seats)
    .map(({ name }) => name)
    .join('; ');
}

function nameOf(seats: readonly Seat[]): string {
  const [{ section, row } = { section: '', row: '' }] = seats;
  return t('seatsNamed', { section, row, numbers: ranges(seats.map(({ number }) => number)), n: seats.length });
}

/** `3, 5–7`; a line never ends within a range. */
export function ranges(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? String(from) : `${from}–\u2060${to}`)).join(', ');
}
