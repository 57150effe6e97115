/**
 * Seat maps as JSON text. A hall of 15,000 seats is 1.4 MB: building that from objects takes 8 ms, and on a sale day
 * every tick brings a new version. So each seat is rendered once for a revision, with room for the longest status,
 * and a change writes its status word in place: JSON allows the spaces after a shorter one.
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

/** Renders the seats, all of them AVAILABLE. */
export function renderSeats(seats: readonly IndexedSeat[]): RenderedSeats {
  const texts = seats.map((seat) => {
    const { seatId, section, row, number, price } = seat;
    return `${JSON.stringify({ seatId, section, row, number, price }).slice(0, -1)},"status":${WORDS.AVAILABLE}},`;
  });
  const ends = new Uint32Array(seats.length);
  let end = 0;
  for (const [position, text] of texts.entries()) {
    end += Buffer.byteLength(text);
    ends[position] = end;
  }
  const bytes = Buffer.from(texts.join(''));
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
