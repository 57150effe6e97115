/** Live charts of one concert. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Sample } from './samples.ts';
import { money } from './words.ts';

interface Series {
  label: string;
  /** name of a colour in the sheet */
  colour: string;
  of: (sample: Sample) => number | null;
}

interface Drawn {
  title: string;
  series: readonly Series[];
  /** a plain number unless told */
  unit?: 'money' | 'ratio';
}

const CHARTS: readonly Drawn[] = [
  {
    title: 'People',
    series: [
      { label: 'waiting', colour: 'brand', of: ({ stats }) => stats.waiting },
      { label: 'inside', colour: 'good', of: ({ stats }) => stats.active },
    ],
  },
  {
    title: 'A minute',
    series: [
      { label: 'admitted', colour: 'brand', of: ({ admitted }) => admitted },
      { label: 'no-shows', colour: 'bad', of: ({ noShows }) => noShows },
    ],
  },
  {
    title: 'Expected against real wait',
    unit: 'ratio',
    series: [{ label: 'expected over real', colour: 'brand', of: ({ waitError }) => waitError }],
  },
  {
    title: 'Seats',
    series: [
      { label: 'held', colour: 'seat-held', of: ({ stats }) => stats.held },
      { label: 'sold', colour: 'good', of: ({ stats }) => stats.sold },
      { label: 'free', colour: 'ink-soft', of: ({ room }) => room.seatsLeft },
    ],
  },
  {
    title: 'Lost races a minute, all concerts',
    series: [{ label: 'conflicts', colour: 'bad', of: ({ conflicts }) => conflicts }],
  },
  { title: 'Revenue', unit: 'money', series: [{ label: 'paid', colour: 'good', of: ({ stats }) => stats.revenue }] },
  {
    title: 'Paid, not yet in PostgreSQL',
    series: [{ label: 'payments', colour: 'seat-held', of: ({ stats }) => stats.outboxLag }],
  },
  {
    title: 'Requests, all concerts',
    series: [
      { label: 'ms p99', colour: 'brand', of: ({ p99Ms }) => p99Ms },
      { label: 'faults (5xx) a minute', colour: 'bad', of: ({ faults }) => faults },
    ],
  },
];

export function Charts({ samples, currency }: { samples: readonly Sample[]; currency: string }) {
  return (
    <section class="charts" id="charts" aria-label="Charts">
      {CHARTS.map((chart) => (
        <Chart key={chart.title} {...chart} samples={samples} currency={currency} />
      ))}
    </section>
  );
}

const HEIGHT = 180;
const AXIS_WIDTH = 64;

function Chart({ title, series, unit, samples, currency }: Drawn & { samples: readonly Sample[]; currency: string }) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const made = draw(element, series, (value) => inWords(value, { unit, currency, short: true }));
    plot.current = made;
    const resize = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => {
    plot.current?.setData([samples.map(({ at }) => at), ...series.map(({ of }) => samples.map(of))]);
  }, [samples]);
  const last = samples.at(-1);
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        <span class="num" data-testid={`last ${title}`}>
          {last &&
            series.map(({ label, colour, of }, i) => (
              <span key={label} class="value" style={{ '--c': `var(--${colour})` }}>
                {inWords(of(last), { unit, currency })} {label}
                {i < series.length - 1 && ', '}
              </span>
            ))}
        </span>
      </figcaption>
      <div ref={host} />
    </figure>
  );
}

function draw(element: HTMLElement, series: readonly Series[], shown: (value: number) => string): uPlot {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: colour('ink-soft'), grid: { stroke: colour('line'), width: 1 }, font: '11px system-ui' };
  return new uPlot(
    {
      width: element.clientWidth,
      height: HEIGHT,
      // The caption names the colours and the last values.
      legend: { show: false },
      cursor: { show: false },
      axes: [
        {
          ...axis,
          size: 32,
          space: 72,
          values: (_, splits, _axis, _space, step) => splits.map((at) => clockAt(at, step)),
        },
        { ...axis, size: AXIS_WIDTH, values: (_, splits) => splits.map(shown) },
      ],
      scales: { y: { range: (_, min, max) => [Math.min(0, min), Math.max(1, max * 1.1)] } },
      series: [
        {},
        ...series.map(({ label, colour: name }) => ({ label, stroke: colour(name), width: 2, spanGaps: true })),
      ],
    },
    [[], ...series.map(() => [])],
    element,
  );
}

const toTheMinute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const toTheSecond = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });

/** `step`: seconds from one mark of the axis to the next. */
function clockAt(seconds: number, step: number): string {
  return (step < 60 ? toTheSecond : toTheMinute).format(seconds * 1000);
}

const plain = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumSignificantDigits: 3 });
const percent = new Intl.NumberFormat(undefined, { style: 'percent', signDisplay: 'exceptZero' });

interface Style {
  unit: Drawn['unit'];
  currency: string;
  /** on an axis */
  short?: boolean;
}

function inWords(value: number | null, { unit, currency, short = false }: Style): string {
  if (value === null) return '–';
  if (unit === 'money') return money(value, currency, short ? 'compact' : 'standard');
  if (unit === 'ratio') return percent.format(value);
  return (short ? compact : plain).format(value);
}
