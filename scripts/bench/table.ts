/** What a benchmark prints: one Markdown table of its runs, and one of what was asked of it. */
import type { ServerResult } from './arena.ts';
import type { RawResult } from './raw.ts';
import type { LoadResult } from './wrk.ts';

export interface Row {
  what: string;
  result: LoadResult | RawResult;
}

export interface Target {
  what: string;
  value: number;
  /** the same ratio by the processor time of the servers: what holds on a machine that has other work too */
  byCpu?: number | undefined;
  /** at least this, or at most */
  min?: number;
  max?: number;
  unit?: string;
}

export function printRuns(rows: readonly Row[]): void {
  print(
    [
      'run',
      'per second',
      'of',
      'p50 ms',
      'p99 ms',
      'refused',
      'failed',
      'CPU server',
      'per CPU second',
      'CPU generator',
      'CPU Redis',
      'scripts per op',
      'Redis commands per op',
    ],
    rows.map(({ what, result }) => {
      const { cpu = {}, refused, failed } = result as Partial<LoadResult>;
      const { scripts, commands } = result as Partial<ServerResult>;
      const { rate, count, p50Ms, p99Ms } = result;
      return [
        what,
        String(Math.round(rate)),
        String(count),
        p50Ms.toFixed(2),
        p99Ms.toFixed(2),
        ...[refused, failed].map((number) => (number === undefined ? '' : String(number))),
        percent(cpu.server),
        cpu.server ? String(Math.round(rate / cpu.server)) : '',
        ...[cpu.load, cpu.redis].map(percent),
        ...[scripts, commands].map((number) => (number === undefined ? '' : number.toFixed(3))),
      ];
    }),
  );
}

/** How the rates of two runs compare. */
export function ratio(one: LoadResult, other: LoadResult): Pick<Target, 'value' | 'byCpu'> {
  const perCpu = ({ rate, cpu }: LoadResult) => rate / (cpu.server ?? Number.NaN);
  return { value: one.rate / other.rate, byCpu: perCpu(one) / perCpu(other) };
}

/** True where all are met. */
export function printTargets(targets: readonly Target[]): boolean {
  const met = ({ value, min = -Infinity, max = Infinity }: Target) => value >= min && value <= max;
  print(
    ['measure', 'here', 'target', '', 'by CPU time'],
    targets.map((target) => {
      const { what, value, byCpu, min, max, unit = '' } = target;
      const wanted = min === undefined && max === undefined ? '' : min === undefined ? `≤ ${max}` : `≥ ${min}`;
      return [
        what,
        `${round(value)}${unit}`,
        wanted && `${wanted}${unit}`,
        wanted && (met(target) ? 'met' : '**missed**'),
        byCpu === undefined ? '' : round(byCpu),
      ];
    }),
  );
  return targets.every(met);
}

export function print(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  console.log(`\n${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}`);
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${Math.round(share * 100)} %`;
}

function round(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
