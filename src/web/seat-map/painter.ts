/**
 * Draws a hall on a canvas. From afar a row is one bar that tells how full it is; closer, each seat is one. What changes
 * while nothing moves is drawn seat by seat; a move draws what is in view, once a frame.
 */
import { type Hall, PITCH, SEAT, type Section } from './hall.ts';

/** as the state of each seat, by index; a free one has the look `free` + the tier of its price */
export const LOOK = { unknown: 0, held: 1, sold: 2, mine: 3, chosen: 4, lost: 5, dimmed: 6, free: 7 } as const;

export interface View {
  /** screen = world * k + (x, y), in CSS pixels */
  k: number;
  x: number;
  y: number;
}

/** From this size of a seat on the screen, in CSS pixels, each is drawn by itself. */
const SEAT_PX = 2.4;
const NUMBER_PX = 17;
/** Smaller than this nobody reads. */
const READABLE_PX = 9;
/** in units of the hall: at least, and at most since rows are close */
const ROW_NAME = { from: 5, to: 8.4 };
/** of a section's block, around its seats: the names of rows stand in it */
const MARGIN = 10;

/** From this size of a seat, a mark within it is seen. */
const MARK_PX = 6;
type Point = readonly [number, number];
/** lines within a seat */
type Strokes = readonly (readonly [Point, ...Point[]])[];
const TICK: Strokes = [
  [
    [1.8, 4.2],
    [3.4, 5.8],
    [6.2, 2.2],
  ],
];
const CROSS: Strokes = [
  [
    [2, 2],
    [6, 6],
  ],
  [
    [6, 2],
    [2, 6],
  ],
];

interface Writing {
  x: number;
  y: number;
  px: number;
  colour: string;
  align?: CanvasTextAlign;
}

export interface Colours {
  looks: readonly string[];
  text: string;
  soft: string;
  block: string;
  stage: string;
  onSeat: string;
}

interface Picture {
  hall: Hall;
  /** by index; the caller's, read when it is drawn */
  looks: Uint8Array;
  colours: Colours;
  stageName: string;
}

export class Painter {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #picture: Picture;
  #size = { width: 0, height: 0, ratio: 1 };
  #view: View = { k: 1, x: 0, y: 0 };
  #frame = 0;
  #whole = true;
  #some: number[] = [];

  constructor(canvas: HTMLCanvasElement, picture: Picture) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d', { alpha: false }) as CanvasRenderingContext2D;
    this.#picture = picture;
  }

  resize(width: number, height: number, ratio: number): void {
    this.#size = { width, height, ratio };
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.all();
  }

  setView(view: View): void {
    this.#view = view;
    this.all();
  }

  /** Looks of some seats have changed. */
  changed(indexes: readonly number[]): void {
    for (const index of indexes) this.#some.push(index);
    this.#ask();
  }

  all(): void {
    this.#whole = true;
    this.#ask();
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
  }

  recolour(colours: Colours): void {
    this.#picture.colours = colours;
    this.all();
  }

  #ask(): void {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#frame = 0;
    const paint = this.#picture.colours;
    if (this.#whole || this.#isFar()) this.#drawAll(paint);
    else {
      this.#place();
      this.#drawSeats(paint, this.#some);
      this.#drawNames(paint);
    }
    this.#whole = false;
    this.#some = [];
  }

  #isFar(): boolean {
    return SEAT * this.#view.k < SEAT_PX;
  }

  #place(): void {
    const { k, x, y } = this.#view;
    const { ratio } = this.#size;
    this.#context.setTransform(ratio * k, 0, 0, ratio * k, ratio * x, ratio * y);
  }

  #drawAll(paint: Colours): void {
    const { width, height, ratio } = this.#size;
    const { k, x, y } = this.#view;
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#context.fillStyle = paint.soft;
    this.#context.fillRect(0, 0, width, height);
    this.#place();
    this.#drawStage(paint);
    const box = [-x / k, -y / k, (width - x) / k, (height - y) / k] as const;
    this.#drawSections(paint, box);
    if (!this.#isFar()) this.#drawSeats(paint, this.#picture.hall.search(...box));
    this.#drawNames(paint);
  }

  #drawStage(paint: Colours): void {
    const { x, y, width, height } = this.#picture.hall.stage;
    this.#block(paint.stage, { x, y, width, height });
    const px = Math.min(height * 0.7, this.#nameSize());
    this.#write(this.#picture.stageName, { x: x + width / 2, y: y + height / 2, px, colour: paint.text });
  }

  #drawSections(paint: Colours, [minX, minY, maxX, maxY]: readonly [number, number, number, number]): void {
    const far = this.#isFar();
    const { k } = this.#view;
    for (const section of this.#picture.hall.sections) {
      const { x, y, width, height, rows } = section;
      if (x - MARGIN > maxX || y > maxY || x + width + MARGIN < minX || y + height < minY) continue;
      this.#block(paint.block, { x: x - MARGIN, y, width: width + 2 * MARGIN, height: height + 6 });
      if (far) for (const { seats, y: rowY } of rows) this.#drawRow(paint, seats, y + rowY);
      else if (ROW_NAME.to * k >= READABLE_PX) this.#drawRowNames(paint, section);
    }
  }

  /** Above its seats where that can be read there, else across them, and so after them. */
  #drawNames(paint: Colours): void {
    const { k } = this.#view;
    const [isAbove, px] = [13 * k >= READABLE_PX, this.#nameSize()];
    for (const { section, x, y, width, height } of this.#picture.hall.sections) {
      const at = { x: x + width / 2, y: isAbove ? y + 11 : y + height / 2 };
      if (!isAbove) {
        const wide = this.#widthOf(section, px) + 8 / k;
        if (wide > width) continue;
        this.#block(paint.block, { x: at.x - wide / 2, y: at.y - px * 0.75, width: wide, height: px * 1.5 });
      }
      this.#write(section, { ...at, px, colour: paint.text });
    }
  }

  /** Of stage and sections, in units of the hall: on the screen neither too small nor louder than the page. */
  #nameSize(): number {
    return Math.max(11, Math.min(13 * this.#view.k, 18)) / this.#view.k;
  }

  #drawRowNames(paint: Colours, { rows, y }: Section): void {
    const { hall } = this.#picture;
    const px = Math.max(ROW_NAME.from, READABLE_PX / this.#view.k);
    for (const { row, seats, y: rowY } of rows) {
      const [left, right] = [hall.x[seats[0] ?? 0] ?? 0, hall.x[seats.at(-1) ?? 0] ?? 0];
      const at = { y: y + rowY + SEAT / 2 + 0.3, px, colour: paint.text };
      this.#write(row, { ...at, x: left - 1.5, align: 'right' });
      this.#write(row, { ...at, x: right + SEAT + 1.5, align: 'left' });
    }
  }

  /** A bar: as much of it free as there are free seats in the row. */
  #drawRow(paint: Colours, seats: readonly number[], y: number): void {
    const { hall, looks } = this.#picture;
    let [free, dimmed, tint] = [0, 0, LOOK.free as number];
    let own = false;
    for (const index of seats) {
      const look = looks[index] ?? 0;
      if (look >= LOOK.free) [free, tint] = [free + 1, look];
      else if (look === LOOK.dimmed) dimmed++;
      own ||= look === LOOK.chosen;
    }
    const [left, length] = [hall.x[seats[0] ?? 0] ?? 0, seats.length * PITCH];
    const part = (count: number) => (length * count) / Math.max(1, seats.length);
    const bar = (look: number, x: number, width: number) => {
      this.#context.fillStyle = paint.looks[look] ?? '';
      this.#context.fillRect(x, y, width, SEAT);
    };
    bar(LOOK.sold, left, length);
    bar(LOOK.dimmed, left, part(free + dimmed));
    bar(own ? LOOK.chosen : tint, left, part(free));
  }

  #drawSeats(paint: Colours, indexes: readonly number[]): void {
    const { hall, looks } = this.#picture;
    // One colour after the other: to change it costs more than to draw.
    const byLook: number[][] = paint.looks.map(() => []);
    for (const index of indexes) byLook[looks[index] ?? 0]?.push(index);
    for (const [look, those] of byLook.entries()) {
      this.#context.fillStyle = paint.looks[look] ?? '';
      for (const index of those) this.#context.fillRect(hall.x[index] ?? 0, hall.y[index] ?? 0, SEAT, SEAT);
    }
    if (SEAT * this.#view.k >= MARK_PX) for (const index of indexes) this.#drawMark(paint, index);
    if (SEAT * this.#view.k < NUMBER_PX) return;
    for (const index of indexes) {
      if (isMarked(looks[index])) continue;
      const at = { x: (hall.x[index] ?? 0) + SEAT / 2, y: (hall.y[index] ?? 0) + SEAT / 2 + 0.3 };
      this.#write(String(hall.seats[index]?.number), { ...at, px: 4, colour: paint.onSeat });
    }
  }

  /** What is chosen has a tick, what was lost a cross: not all see the colours. */
  #drawMark(paint: Colours, index: number): void {
    const { hall, looks } = this.#picture;
    if (!isMarked(looks[index])) return;
    const [x, y] = [hall.x[index] ?? 0, hall.y[index] ?? 0];
    this.#context.strokeStyle = paint.onSeat;
    this.#context.lineWidth = 1.2;
    this.#context.beginPath();
    const strokes = looks[index] === LOOK.chosen ? TICK : CROSS;
    for (const [[fromX, fromY], ...rest] of strokes) {
      this.#context.moveTo(x + fromX, y + fromY);
      for (const [toX, toY] of rest) this.#context.lineTo(x + toX, y + toY);
    }
    this.#context.stroke();
  }

  #block(colour: string, { x, y, width, height }: { x: number; y: number; width: number; height: number }): void {
    this.#context.fillStyle = colour;
    this.#context.beginPath();
    this.#context.roundRect(x, y, width, height, 6);
    this.#context.fill();
  }

  /** Not at all where it could not be read. */
  #write(text: string, { x, y, px, colour, align = 'center' }: Writing): void {
    if (px * this.#view.k < READABLE_PX) return;
    this.#context.fillStyle = colour;
    this.#context.font = fontOf(px);
    this.#context.textAlign = align;
    this.#context.textBaseline = 'middle';
    this.#context.fillText(text, x, y);
  }

  #widthOf(text: string, px: number): number {
    this.#context.font = fontOf(px);
    return this.#context.measureText(text).width;
  }
}

function fontOf(px: number): string {
  return `600 ${px}px system-ui, sans-serif`;
}

function isMarked(look: number | undefined): boolean {
  return look === LOOK.chosen || look === LOOK.lost;
}
