/**
 * Draws a hall on a canvas. From afar a row is one bar that tells how full it is; closer, each seat is one. What changes
 * while nothing moves is drawn seat by seat; a move draws what is in view, once a frame.
 */
import { type Hall, PITCH, SEAT } from './hall.ts';

/** as the state of each seat, by index */
export const LOOK = { free: 0, held: 1, sold: 2, mine: 3, chosen: 4, lost: 5, dimmed: 6 } as const;
export type Look = (typeof LOOK)[keyof typeof LOOK];

export interface View {
  /** screen = world * k + (x, y), in CSS pixels */
  k: number;
  x: number;
  y: number;
}

/** From this size of a seat on the screen, in CSS pixels, each is drawn by itself. */
const SEAT_PX = 2.4;
const NUMBER_PX = 17;

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
  }

  #drawStage(paint: Colours): void {
    const { x, y, width, height } = this.#picture.hall.stage;
    this.#block(paint.stage, { x, y, width, height });
    this.#write(this.#picture.stageName, { x: x + width / 2, y: y + height / 2 + 1, px: 12, colour: paint.text });
  }

  #drawSections(paint: Colours, [minX, minY, maxX, maxY]: readonly [number, number, number, number]): void {
    const far = this.#isFar();
    // Readable from afar, within what a section leaves for it.
    const px = Math.min(20, Math.max(13, 11 / this.#view.k));
    for (const { section, x, y, width, height, rows } of this.#picture.hall.sections) {
      if (x > maxX || y > maxY || x + width < minX || y + height < minY) continue;
      this.#block(paint.block, { x: x - 6, y, width: width + 12, height: height + 6 });
      if (far) for (const { seats, y: rowY } of rows) this.#drawRow(paint, seats, y + rowY);
      this.#write(section, { x: x + width / 2, y: y + 11, px, colour: paint.text });
    }
  }

  /** A bar: as much of it free as there are free seats in the row. */
  #drawRow(paint: Colours, seats: readonly number[], y: number): void {
    const { hall, looks } = this.#picture;
    let free = 0;
    let own = false;
    for (const index of seats) {
      const look = looks[index];
      if (look === LOOK.free) free++;
      own ||= look === LOOK.chosen;
    }
    const [left, length] = [hall.x[seats[0] ?? 0] ?? 0, seats.length * PITCH];
    this.#context.fillStyle = paint.looks[LOOK.sold] ?? '';
    this.#context.fillRect(left, y, length, SEAT);
    this.#context.fillStyle = paint.looks[own ? LOOK.chosen : LOOK.free] ?? '';
    this.#context.fillRect(left, y, (length * free) / Math.max(1, seats.length), SEAT);
  }

  #drawSeats(paint: Colours, indexes: readonly number[]): void {
    const { hall, looks } = this.#picture;
    // One colour after the other: to change it costs more than to draw.
    for (const [look, colour] of paint.looks.entries()) {
      this.#context.fillStyle = colour;
      for (const index of indexes)
        if (looks[index] === look) this.#context.fillRect(hall.x[index] ?? 0, hall.y[index] ?? 0, SEAT, SEAT);
    }
    if (SEAT * this.#view.k < NUMBER_PX) return;
    for (const index of indexes) {
      const at = { x: (hall.x[index] ?? 0) + SEAT / 2, y: (hall.y[index] ?? 0) + SEAT / 2 + 0.3 };
      this.#write(String(hall.seats[index]?.number), { ...at, px: 4, colour: paint.onSeat });
    }
  }

  #block(colour: string, { x, y, width, height }: { x: number; y: number; width: number; height: number }): void {
    this.#context.fillStyle = colour;
    this.#context.beginPath();
    this.#context.roundRect(x, y, width, height, 6);
    this.#context.fill();
  }

  #write(text: string, { x, y, px, colour }: { x: number; y: number; px: number; colour: string }): void {
    this.#context.fillStyle = colour;
    this.#context.font = `600 ${px}px system-ui, sans-serif`;
    this.#context.textAlign = 'center';
    this.#context.textBaseline = 'middle';
    this.#context.fillText(text, x, y);
  }
}
