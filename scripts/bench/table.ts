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

/** True where all are met. */
export function printTargets(targets: readonly Target[]): boolean {
  const met = ({ value, min = -Infinity, max = Infinity }: Target) => value >= min && value <= max;
  print(
    ['measure', 'here', 'target', ''],
    targets.map((target) => {
      const { what, value, min, max, unit = '' } = target;
      const wanted = min === undefined && max === undefined ? '' : min === undefined ? `≤ ${max}` : `≥ ${min}`;
      return [
        what,
        `${round(value)}${unit}`,
        wanted && `${wanted}${unit}`,
        wanted && (met(target) ? 'met' : '**missed**'),
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
