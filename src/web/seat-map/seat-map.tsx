/** The hall on a canvas, and above it where in the hall one is. A press chooses. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { money, t } from '../i18n.ts';
import type { Hall, SeatOnMap, Section } from './hall.ts';
import { LOOK } from './painter.ts';
import { setStage, type Stage } from './stage.ts';

interface Props {
  hall: Hall;
  seats: readonly SeatOnMap[];
  chosen: readonly string[];
  lost: readonly string[];
  /** others are dimmed */
  price: number | null;
  currency: string;
  toggle: (seatId: string) => void;
}

const STEP = 1.8;

export function SeatMapView(props: Props) {
  const { hall } = props;
  const canvasRef = useRef<HTMLCanvasElement>(null);
  const stageRef = useRef<Stage | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [hovered, hover] = useState<number | null>(null);
  const [entered, enter] = useState<Section | 'mapHint' | 'mapPress'>('mapHint');

  useEffect(() => {
    const canvas = canvasRef.current;
    if (!canvas) return undefined;
    const stage = setStage(canvas, hall, { press: (seatId) => latest.current.toggle(seatId), hover, enter });
    stageRef.current = stage;
    return () => {
      stageRef.current = null;
      stage.stop();
    };
  }, [hall]);

  useEffect(() => {
    const stage = stageRef.current;
    if (stage) update(stage, props);
  });

  return (
    <div class="hall">
      <div class="tools">
        <p class="tip">
          <Tip seat={props.seats[hovered ?? -1]} where={entered} currency={props.currency} />
        </p>
        <button type="button" aria-label={t('zoomIn')} onClick={() => stageRef.current?.scaleBy(STEP)}>
          +
        </button>
        <button type="button" aria-label={t('zoomOut')} onClick={() => stageRef.current?.scaleBy(1 / STEP)}>
          −
        </button>
        <button type="button" aria-label={t('zoomAll')} onClick={() => stageRef.current?.showAll()}>
          ⤢
        </button>
      </div>
      <canvas
        ref={canvasRef}
        role="img"
        aria-label={t('mapLabel')}
        data-testid="map"
        style={{ aspectRatio: `${hall.width} / ${hall.height}` }}
      />
    </div>
  );
}

interface TipProps {
  seat: SeatOnMap | undefined;
  where: Section | 'mapHint' | 'mapPress';
  currency: string;
}

/** The seat below the mouse, else the section in the middle, else what to do. */
function Tip({ seat, where, currency }: TipProps) {
  const cost = (price: number) => ` · ${money(price, currency)}`;
  if (seat) {
    const { section: name, row, number, price, status } = seat;
    const state = status === 'AVAILABLE' ? '' : ` · ${t(status === 'HELD' ? 'held' : 'sold')}`;
    return (
      <>
        <strong>{t('seatTip', { section: name, row, number: String(number) })}</strong>
        <span class="num">{cost(price) + state}</span>
      </>
    );
  }
  if (typeof where === 'string') return <span class="soft">{t(where)}</span>;
  const [from, to] = where.prices;
  return (
    <>
      <strong>{t('section', { name: where.section })}</strong>
      <span class="num">{cost(from) + (to > from ? `–${money(to, currency)}` : '')}</span>
    </>
  );
}

/** Only what looks otherwise now is drawn. */
function update({ painter, looks }: Stage, { hall, seats, chosen, lost, price }: Props): void {
  const [mine, gone] = [new Set(chosen), new Set(lost)];
  const changed: number[] = [];
  for (const [i, seat] of seats.entries()) {
    const look = lookOf(seat, { hall, mine, gone, price });
    if (looks[i] === look) continue;
    looks[i] = look;
    changed.push(i);
  }
  if (changed.length > 0) painter.changed(changed);
}

interface Circumstances {
  hall: Hall;
  mine: Set<string>;
  gone: Set<string>;
  price: number | null;
}

function lookOf({ seatId, status, price: own }: SeatOnMap, { hall, mine, gone, price }: Circumstances): number {
  if (mine.has(seatId)) return LOOK.chosen;
  if (gone.has(seatId)) return LOOK.lost;
  if (status === 'HELD') return LOOK.held;
  if (status === 'SOLD') return LOOK.sold;
  return price !== null && own !== price ? LOOK.dimmed : LOOK.free + (hall.tierOf.get(own) ?? 0);
}
