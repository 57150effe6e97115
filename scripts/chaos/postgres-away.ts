/** Case 5, PostgreSQL is away: sales go on, and all rows come later. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case, CaseOptions, Check, Verdict } from './case.ts';
import { type Fleet, startFleet } from './kit/fleet.ts';
import { checkAll } from './kit/invariants.ts';
import type { Attempt, Kind, Ledger } from './kit/ledger.ts';
import { startLoad } from './kit/load.ts';
import { isDuring, type Outage, outagesOf, told } from './kit/outages.ts';
import { type Dice, dice } from './kit/random.ts';

export const postgresAway: Case = {
  name: 'postgres-away',
  about: 'PostgreSQL killed, refusing or silent for seconds under load: sales go on, rows come later',
  short: 0.02,
  run: runPostgresAway,
};

/** A server that was stopped and started again, as an operator would. */
interface Restart {
  url: string;
  fromMs: number;
  untilMs: number;
}

async function runPostgresAway(options: CaseOptions): Promise<Verdict> {
  const random = dice(options.seed);
  const fleet = await startFleet({ throughProxies: true });
  try {
    const load = await startLoad(fleet, { fans: 40, concerts: 3, seats: 400, seed: options.seed });
    const { postgres } = fleet;
    const restarts: Restart[] = [];
    const proxy = fleet.proxies?.postgres;
    const away = () => sleep(random.between(1_000, 4_000));
    const outages = await outagesOf(options, {
      random,
      ways: {
        killed: async () => {
          await postgres.kill9();
          await away();
          // What sells meanwhile must start again without PostgreSQL, too.
          restarts.push(...(await restartSome(fleet, random)));
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
    // Last, when all that the servers wrote has come.
    checks.push(judgeNothingRefused(fleet, ledger, { outages, restarts }));
    return told('PostgreSQL', { outages, ledger, checks });
  } finally {
    await fleet.close();
  }
}

async function restartSome({ worker, servers, urls }: Fleet, random: Dice): Promise<Restart[]> {
  if (random.chance(0.7)) return [];
  const part = random.pick([worker, ...servers]);
  const fromMs = Date.now();
  await part.stop();
  await part.start();
  const url = urls[servers.indexOf(part)];
  return url === undefined ? [] : [{ url, fromMs, untilMs: Date.now() }];
}

const SALES: ReadonlySet<Kind> = new Set(['hold', 'charge', 'pay']);

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

/** Of the lines that tell of a 503 there is one a second at most. */
const LINE_EVERY_MS = 1_000;

/**
 * That PostgreSQL was away is no reason to refuse. What a busy machine does without its help is one: Redis that missed
 * its 800 ms, by the server's own log, and a server that was just being started again.
 */
function judgeNothingRefused(
  { servers, urls }: Fleet,
  { operations }: Ledger,
  { outages, restarts }: { outages: readonly Outage[]; restarts: readonly Restart[] },
): Check {
  const missed = new Map(urls.map((url, index) => [url, servers[index]?.output.flatMap(readMissed) ?? []]));
  const isExcused = ({ url, sentMs, doneMs }: Attempt) =>
    restarts.some((restart) => restart.url === url && doneMs >= restart.fromMs && sentMs <= restart.untilMs) ||
    missed.get(url)?.some((atMs) => atMs >= sentMs - LINE_EVERY_MS && atMs <= doneMs);
  const attempts = operations
    .filter(({ kind }) => SALES.has(kind))
    .flatMap((operation) =>
      operation.attempts.filter((attempt) => outages.some((outage) => isDuring(attempt, outage))),
    );
  const refused = attempts.filter(({ status }) => status >= 500);
  const violations = refused
    .filter((attempt) => !isExcused(attempt))
    .map(({ status, code, sentMs }) => `${status} ${code} at ${new Date(sentMs).toISOString()}`);
  const excused = refused.length - violations.length;
  const what = `no hold, charge or payment is refused because PostgreSQL is away (${excused} were for Redis or a restart)`;
  return { what, looked: attempts.length, violations };
}

/** When a server wrote that Redis had not answered in time; nothing for any other line. */
export function readMissed(line: string): number[] {
  if (!line.includes('a call was answered 503') || !line.includes('"Command timed out"')) return [];
  return [Date.parse(/"time":"([^"]+)"/.exec(line)?.[1] ?? '')];
}
