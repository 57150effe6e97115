/**
 * Seat maps as JSON text. A hall of 15,000 seats is 1.4 MB, which takes JSON.stringify 1 to 5 ms, and on a sale day
 * every tick brings a new version of every schedule. So each seat is rendered once for a revision, with room for the
 * longest status, and a change writes its status word in place; a body is then a copy (0.1 to 0.6 ms). JSON allows the
 * spaces after a shorter word.
 */
import type { SeatStatus } from './shapes.ts';
import type { IndexedSeat } from './layout.ts';

export type SeatFilter = SeatStatus | 'ALL';

const WORDS: Record<SeatStatus, string> = { AVAILABLE: '"AVAILABLE"', HELD: '"HELD"     ', SOLD: '"SOLD"     ' };
const WORD_BYTES = WORDS.AVAILABLE.length;
/** `},` after the status */
const END_BYTES = 2;

export interface RenderedSeats {
  /** `position`: of the seat in the order of the map */
  write(position: number, status: SeatStatus): void;
  /** Members of a JSON array, without its brackets. A copy: later changes do not show in it. */
  seats(shown: (position: number) => boolean): Buffer;
  all(): Buffer;
}

/**
 * Renders the seats, all of them AVAILABLE. Section and row names are letters and digits, which JSON takes as they
 * are: JSON.stringify for each seat would double the time.
 */
export function renderSeats(seats: readonly IndexedSeat[]): RenderedSeats {
  const ends = new Uint32Array(seats.length);
  let end = 0;
  let json = '';
  for (const [position, { seatId, section, row, number, price }] of seats.entries()) {
    const names = `{"seatId":"${seatId}","section":"${section}","row":"${row}",`;
    const rest = `"number":${number},"price":${price},"status":${WORDS.AVAILABLE}},`;
    json += names + rest;
    end += Buffer.byteLength(names) + rest.length;
    ends[position] = end;
  }
  const bytes = Buffer.from(json);
  const startOf = (position: number) => (position === 0 ? 0 : (ends[position - 1] ?? 0));

  return {
    write(position, status) {
      bytes.write(WORDS[status], (ends[position] ?? 0) - END_BYTES - WORD_BYTES, 'latin1');
    },
    seats(shown) {
      const runs: Buffer[] = [];
      let from = -1;
      for (let position = 0; position <= ends.length; position++) {
        const show = position < ends.length && shown(position);
        if (show && from < 0) from = startOf(position);
        if (!show && from >= 0) {
          runs.push(bytes.subarray(from, startOf(position)));
          from = -1;
        }
      }
      const joined = Buffer.concat(runs);
      return joined.subarray(0, Math.max(0, joined.length - 1));
    },
    all: () => Buffer.from(bytes.subarray(0, Math.max(0, bytes.length - 1))),
  };
}
