/**
 * Case 5, servers that are away: PostgreSQL (sales go on, and all rows come later) and Redis (503 within a second, sockets
 * stay open, and it goes on by itself).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../../src/testing/fan.ts';
import { until } from '../../src/testing/until.ts';
import type { Case, CaseOptions, Check, Verdict } from './case.ts';
import { harmUntil } from './kit/bounds.ts';
import { type Fleet, startFleet } from './kit/fleet.ts';
import { checkAll } from './kit/invariants.ts';
import { type Attempt, type Ledger, tally } from './kit/ledger.ts';
import { startLoad } from './kit/load.ts';
import { type Dice, dice } from './kit/random.ts';
import { startWatchers, type Watchers } from './kit/watchers.ts';

/** In the long form. */
const OUTAGES = 100;
const BETWEEN_MS = [500, 2_000] as const;
const WATCHERS = 20;

export const postgresAway: Case = {
  name: 'postgres-away',
  about: 'PostgreSQL killed, refusing or silent for seconds under load: sales go on, rows come later',
  short: 0.02,
  run: runPostgresAway,
};

export const redisAway: Case = {
  name: 'redis-away',
  about: 'Redis killed or frozen for seconds under load: 503 within a second, sockets stay, no restart',
  short: 0.03,
  run: runRedisAway,
};

interface Outage {
  how: string;
  fromMs: number;
  untilMs: number;
}

/** One after the other until all are done or the time is up. Their times by the clock of the ledger. */
async function outagesOf(
  { size, deadlineMs, tell }: CaseOptions,
  { random, ways }: { random: Dice; ways: Record<string, () => Promise<void>> },
): Promise<Outage[]> {
  const times = Math.max(1, Math.round(OUTAGES * size));
  const outages: Outage[] = [];
  const endMs = harmUntil(deadlineMs);
  while (outages.length < times && performance.now() < endMs) {
    await sleep(random.between(...BETWEEN_MS));
    const how = Object.keys(ways)[outages.length % Object.keys(ways).length] ?? '';
    const fromMs = Date.now();
    await ways[how]?.();
    outages.push({ how, fromMs, untilMs: Date.now() });
    if (outages.length % 10 === 0) tell(`${outages.length} of ${times} outages`);
  }
  await sleep(BETWEEN_MS[0]);
  return outages;
}

const isDuring = ({ sentMs, doneMs }: Attempt, { fromMs, untilMs }: Outage): boolean =>
  sentMs >= fromMs && doneMs > 0 && doneMs <= untilMs;

function told(
  what: string,
  { outages, ledger, checks }: { outages: Outage[]; ledger: Ledger; checks: Check[] },
): Verdict {
  const ways = [...Map.groupBy(outages, ({ how }) => how)].map(([how, all]) => `${how} ${all.length}`).join(', ');
  const seconds = outages.reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0) / 1000;
  const done = `${what} was away ${outages.length} times under load (${ways}), ${seconds.toFixed(0)} s in all`;
  return { done, runs: outages.length, ...tally(ledger), checks };
}

async function runPostgresAway(options: CaseOptions): Promise<Verdict> {
  const random = dice(options.seed);
  const fleet = await startFleet({ throughProxies: true });
  try {
    const load = await startLoad(fleet, { fans: 40, concerts: 3, seats: 400, seed: options.seed });
    const { postgres } = fleet;
    const proxy = fleet.proxies?.postgres;
    const away = () => sleep(random.between(1_000, 4_000));
    const outages = await outagesOf(options, {
      random,
      ways: {
        killed: async () => {
          await postgres.kill9();
          await away();
          // What sells meanwhile must start again without PostgreSQL, too.
          await restartSome(fleet, random);
          await postgres.restart();
        },
        silent: async () => {
          proxy?.delay(600_000);
          await away();
          proxy?.delay(0);
          proxy?.cut();
        },
        refusing: async () => {
          proxy?.refuse(true);
          proxy?.cut();
          await away();
          proxy?.refuse(false);
        },
      },
    });
    const ledger = await load.stop();
    const checks = [judgeSalesWentOn(ledger, outages), ...(await checkAll(fleet, ledger))];
    return told('PostgreSQL', { outages, ledger, checks });
  } finally {
    await fleet.close();
  }
}

async function restartSome(fleet: Fleet, random: Dice): Promise<void> {
  if (random.chance(0.7)) return;
  const part = random.pick([fleet.worker, ...fleet.servers]);
  await part.stop();
  await part.start();
}

const SALES = ['hold', 'charge', 'pay'] as const;

/** Not that nothing was refused: on a busy machine Redis may miss its 800 ms, with PostgreSQL there or not. */
function judgeSalesWentOn({ operations }: Ledger, outages: readonly Outage[]): Check {
  const violations: string[] = [];
  const sold = operations.filter(({ effect }) => effect !== null);
  const within = (outage: Outage) =>
    sold.filter(({ attempts }) => attempts.some((attempt) => isDuring(attempt, outage)));
  const found = outages.map((outage) => ({ outage, during: within(outage) }));
  for (const { outage, during } of found)
    if (during.length === 0)
      violations.push(`nothing was sold while it was ${outage.how} at ${new Date(outage.fromMs).toISOString()}`);
  const all = found.flatMap(({ during }) => during);
  for (const kind of SALES)
    if (!all.some((operation) => operation.kind === kind)) violations.push(`no ${kind} was answered in any outage`);
  return { what: 'holds, charges and payments went on while PostgreSQL was away', looked: all.length, violations };
}

async function runRedisAway(options: CaseOptions): Promise<Verdict> {
  const random = dice(options.seed);
  const fleet = await startFleet();
  try {
    const load = await startLoad(fleet, { fans: 40, concerts: 3, seats: 400, seed: options.seed });
    const watchers = await startWatchers(fleet, { count: WATCHERS, seed: options.seed, ledger: load.ledger });
    await until(() => watchers.open === WATCHERS);
    const probe = startProbe(fleet);
    const pids = fleet.servers.map(({ pid }) => pid);
    const { redis } = fleet;
    const away = () => sleep(random.between(1_500, 4_000));
    const backMs: number[] = [];
    const again = async (comeBack: () => unknown) => {
      await comeBack();
      backMs.push(await untilReady(fleet));
    };
    const outages = await outagesOf(options, {
      random,
      ways: {
        killed: async () => {
          await redis?.kill9();
          await away();
          await again(() => redis?.restart());
        },
        // What it was sent meanwhile takes effect once it goes on, long after its caller was told 503.
        frozen: async () => {
          process.kill(redis?.pid ?? 0, 'SIGSTOP');
          await away();
          await again(() => process.kill(redis?.pid ?? 0, 'SIGCONT'));
        },
      },
    });
    const ledger = await load.stop();
    const checks = [
      judgeRefusals(ledger, { outages, probedMs: probe.stop() }),
      judgeSockets(watchers),
      judgeRecovery(backMs, { same: fleet.servers.every(({ pid }, index) => pid === pids[index]) }),
    ];
    await watchers.stop();
    checks.push(...(await checkAll(fleet, ledger)));
    return told('Redis', { outages, ledger, checks });
  } finally {
    await fleet.close();
  }
}

/** The contract's 10 s of a test with one server; here with a load that comes at once. */
const BACK_WITHIN_MS = 10_000;

/** How long until every server is ready again. */
async function untilReady({ servers }: Fleet): Promise<number> {
  const started = performance.now();
  for (const { url } of servers)
    await until(async () => (await call(url, '/readyz').catch(() => null))?.status === 200, {
      timeoutMs: 3 * BACK_WITHIN_MS,
      everyMs: 50,
      what: `${url} ready again`,
    });
  return performance.now() - started;
}

/** The contract's second, beside what the way to a client takes on this machine, on which all of it runs at once. */
const ANSWERED_WITHIN_MS = 1_000;
const PROBE_EVERY_MS = 100;

/** How long a call that needs no Redis takes at the same time: of what is slower, that much is not onsale's. */
function startProbe({ servers, closing }: Fleet): { stop(): number } {
  let slowestMs = 0;
  const probe = async () => {
    const started = performance.now();
    await Promise.all(servers.map(({ url }) => call(url, '/healthz').catch(() => null)));
    slowestMs = Math.max(slowestMs, performance.now() - started);
  };
  const timer = setInterval(() => void probe(), PROBE_EVERY_MS);
  closing.addEventListener('abort', () => clearInterval(timer));
  return {
    stop() {
      clearInterval(timer);
      return slowestMs;
    },
  };
}

function judgeRefusals({ operations }: Ledger, { outages, probedMs }: { outages: Outage[]; probedMs: number }): Check {
  const attempts = operations.flatMap((operation) =>
    operation.attempts.filter((attempt) => outages.some((outage) => isDuring(attempt, outage))),
  );
  const violations = attempts.flatMap(({ sentMs, doneMs, status }) => {
    const tookMs = doneMs - sentMs;
    if (status === 0) return [`not answered at all, after ${tookMs} ms`];
    return tookMs > ANSWERED_WITHIN_MS + 2 * probedMs ? [`answered ${status} after ${tookMs} ms`] : [];
  });
  const what = `every call was answered within 1 s while Redis was away (a probe without Redis took up to ${probedMs.toFixed(0)} ms)`;
  return { what, looked: attempts.length, violations };
}

function judgeSockets({ closes, violations, told: tickets }: Watchers): Check {
  const closed = Object.entries(closes).map(([code, count]) => `${count} sockets were closed with ${code}`);
  return { what: 'all sockets stayed open', looked: tickets, violations: [...violations, ...closed] };
}

function judgeRecovery(backMs: readonly number[], { same }: { same: boolean }): Check {
  const violations = backMs
    .filter((ms) => ms > BACK_WITHIN_MS)
    .map((ms) => `ready again only ${ms.toFixed(0)} ms later`);
  if (!same) violations.push('a server was started again');
  return { what: 'the servers went on by themselves', looked: backMs.length, violations };
}
