/** Live charts of one concert. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Sample } from './samples.ts';

interface Series {
  label: string;
  /** name of a colour in the sheet */
  colour: string;
  of: (sample: Sample) => number | null;
}

const CHARTS: readonly { title: string; series: readonly Series[] }[] = [
  {
    title: 'People',
    series: [
      { label: 'waiting', colour: 'brand', of: ({ stats }) => stats.waiting },
      { label: 'active', colour: 'good', of: ({ stats }) => stats.active },
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
    series: [{ label: '(expected − real) / real', colour: 'brand', of: ({ waitError }) => waitError }],
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
  { title: 'Revenue', series: [{ label: 'smallest unit', colour: 'good', of: ({ stats }) => stats.revenue }] },
  {
    title: 'Paid, not yet in PostgreSQL',
    series: [{ label: 'payments', colour: 'seat-held', of: ({ stats }) => stats.outboxLag }],
  },
  {
    title: 'Requests, all concerts',
    series: [
      { label: 'p99 ms', colour: 'brand', of: ({ p99Ms }) => p99Ms },
      { label: '5xx a minute', colour: 'bad', of: ({ faults }) => faults },
    ],
  },
];

export function Charts({ samples }: { samples: readonly Sample[] }) {
  return (
    <section class="charts" aria-label="Charts">
      {CHARTS.map(({ title, series }) => (
        <Chart key={title} title={title} series={series} samples={samples} />
      ))}
    </section>
  );
}

const HEIGHT = 180;

function Chart({ title, series, samples }: { title: string; series: readonly Series[]; samples: readonly Sample[] }) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const style = getComputedStyle(element);
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const axis = { stroke: colour('ink-soft'), grid: { stroke: colour('line'), width: 1 }, font: '11px system-ui' };
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { live: true },
        cursor: { drag: { x: false, y: false } },
        axes: [{ ...axis }, { ...axis, size: 56 }],
        scales: { y: { range: (_, min, max) => [Math.min(0, min), Math.max(1, max * 1.1)] } },
        series: [
          {},
          ...series.map(({ label, colour: name }) => ({ label, stroke: colour(name), width: 2, spanGaps: true })),
        ],
      },
      [[], ...series.map(() => [])],
      element,
    );
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
      <h2>
        {title}
        <span class="num" data-testid={`last ${title}`}>
          {last && series.map(({ of }) => shown(of(last))).join(' · ')}
        </span>
      </h2>
      <div ref={host} />
    </figure>
  );
}

const format = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

function shown(value: number | null): string {
  return value === null ? '–' : format.format(value);
}
