/** A room as it was at one tick, in the memory of one process. */
import { countLeft, hasLeft, type LeftSet } from './left-set.ts';
import type { RoomReading } from './read-room.script.ts';
import type { RoomNumbers } from './ticket.ts';

export interface RoomView extends RoomNumbers {
  readonly concertId: string;
  readonly epoch: string;
  readonly opensAtMs: number | null;
  readonly capacity: number;
  /** the highest sequence admitted so far */
  readonly frontier: number;
  readonly active: number;
  /** of the catalogue; 0 while there is none */
  readonly revision: number;
  /** by schedule id: number of the last seat change, and how many seats are neither held nor sold */
  readonly stock: ReadonlyMap<string, { readonly version: number; readonly free: number }>;
  readonly seatsLeft: number;
  readonly sold: number;
  readonly revenue: number;
  /** places that ended as EXPIRED, those that nobody claimed aside */
  readonly expired: number;
  readonly noShows: number;
  /** places that were left or removed */
  readonly left: number;
  readonly used: number;
  /** ZRANK + 1 at this tick of a place that was WAITING then */
  positionOf(sequence: number): number;
  /** true where memory cannot say that the place is WAITING: Redis has to be asked */
  needsRead(sequence: number): boolean;
}

/** `changed`: sequences of places that this process itself has changed since the reading. */
export function viewOf(
  concertId: string,
  reading: RoomReading,
  { left, changed }: { left: LeftSet; changed: ReadonlyMap<number, unknown> },
): RoomView {
  const { slice: _slice, log: _log, logNumber: _number, stock: flat, ...numbers } = reading;
  const { frontier } = numbers;
  const stock = stockOf(flat);
  return {
    ...numbers,
    concertId,
    stock,
    seatsLeft: [...stock.values()].reduce((sum, { free }) => sum + free, 0),
    sold: Number(flat.get('sold') ?? 0),
    revenue: Number(flat.get('revenue') ?? 0),
    positionOf: (sequence) => sequence - frontier - countLeft(left, frontier, sequence),
    needsRead: (sequence) => sequence <= frontier || hasLeft(left, sequence) || changed.has(sequence),
  };
}

function stockOf(flat: ReadonlyMap<string, string>): Map<string, { version: number; free: number }> {
  const stock = new Map<string, { version: number; free: number }>();
  for (const [name, value] of flat) {
    if (!name.startsWith('f:')) continue;
    const scheduleId = name.slice('f:'.length);
    stock.set(scheduleId, { version: Number(flat.get(`v:${scheduleId}`) ?? 0), free: Number(value) });
  }
  return stock;
}
