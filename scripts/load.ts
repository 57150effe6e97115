/**
 * Load tests: `npm run load -- <story> [--reference]`, `npm run load -- smoke`. Starts onsale unless BASE_URL names one,
 * makes the users, runs the story with k6, checks the books, writes and prints the report. Exits with 1 where a
 * threshold does not hold. Ctrl-C stops all of it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PLANS, planned, type StoryName } from '../loadtest/shared/plans.ts';
import { leash } from '../src/testing/leash.ts';
import { watchCpu, watchMetricsCpu } from './load-cpu.ts';
import { findK6, type K6, WAYS } from './load-k6.ts';
import { type Books, countOf, type K6Metrics, makeReport, renderReport, type Report } from './load-report.ts';
import { generatorCores, type LoadedSystem, openSystem } from './load-system.ts';

const LOADTEST = resolve(import.meta.dirname, '../loadtest');
const RESULTS = join(LOADTEST, 'results');
const NAMES = Object.keys(PLANS) as StoryName[];
const K6_STOP_MS = 5_000;
const BOOKS_TIMEOUT_MS = 60_000;

const tell = (line: string) => console.log(`load: ${line}`);
/** Ctrl-C: nothing new is begun, what runs is ended. */
const ending = new AbortController();

class Stopped extends Error {}

interface Run {
  story: StoryName;
  smoke: boolean;
  system: LoadedSystem;
  k6: K6;
  dir: string;
}

/** Runs a story against a system that is up. */
async function runStory({ story, smoke, system, k6, dir }: Run): Promise<Report> {
  const env = { ...process.env, SMOKE: smoke ? '1' : '' };
  const variables: Record<string, number> = planned(story, env);
  const plan: { fans(v: Record<string, number>): number; books?: { counter: string; stat: 'sold' | 'held' } } =
    PLANS[story];
  const users = system.seed(plan.fans(variables));
  const concertId = `load-${story}-${Date.now().toString(36)}`;
  mkdirSync(dir, { recursive: true });
  const summary = join(dir, `${story}.k6.json`);
  // k6 writes no page for a run of a few seconds: none must be left from another one.
  for (const end of ['k6.json', 'html']) rmSync(join(dir, `${story}.${end}`), { force: true });

  const cores = 'server' in system.pids ? generatorCores() : null;
  const command = [...(cores === null ? [] : ['taskset', '-c', cores]), k6.file, 'run', '--quiet', '--no-usage-report'];
  const [file, ...args] = [...command, join(LOADTEST, `${story}.ts`)];
  const child = spawn(file, args, {
    detached: true, // Ctrl-C reaches us alone
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...env,
      BASE_URL: system.url,
      OPERATOR_KEY: system.operatorKey,
      USERS: users,
      CONCERT: concertId,
      SUMMARY: summary,
      K6_AUTO_EXTENSION_RESOLUTION: 'false',
      K6_WEB_DASHBOARD: smoke ? 'false' : 'true',
      K6_WEB_DASHBOARD_PORT: '-1',
      K6_WEB_DASHBOARD_PERIOD: '1s',
      K6_WEB_DASHBOARD_EXPORT: join(dir, `${story}.html`),
    },
  });
  system.pauses();
  const [loadBefore = 0] = loadavg();
  const serverCpu = 'server' in system.pids ? null : await watchMetricsCpu(system.url);
  const cpu = watchCpu({ ...system.pids, k6: child.pid ?? 0 });
  const tie = leash(child.pid, dir, { removeDir: false });
  let used: Report['cpu'] = {};
  const exitCode = await ended(child).finally(() => {
    used = cpu.end();
    tie.release();
  });
  const elsewhere = await serverCpu?.();
  if (elsewhere) used = { server: elsewhere, ...used };
  if (!existsSync(summary)) throw new Error(`${story}: k6 ended with ${exitCode} and without a summary`);
  const { metrics } = JSON.parse(readFileSync(summary, 'utf8')) as { metrics: K6Metrics };
  rmSync(summary);
  const books = plan.books ? await readBooks(system, concertId, { ...plan.books, metrics }) : null;
  const generator = cores === null ? 'k6, not pinned' : `k6, pinned to core ${cores}`;
  const facts = { loadBefore, story, variables, metrics, exitCode, k6: k6.version, server: system.told, generator };
  const report = makeReport({ ...facts, cpu: used, pauses: system.pauses(), books });
  writeFileSync(join(dir, `${story}.json`), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(dir, `${story}.md`), renderReport(report));
  return report;
}

/** The exit code of k6; ends it, with all that it started, where we are to stop. */
async function ended(child: ChildProcess): Promise<number> {
  const { promise, resolve: done, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  child.once('exit', (code) => done(code ?? -1));
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    child.kill('SIGINT');
    timer = setTimeout(() => child.kill('SIGKILL'), K6_STOP_MS);
  };
  ending.signal.addEventListener('abort', stop);
  if (ending.signal.aborted) stop();
  try {
    const code = await promise;
    if (ending.signal.aborted) throw new Stopped();
    return code;
  } finally {
    clearTimeout(timer);
    ending.signal.removeEventListener('abort', stop);
  }
}

/** The audit, and the seats by the operators' numbers, once what the story left has run out and is recorded. */
async function readBooks(
  system: LoadedSystem,
  concertId: string,
  { counter, stat, metrics }: { counter: string; stat: 'sold' | 'held'; metrics: K6Metrics },
): Promise<Books> {
  const get = async (path: string) => {
    const response = await fetch(`${system.url}/api/v1/admin${path}`, {
      headers: { authorization: `Bearer ${system.operatorKey}` },
      signal: AbortSignal.any([ending.signal, AbortSignal.timeout(20_000)]),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const expected = countOf(metrics, counter);
  const untilMs = Date.now() + BOOKS_TIMEOUT_MS;
  for (;;) {
    const { status, body: stats } = await get(`/concerts/${concertId}/stats`);
    if (status !== 200) throw new Error(`the books cannot be read: ${status} ${JSON.stringify(stats)}`);
    const settled = stats.outboxLag === 0 && (stat === 'held' || stats.held === 0);
    if (settled || Date.now() > untilMs) {
      const audit = await get('/audit');
      if (audit.status === 200 || Date.now() > untilMs) {
        const { clean = false, differences = [] } = audit.body as { clean?: boolean; differences?: unknown[] };
        return { clean, differences, what: `seats ${stat}`, expected, found: Number(stats[stat]) };
      }
    }
    await sleep(500, undefined, { signal: ending.signal });
  }
}

/** What all stories of a run need; the last word on a setting has the environment. */
function settingsFor(stories: readonly StoryName[]): Record<string, string> {
  return Object.assign({}, ...stories.map((story) => (PLANS[story] as { settings?: object }).settings));
}

async function runAll(stories: readonly StoryName[], how: { smoke: boolean; k6: K6 }): Promise<Report[]> {
  const system = await openSystem({ settings: settingsFor(stories), tell });
  const reports: Report[] = [];
  try {
    for (const story of stories) {
      if (ending.signal.aborted) throw new Stopped();
      tell(`${story} against ${system.url}`);
      const dir = join(RESULTS, how.smoke ? 'smoke' : 'latest');
      reports.push(await runStory({ story, ...how, system, dir }));
    }
    return reports;
  } finally {
    await system.stop();
  }
}

/** Every story for a few seconds, on one server. */
async function smokeAll(): Promise<void> {
  const k6 = await findK6(tell);
  if (!k6) {
    tell(`the smoke of the stories is skipped: no k6 v2 here, and no Go to build it`);
    return;
  }
  const reports = await runAll(NAMES, { smoke: true, k6 });
  for (const report of reports) {
    if (report.passed) tell(`${report.story} passed`);
    else console.log(renderReport(report));
  }
  const passed = reports.filter((report) => report.passed).length;
  console.log(`load: ${passed} passed, ${reports.length - passed} failed`);
  if (passed < reports.length) process.exitCode = 1;
}

async function one(story: StoryName, { reference }: { reference: boolean }): Promise<void> {
  const k6 = await findK6(tell);
  if (!k6) throw new Error(WAYS);
  const [report] = await runAll([story], { smoke: false, k6 });
  if (!report) return;
  console.log(`\n${renderReport(report)}`);
  const kept = reference && report.passed;
  if (kept) {
    const to = join(RESULTS, 'reference');
    mkdirSync(to, { recursive: true });
    for (const end of ['json', 'md', 'html']) {
      const made = join(RESULTS, 'latest', `${story}.${end}`);
      if (existsSync(made)) copyFileSync(made, join(to, `${story}.${end}`));
    }
  }
  tell(`written to loadtest/results/${kept ? 'reference' : 'latest'}/${story}.{json,md,html}`);
  if (reference && !kept) tell('not kept as the reference, since it failed');
  if (!report.passed) process.exitCode = 1;
}

async function main(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.abort());
  const [name = '', ...flags] = process.argv.slice(2);
  if (name === 'smoke') return smokeAll();
  const story = NAMES.find((known) => known === name);
  if (!story || flags.some((flag) => flag !== '--reference'))
    throw new Error(`usage: npm run load -- ${[...NAMES, 'smoke'].join(' | ')} [--reference]`);
  return one(story, { reference: flags.includes('--reference') });
}

main().catch((error: unknown) => {
  if (ending.signal.aborted) tell('stopped');
  else console.error(`load: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = ending.signal.aborted ? 130 : 1;
});
