/** The canvas as something to move about in: wheel, pinch and drag. d3-zoom knows the gestures. */
import { select } from 'd3-selection';
import { type D3ZoomEvent, zoom as zoomBehaviour, zoomIdentity, type ZoomTransform } from 'd3-zoom';
import { t } from '../i18n.ts';
import { type Hall, SEAT, type SeatOnMap, type Section, sectionNear, TIERS } from './hall.ts';
import { type Colours, Painter } from './painter.ts';

/** A finger is as wide as so many CSS pixels. */
const FINGER_PX = 18;
const CLOSEST = 5;
/** Below this size of a seat, in CSS pixels, a press comes closer instead of choosing. */
const PRESS_PX = 5;
/** size of a seat after coming closer */
const [NEAR_PX, NEAREST_PX] = [10, 18];

interface Told {
  press: (seatId: string) => void;
  /** index of the seat below the mouse */
  hover: (index: number | null) => void;
  /** what is in the middle, once seats can be pressed; of the whole hall, what to press */
  enter: (where: Section | 'mapHint' | 'mapPress') => void;
}

export interface Stage {
  painter: Painter;
  looks: Uint8Array;
  scaleBy(factor: number): void;
  showAll(): void;
  stop(): void;
}

export function setStage(canvas: HTMLCanvasElement, hall: Hall, told: Told): Stage {
  const looks = new Uint8Array(hall.seats.length);
  const painter = new Painter(canvas, { hall, looks, colours: coloursOf(canvas), stageName: t('stage') });
  let transform = zoomIdentity;
  let [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const fit = () => {
    const k = Math.min(width / hall.width, height / hall.height);
    return zoomIdentity.translate((width - hall.width * k) / 2, (height - hall.height * k) / 2).scale(k);
  };
  const isWhole = () => transform.k <= fit().k * 1.02;
  const behaviour = zoomBehaviour<HTMLCanvasElement, unknown>()
    // One finger on the whole hall moves the page.
    .filter((event: MouseEvent & Partial<TouchEvent>) => {
      if (event.touches) return event.touches.length > 1 || !isWhole();
      return (!event.ctrlKey || event.type === 'wheel') && !event.button;
    })
    .extent(() => [
      [0, 0],
      [width, height],
    ])
    .translateExtent([
      [-80, -80],
      [hall.width + 80, hall.height + 80],
    ])
    .on('zoom', (event: D3ZoomEvent<HTMLCanvasElement, unknown>) => {
      ({ transform } = event);
      canvas.style.touchAction = isWhole() ? 'pan-y' : 'none';
      painter.setView(transform);
      const near = isWhole() ? null : sectionNear(hall, ...transform.invert([width / 2, height / 2]));
      told.enter(transform.k * SEAT < PRESS_PX ? 'mapHint' : (near ?? 'mapPress'));
    });
  const selection = select(canvas).call(behaviour);
  const resize = new ResizeObserver(() => {
    const keeps = canvas.clientWidth === width && transform !== zoomIdentity && !isWhole();
    [width, height] = [canvas.clientWidth, canvas.clientHeight];
    painter.resize(width, height, Math.min(3, devicePixelRatio));
    const whole = fit();
    behaviour.scaleExtent([whole.k, Math.max(CLOSEST, whole.k)]);
    if (!keeps) behaviour.transform(selection, whole);
  });
  resize.observe(canvas);
  const comeCloser = ([x, y]: [number, number]) =>
    behaviour.transform(selection, closer(hall, [x, y], { width, height }));
  const deaf = listen(canvas, hall, { ...told, painter, comeCloser, view: () => transform });
  return {
    painter,
    looks,
    scaleBy: (factor) => behaviour.scaleBy(selection, factor),
    showAll: () => behaviour.transform(selection, fit()),
    stop() {
      resize.disconnect();
      painter.stop();
      selection.on('.zoom', null);
      deaf();
    },
  };
}

interface Listening extends Told {
  painter: Painter;
  view: () => ZoomTransform;
  comeCloser: (point: [number, number]) => void;
}

/** Answers what ends it. */
function listen(canvas: HTMLCanvasElement, hall: Hall, { press, hover, painter, view, comeCloser }: Listening) {
  const listening = new AbortController();
  const { signal } = listening;
  const seatAt = (event: MouseEvent) => {
    const [x, y] = view().invert([event.offsetX, event.offsetY]);
    return hall.at(x - SEAT / 2, y - SEAT / 2, Math.max(SEAT, FINGER_PX / view().k / 2));
  };
  const onClick = (event: MouseEvent) => {
    if (view().k * SEAT < PRESS_PX) return comeCloser(view().invert([event.offsetX, event.offsetY]));
    const seat: SeatOnMap | undefined = hall.seats[seatAt(event) ?? -1];
    if (seat) press(seat.seatId);
  };
  const onMove = (event: PointerEvent) => {
    if (event.pointerType !== 'mouse' || event.buttons !== 0) return;
    hover(view().k * SEAT < 4 ? null : seatAt(event));
  };
  canvas.addEventListener('click', onClick, { signal });
  canvas.addEventListener('pointermove', onMove, { signal });
  canvas.addEventListener('pointerleave', () => hover(null), { signal });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => painter.recolour(coloursOf(canvas)), {
    signal,
  });
  return () => listening.abort();
}

/** The section there, as large as it fits; where it does not, what was pressed is in the middle. */
function closer(hall: Hall, [px, py]: [number, number], { width, height }: { width: number; height: number }) {
  const section = sectionNear(hall, px, py);
  const k = Math.min(NEAREST_PX, Math.max(NEAR_PX, (SEAT * width) / ((section?.width ?? 0) + 40))) / SEAT;
  const fits = (size: number, room: number) => size * k <= room;
  const x = section && fits(section.width, width) ? section.x + section.width / 2 : px;
  const y = section && fits(section.height, height) ? section.y + section.height / 2 : py;
  return zoomIdentity.translate(width / 2 - x * k, height / 2 - y * k).scale(k);
}

/** From the sheet, so that light and dark are said once. */
function coloursOf(canvas: HTMLCanvasElement): Colours {
  const style = getComputedStyle(canvas);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const states = ['held', 'sold', 'mine', 'chosen', 'lost', 'dimmed'].map((look) => of(`seat-${look}`));
  const tiers = Array.from({ length: TIERS }, (_, tier) => of(`tier-${tier}`));
  return {
    looks: [of('hall-block'), ...states, ...tiers],
    text: of('ink'),
    soft: of('hall-soft'),
    block: of('hall-block'),
    stage: of('hall-stage'),
    onSeat: of('paper'),
  };
}
