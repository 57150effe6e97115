/** Case 5, Redis is away: 503 within a second, sockets stay open, and it goes on by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../../src/testing/fan.ts';
import { until } from '../../src/testing/until.ts';
import type { Case, CaseOptions, Check, Verdict } from './case.ts';
import { type Fleet, startFleet } from './kit/fleet.ts';
import { checkAll } from './kit/invariants.ts';
import type { Ledger } from './kit/ledger.ts';
import { startLoad } from './kit/load.ts';
import { isDuring, type Outage, outagesOf, told } from './kit/outages.ts';
import { dice } from './kit/random.ts';
import { startWatchers, type Watchers } from './kit/watchers.ts';

const WATCHERS = 20;

export const redisAway: Case = {
  name: 'redis-away',
  about: 'Redis killed or frozen for seconds under load: 503 within a second, sockets stay, no restart',
  short: 0.03,
  run: runRedisAway,
};

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
