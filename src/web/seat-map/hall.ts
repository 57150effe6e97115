/** Where each seat of a schedule is drawn: sections as blocks before the stage, rows in them, seats in rows. */
import Flatbush from 'flatbush';
import type { SeatMap } from '../../client/index.ts';

export type SeatOnMap = SeatMap['seats'][number];

export const SEAT = 8;
/** from seat to seat, and from row to row */
export const PITCH = 10;
const SECTION_GAP = 30;
const HEAD = 22;
const STAGE = 46;

export interface Row {
  row: string;
  /** indexes of its seats, by number */
  seats: number[];
  y: number;
}

export interface Section {
  section: string;
  x: number;
  y: number;
  width: number;
  height: number;
  rows: Row[];
}

export interface Hall {
  width: number;
  height: number;
  stage: { x: number; y: number; width: number; height: number };
  sections: Section[];
  /** top left of each seat, by index */
  x: Float64Array;
  y: Float64Array;
  sectionOf: Uint16Array;
  indexOf: ReadonlyMap<string, number>;
  seats: readonly SeatOnMap[];
  /** indexes of the seats in a rectangle */
  search(minX: number, minY: number, maxX: number, maxY: number): number[];
  /** index of the seat at a point, or within a finger's width of it; null where there is none */
  at(x: number, y: number, reach: number): number | null;
}

/** `seats` in the order of the API: by section, row and number. */
export function hallOf(seats: readonly SeatOnMap[]): Hall {
  const bySection = Map.groupBy(seats.keys(), (i) => seats[i]?.section ?? '');
  const [x, y, sectionOf] = [
    new Float64Array(seats.length),
    new Float64Array(seats.length),
    new Uint16Array(seats.length),
  ];
  const blocks = [...bySection].map(([section, indexes]) => blockOf(section, indexes, seats));
  const { width, height } = arrange(blocks);
  for (const [s, block] of blocks.entries()) {
    for (const { seats: indexes, y: rowY } of block.rows) {
      const left = block.x + (block.width - indexes.length * PITCH) / 2;
      for (const [n, index] of indexes.entries()) {
        x[index] = left + n * PITCH + (PITCH - SEAT) / 2;
        y[index] = block.y + rowY;
        sectionOf[index] = s;
      }
    }
  }
  const tree = new Flatbush(Math.max(1, seats.length));
  if (seats.length === 0) tree.add(0, 0, 0, 0);
  for (let i = 0; i < seats.length; i++) tree.add(x[i] ?? 0, y[i] ?? 0, (x[i] ?? 0) + SEAT, (y[i] ?? 0) + SEAT);
  tree.finish();
  const stageWidth = Math.min(width * 0.6, 420);
  return {
    width,
    height,
    stage: { x: (width - stageWidth) / 2, y: 4, width: stageWidth, height: STAGE - 22 },
    sections: blocks,
    x,
    y,
    sectionOf,
    indexOf: new Map(seats.map(({ seatId }, i) => [seatId, i])),
    seats,
    search: (...box) => (seats.length === 0 ? [] : tree.search(...box)),
    at(px, py, reach) {
      if (seats.length === 0) return null;
      const [found] = tree.neighbors(px, py, 1, reach);
      return found ?? null;
    },
  };
}

function blockOf(section: string, indexes: readonly number[], seats: readonly SeatOnMap[]): Section {
  const byRow = Map.groupBy(indexes, (i) => seats[i]?.row ?? '');
  const rows = [...byRow].map(([row, those], n) => ({ row, seats: those, y: HEAD + n * PITCH }));
  const widest = Math.max(...rows.map((row) => row.seats.length), 1);
  return { section, x: 0, y: 0, width: widest * PITCH, height: HEAD + rows.length * PITCH, rows };
}

/** Left to right, then back from the stage: about as wide as a screen is in relation to its height. */
function arrange(blocks: Section[]): { width: number; height: number } {
  const area = blocks.reduce((sum, { width, height }) => sum + (width + SECTION_GAP) * (height + SECTION_GAP), 0);
  const wanted = Math.max(Math.sqrt(area * 1.5), ...blocks.map(({ width }) => width));
  const lines: Section[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const block of blocks) {
    if (used + block.width > wanted) {
      lines.push([]);
      used = 0;
    }
    lines.at(-1)?.push(block);
    used += block.width + SECTION_GAP;
  }
  const widthOf = (line: readonly Section[]) =>
    line.reduce((sum, { width }) => sum + width + SECTION_GAP, -SECTION_GAP);
  const width = Math.max(0, ...lines.map(widthOf)) + 2 * SECTION_GAP;
  let top = STAGE + SECTION_GAP / 2;
  for (const line of lines) {
    let left = (width - widthOf(line)) / 2;
    for (const block of line) {
      Object.assign(block, { x: left, y: top });
      left += block.width + SECTION_GAP;
    }
    top += Math.max(...line.map(({ height }) => height)) + SECTION_GAP;
  }
  return { width, height: top };
}

/**
 * As many free seats side by side as were lost, nearest to where those were; null where there are none. `isFree`
 * decides by index.
 */
export function nearestBlock(
  hall: Hall,
  lost: readonly number[],
  { count, isFree }: { count: number; isFree: (index: number) => boolean },
): number[] | null {
  const mean = (axis: Float64Array) => lost.reduce((sum, i) => sum + (axis[i] ?? 0), 0) / Math.max(1, lost.length);
  const [cx, cy] = [mean(hall.x), mean(hall.y)];
  let best: { seats: number[]; distance: number } | null = null;
  for (const { rows } of hall.sections) {
    for (const { seats } of rows) {
      for (let from = 0; from + count <= seats.length; from++) {
        const block = seats.slice(from, from + count);
        if (!block.every(isFree) || !areNeighbours(hall, block)) continue;
        const middle = block.reduce((sum, i) => sum + (hall.x[i] ?? 0), 0) / count;
        const distance = Math.hypot(middle - cx, (hall.y[block[0] ?? 0] ?? 0) - cy);
        if (!best || distance < best.distance) best = { seats: block, distance };
      }
    }
  }
  return best?.seats ?? null;
}

/** Numbers without a gap: a seat that was removed leaves one. */
function areNeighbours({ seats }: Hall, block: readonly number[]): boolean {
  return block.every((index, i) => i === 0 || seats[index]?.number === (seats[block[i - 1] ?? 0]?.number ?? 0) + 1);
}
