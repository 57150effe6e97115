/** Case 5, `restart`: SIGTERM under load: nothing accepted is lost, places are kept, clients come back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../src/testing/until.ts';
import type { Case, CaseOptions, Check, Verdict } from './case.ts';
import { harmUntil } from './kit/bounds.ts';
import { type Part, startFleet } from './kit/fleet.ts';
import { checkAll } from './kit/invariants.ts';
import { type Ledger, tally } from './kit/ledger.ts';
import { startLoad } from './kit/load.ts';
import { dice } from './kit/random.ts';
import { startWatchers, type Watchers } from './kit/watchers.ts';

/** In the long form. */
const RESTARTS = 100;
const BETWEEN_MS = [300, 1_500] as const;
const WATCHERS = 20;
/** The contract's time in which everything is gone. */
const GONE_WITHIN_MS = 10_000;
const RESTARTING = '1012';
/** On a machine whose cores others take, too, 20 s were not enough once. */
const BACK = { timeoutMs: 60_000, what: 'all sockets back' };
/** What was sent so long before the signal has reached the server. */
const UNDER_WAY_MS = 20;

export const restart: Case = {
  name: 'restart',
  about: 'SIGTERM of servers and worker under load: no accepted request is lost, clients come back',
  short: 0.03,
  run,
};

interface Stop {
  url: string;
  atMs: number;
  tookMs: number;
  code: number | null;
}

async function run({ size, deadlineMs, seed, tell }: CaseOptions): Promise<Verdict> {
  const random = dice(seed);
  const times = Math.max(1, Math.round(RESTARTS * size));
  const fleet = await startFleet();
  try {
    const load = await startLoad(fleet, { fans: 40, concerts: 3, seats: 400, seed });
    const watchers = await startWatchers(fleet, { count: WATCHERS, seed, ledger: load.ledger });
    const stops: Stop[] = [];
    const endMs = harmUntil(deadlineMs);
    const parts = [...fleet.servers, fleet.worker];
    while (stops.length < times && performance.now() < endMs) {
      await until(() => watchers.open === WATCHERS, BACK);
      await sleep(random.between(...BETWEEN_MS));
      stops.push(await stopAndStart(parts[stops.length % parts.length] as Part));
      if (stops.length % 10 === 0) tell(`${stops.length} of ${times} restarts`);
    }
    await until(() => watchers.open === WATCHERS, BACK);
    const ledger = await load.stop();
    const checks = [judgeStops(stops), judgeUnderWay(ledger, stops), judgeSockets(watchers)];
    await watchers.stop();
    checks.push(...(await checkAll(fleet, ledger)));
    const servers = stops.filter(({ url }) => url !== fleet.worker.url).length;
    const done = `SIGTERM, then a start, under load: servers ${servers}, worker ${stops.length - servers}; the slowest end took ${slowest(stops)} s`;
    return { done, runs: stops.length, ...tally(ledger), checks };
  } finally {
    await fleet.close();
  }
}

const slowest = (stops: readonly Stop[]) => (Math.max(...stops.map(({ tookMs }) => tookMs)) / 1000).toFixed(1);

async function stopAndStart(part: Part): Promise<Stop> {
  const atMs = Date.now();
  const code = await part.stop();
  const tookMs = Date.now() - atMs;
  await part.start();
  return { url: part.url, atMs, tookMs, code };
}

function judgeStops(stops: readonly Stop[]): Check {
  const violations = stops.flatMap(({ url, tookMs, code }) => [
    ...(code === 0 ? [] : [`${url} ended with ${code}`]),
    ...(tookMs <= GONE_WITHIN_MS ? [] : [`${url} took ${tookMs} ms to end`]),
  ]);
  return { what: 'every process ended in order within 10 s', looked: stops.length, violations };
}

function judgeUnderWay({ operations }: Ledger, stops: readonly Stop[]): Check {
  const attempts = operations.flatMap((operation) => operation.attempts);
  const underWay = stops.flatMap(({ url, atMs }) =>
    attempts.filter(
      ({ sentMs, doneMs, ...attempt }) => attempt.url === url && sentMs < atMs - UNDER_WAY_MS && doneMs >= atMs,
    ),
  );
  const violations = underWay
    .filter(({ status }) => status === 0)
    .map(({ url, sentMs }) => `a call to ${url} of ${new Date(sentMs).toISOString()} was not answered`);
  // Few are under way at any moment: so all calls are named as looked at.
  return { what: 'no request that a server had when it was told to stop is lost', looked: attempts.length, violations };
}

function judgeSockets({ closes, violations, told }: Watchers): Check {
  const wrong = Object.entries(closes).filter(([code]) => code !== RESTARTING);
  const others = wrong.map(([code, count]) => `${count} sockets were closed with ${code}`);
  const what = 'sockets were told 1012, came back, and had their places';
  return { what, looked: told, violations: [...violations, ...others] };
}
