/** What a run of a story came to: JSON for machines, a short Markdown table for people. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { resolve } from 'node:path';
import { PLANS, type StoryName } from '../loadtest/shared/plans.ts';
import type { CpuUse } from './load-cpu.ts';
import type { Pause } from './load-system.ts';

interface K6Metric {
  type: 'counter' | 'gauge' | 'rate' | 'trend';
  values: Record<string, number>;
  thresholds?: Record<string, { ok: boolean }>;
}
export type K6Metrics = Record<string, K6Metric>;

export interface Books {
  clean: boolean;
  differences: unknown[];
  what: string;
  expected: number;
  found: number;
}

export interface Report {
  story: StoryName;
  at: string;
  passed: boolean;
  machine: string;
  /** processes that wanted a core before the run, over a minute: above 1 the machine had other work */
  loadBefore: number;
  versions: Record<string, string>;
  server: string;
  generator: string;
  variables: Record<string, number>;
  rates: { what: string; asked: number | null; reached: number }[];
  droppedIterations: number;
  errors: Record<string, number>;
  milliseconds: Record<string, { median: number; p95: number; p99: number; max: number; count: number }>;
  thresholds: { rule: string; holds: boolean }[];
  cpu: Record<string, CpuUse>;
  /** garbage collections of the server over 20 ms; null where they could not be seen */
  pauses: Pause[] | null;
  books: Books | null;
}

interface RunFacts {
  story: StoryName;
  variables: Record<string, number>;
  metrics: K6Metrics;
  loadBefore: number;
  exitCode: number;
  k6: string;
  server: string;
  generator: string;
  cpu: Record<string, CpuUse>;
  pauses: Pause[] | null;
  books: Books | null;
}

const round = (value: number) => Math.round(value * 10) / 10;

/** A counter's count, a gauge's value, the highest of a trend or its span; 0 where nothing was counted. */
export function countOf(metrics: K6Metrics, name: string, of: 'max' | 'span' = 'max'): number {
  const { type: kind, values } = metrics[name] ?? {};
  if (!values) return 0;
  const { max = 0, min = 0, count, value = 0 } = values;
  if (kind === 'trend') return of === 'span' ? max - min : max;
  return count ?? value;
}

export function makeReport(facts: RunFacts): Report {
  const { story, variables, metrics, books } = facts;
  const plan = PLANS[story] as { rates(v: Record<string, number>): ReturnType<(typeof PLANS)['soak']['rates']> };
  const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../package.json'), 'utf8')) as {
    version: string;
  };
  const thresholds = Object.entries(metrics).flatMap(([name, metric]) =>
    Object.entries(metric.thresholds ?? {}).map(([rule, { ok }]) => ({ rule: `${name}: ${rule}`, holds: ok })),
  );
  const booksHold = !books || (books.clean && books.expected === books.found);
  return {
    story,
    at: new Date().toISOString(),
    passed: facts.exitCode === 0 && thresholds.every(({ holds }) => holds) && booksHold,
    machine: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`,
    loadBefore: round(facts.loadBefore),
    versions: { onsale: version, node: process.version, k6: facts.k6 },
    server: facts.server,
    generator: facts.generator,
    variables,
    rates: plan.rates(variables).map(({ what, asked, reached }) => ({
      what,
      asked: Number.isNaN(asked) ? null : asked,
      reached: round(reached((name, of) => countOf(metrics, name, of))),
    })),
    droppedIterations: countOf(metrics, 'dropped_iterations'),
    errors: errorsOf(metrics),
    milliseconds: timesOf(metrics),
    thresholds,
    cpu: facts.cpu,
    pauses: facts.pauses,
    books,
  };
}

function errorsOf(metrics: K6Metrics): Record<string, number> {
  const errors: Record<string, number> = {};
  for (const name of Object.keys(metrics)) {
    const count = countOf(metrics, name);
    if (name.startsWith('refused_') && count > 0) errors[name.slice('refused_'.length)] = count;
  }
  return errors;
}

function timesOf(metrics: K6Metrics): Report['milliseconds'] {
  const times: Report['milliseconds'] = {};
  for (const [name, { type: kind, values }] of Object.entries(metrics)) {
    if (!name.startsWith('ms_') || kind !== 'trend' || !values.count) continue;
    const { med = 0, 'p(95)': p95 = 0, 'p(99)': p99 = 0, max = 0, count } = values;
    times[name.slice(3)] = { median: round(med), p95: round(p95), p99: round(p99), max: round(max), count };
  }
  return times;
}

export function renderReport(report: Report): string {
  const { rates, errors, milliseconds, cpu, books, pauses, versions } = report;
  const errorText = Object.entries(errors).map(([code, count]) => `${code} ${count}`);
  const failed = report.thresholds.filter(({ holds }) => !holds).map(({ rule }) => `\`${rule}\``);
  const rows: [string, string][] = [
    ['result', report.passed ? 'passed' : '**failed**'],
    ['when', report.at],
    ['machine', `${report.machine}; load average before the run ${report.loadBefore}`],
    ['versions', `onsale ${versions.onsale}, Node ${versions.node}, k6 ${versions.k6}`],
    ['server', report.server],
    ['generator', report.generator],
    ...rates.map(({ what, asked, reached }): [string, string] => [
      what,
      asked === null ? `${reached}` : `asked ${asked}, reached ${reached}`,
    ]),
    ['dropped iterations', String(report.droppedIterations)],
    ['answers by error code', errorText.join(', ') || 'none'],
    ...Object.entries(milliseconds).map(([name, { median, p95, p99, max, count }]): [string, string] => [
      `${name}, ms`,
      `median ${median}, p95 ${p95}, p99 ${p99}, max ${max} (${count})`,
    ]),
    ...Object.entries(cpu).map(([name, { meanPercent, peakPercent, maxRssMb }]): [string, string] => [
      `CPU of ${name}`,
      `mean ${meanPercent} %${peakPercent === null ? '' : `, peak ${peakPercent} %`} of one core${maxRssMb > 0 ? `; memory up to ${maxRssMb} MB` : ''}`,
    ]),
    ...(pauses ? [['garbage collections over 20 ms', pausesText(pauses)] satisfies [string, string]] : []),
    ...(books ? [['books', booksText(books)] satisfies [string, string]] : []),
    ['thresholds', failed.length === 0 ? `all ${report.thresholds.length} hold` : `broken: ${failed.join(', ')}`],
    [
      'variables',
      Object.entries(report.variables)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    ],
  ];
  const lines = rows.map(([name, value]) => `| ${name} | ${value} |`);
  return [`### ${report.story}`, '', '| | |', '|---|---|', ...lines, ''].join('\n');
}

const PAUSES_TOLD = 3;

function pausesText(pauses: readonly Pause[]): string {
  if (pauses.length === 0) return 'none';
  const longest = pauses.toSorted((a, b) => b.ms - a.ms).slice(0, PAUSES_TOLD);
  const told = longest.map(
    ({ kind, ms, fromMb, toMb }) => `${kind} ${round(ms)} ms (${round(fromMb)} to ${round(toMb)} MB)`,
  );
  return `${pauses.length}, the longest: ${told.join(', ')}`;
}

function booksText({ clean, differences, what, expected, found }: Books): string {
  const audit = clean ? 'audit clean' : `**audit: ${JSON.stringify(differences).slice(0, 500)}**`;
  return `${audit}; ${what}: ${expected === found ? found : `**${found}, but ${expected} were won**`}`;
}
