/** Where each seat of a schedule is drawn: sections as blocks before the stage, rows in them, seats in rows. */
import Flatbush from 'flatbush';
import type { SeatMap } from '../../client/index.ts';

export type SeatOnMap = SeatMap['seats'][number];

export const SEAT = 8;
/** from seat to seat, and from row to row */
export const PITCH = 10;
const SECTION_GAP = 30;
const HEAD = 22;
/** As many prices have a colour of their own; the chips and the sheet count them the same way. */
export const TIERS = 8;

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
  /** lowest and highest price */
  prices: readonly [number, number];
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
  /** which colour a price has: by rank, lowest first */
  tierOf: ReadonlyMap<number, number>;
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
  const { width, height, stage } = arrange(blocks);
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
  return {
    width,
    height,
    stage,
    sections: blocks,
    x,
    y,
    sectionOf,
    tierOf: tiersOf(seats),
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

function tiersOf(seats: readonly SeatOnMap[]): ReadonlyMap<number, number> {
  const prices = [...new Set(seats.map(({ price }) => price))].sort((a, b) => a - b);
  return new Map(prices.map((price, rank) => [price, Math.min(rank, TIERS - 1)]));
}

/** The section at a point, or that with its edge nearest to it. */
export function sectionNear({ sections }: Hall, px: number, py: number): Section | null {
  const away = ({ x, y, width, height }: Section) =>
    Math.hypot(Math.max(x - px, 0, px - x - width), Math.max(y - py, 0, py - y - height));
  let best: Section | null = null;
  for (const section of sections) if (!best || away(section) < away(best)) best = section;
  return best;
}

function blockOf(section: string, indexes: readonly number[], seats: readonly SeatOnMap[]): Section {
  const byRow = Map.groupBy(indexes, (i) => seats[i]?.row ?? '');
  const rows = [...byRow].map(([row, those], n) => ({ row, seats: those, y: HEAD + n * PITCH }));
  const prices = indexes.map((i) => seats[i]?.price ?? 0);
  const range = [prices.reduce((a, b) => Math.min(a, b)), prices.reduce((a, b) => Math.max(a, b))] as const;
  const widest = Math.max(...rows.map((row) => row.seats.length), 1);
  return { section, x: 0, y: 0, width: widest * PITCH, height: HEAD + rows.length * PITCH, rows, prices: range };
}

/** Left to right, then back from the stage: about as wide as a screen is in relation to its height. */
function arrange(blocks: Section[]): Pick<Hall, 'width' | 'height' | 'stage'> {
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
  // In proportion to the hall, so that its name can be read from afar.
  const stage = { width: width * 0.5, height: Math.max(24, width * 0.045) };
  let top = 4 + stage.height + SECTION_GAP;
  for (const line of lines) {
    let left = (width - widthOf(line)) / 2;
    for (const block of line) {
      Object.assign(block, { x: left, y: top });
      left += block.width + SECTION_GAP;
    }
    top += Math.max(...line.map(({ height }) => height)) + SECTION_GAP;
  }
  return { width, height: top, stage: { ...stage, x: (width - stage.width) / 2, y: 8 } };
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
