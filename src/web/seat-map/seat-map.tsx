/** The hall on a canvas: wheel, pinch and drag move it, a click chooses. d3-zoom knows the gestures. */
import { select } from 'd3-selection';
import { type D3ZoomEvent, zoom as zoomBehaviour, type ZoomBehavior, zoomIdentity } from 'd3-zoom';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n.ts';
import { type Hall, SEAT, type SeatOnMap } from './hall.ts';
import { type Colours, LOOK, type Look, Painter } from './painter.ts';

interface Props {
  hall: Hall;
  seats: readonly SeatOnMap[];
  chosen: readonly string[];
  lost: readonly string[];
  /** others are dimmed */
  price: number | null;
  toggle: (seatId: string) => void;
}

/** A finger is as wide as so many CSS pixels. */
const FINGER_PX = 18;
const CLOSEST = 5;

interface Stage {
  painter: Painter;
  behaviour: ZoomBehavior<HTMLCanvasElement, unknown>;
  canvas: HTMLCanvasElement;
  looks: Uint8Array;
  fit: () => ReturnType<typeof zoomIdentity.scale>;
}

export function SeatMapView(props: Props) {
  const { hall } = props;
  const canvasRef = useRef<HTMLCanvasElement>(null);
  const stageRef = useRef<Stage | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [tip, setTip] = useState('');

  useEffect(() => {
    const canvas = canvasRef.current;
    if (!canvas) return undefined;
    const { stage, stop } = setStage(canvas, hall, { press: (seatId) => latest.current.toggle(seatId), hover: setTip });
    stageRef.current = stage;
    return () => {
      stageRef.current = null;
      stop();
    };
  }, [hall]);

  useEffect(() => {
    const stage = stageRef.current;
    if (stage) update(stage, props);
  });

  const move = (act: (stage: Stage) => void) => () => stageRef.current && act(stageRef.current);
  return (
    <div class="hall">
      <canvas ref={canvasRef} role="img" aria-label={t('mapLabel')} data-testid="map" />
      {tip && <span class="tip">{tip}</span>}
      <div class="tools">
        <button
          type="button"
          aria-label={t('zoomIn')}
          onClick={move(({ canvas, behaviour }) => behaviour.scaleBy(select(canvas), 1.8))}
        >
          +
        </button>
        <button
          type="button"
          aria-label={t('zoomOut')}
          onClick={move(({ canvas, behaviour }) => behaviour.scaleBy(select(canvas), 1 / 1.8))}
        >
          −
        </button>
        <button
          type="button"
          aria-label={t('zoomAll')}
          onClick={move(({ canvas, behaviour, fit }) => behaviour.transform(select(canvas), fit()))}
        >
          ⤢
        </button>
      </div>
    </div>
  );
}

function setStage(
  canvas: HTMLCanvasElement,
  hall: Hall,
  { press, hover }: { press: (seatId: string) => void; hover: (tip: string) => void },
) {
  const looks = new Uint8Array(hall.seats.length);
  const painter = new Painter(canvas, { hall, looks, colours: coloursOf(canvas), stageName: t('stage') });
  let transform = zoomIdentity;
  let [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const fit = () => {
    const k = Math.min(width / hall.width, height / hall.height);
    return zoomIdentity.translate((width - hall.width * k) / 2, (height - hall.height * k) / 2).scale(k);
  };
  const behaviour = zoomBehaviour<HTMLCanvasElement, unknown>()
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
      painter.setView(transform);
    });
  const selection = select(canvas).call(behaviour);
  const resize = new ResizeObserver(() => {
    [width, height] = [canvas.clientWidth, canvas.clientHeight];
    painter.resize(width, height, Math.min(3, devicePixelRatio));
    const whole = fit();
    behaviour.scaleExtent([whole.k * 0.9, Math.max(CLOSEST, whole.k)]);
    behaviour.transform(selection, whole);
  });
  resize.observe(canvas);

  const seatAt = (event: MouseEvent) => {
    const [x, y] = transform.invert([event.offsetX, event.offsetY]);
    const index = hall.at(x - SEAT / 2, y - SEAT / 2, Math.max(SEAT, FINGER_PX / transform.k / 2));
    return index === null ? null : (hall.seats[index] ?? null);
  };
  const onClick = (event: MouseEvent) => {
    // From afar a click means: closer, there.
    if (transform.k * SEAT < 5)
      return behaviour.scaleTo(selection, Math.min(CLOSEST, 10 / SEAT), [event.offsetX, event.offsetY]);
    const seat = seatAt(event);
    if (seat) press(seat.seatId);
  };
  const onMove = (event: PointerEvent) => {
    if (event.pointerType !== 'mouse' || event.buttons !== 0) return;
    const seat = transform.k * SEAT < 4 ? null : seatAt(event);
    hover(seat ? seat.seatId : '');
  };
  const onScheme = () => painter.recolour(coloursOf(canvas));
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const listening = new AbortController();
  const { signal } = listening;
  canvas.addEventListener('click', onClick, { signal });
  canvas.addEventListener('pointermove', onMove, { signal });
  scheme.addEventListener('change', onScheme, { signal });
  const stop = () => {
    resize.disconnect();
    painter.stop();
    selection.on('.zoom', null);
    listening.abort();
  };
  return { stage: { painter, behaviour, canvas, looks, fit }, stop };
}

/** Only what looks otherwise now is drawn. */
function update({ painter, looks }: Stage, { seats, chosen, lost, price }: Props): void {
  const [mine, gone] = [new Set(chosen), new Set(lost)];
  const changed: number[] = [];
  for (const [i, seat] of seats.entries()) {
    const look = lookOf(seat, { mine, gone, price });
    if (looks[i] === look) continue;
    looks[i] = look;
    changed.push(i);
  }
  if (changed.length > 0) painter.changed(changed);
}

function lookOf(
  { seatId, status, price: own }: SeatOnMap,
  { mine, gone, price }: { mine: Set<string>; gone: Set<string>; price: number | null },
): Look {
  if (mine.has(seatId)) return LOOK.chosen;
  if (gone.has(seatId)) return LOOK.lost;
  if (status === 'HELD') return LOOK.held;
  if (status === 'SOLD') return LOOK.sold;
  return price !== null && own !== price ? LOOK.dimmed : LOOK.free;
}

/** From the sheet, so that light and dark are said once. */
function coloursOf(canvas: HTMLCanvasElement): Colours {
  const style = getComputedStyle(canvas);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    looks: ['free', 'held', 'sold', 'mine', 'chosen', 'lost', 'dimmed'].map((look) => of(`seat-${look}`)),
    text: of('ink'),
    soft: of('hall-soft'),
    block: of('hall-block'),
    stage: of('hall-stage'),
    onSeat: of('paper'),
  };
}
