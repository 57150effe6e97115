/** Case 1: kill -9 of each part at random moments under a mixed load, and what was answered is there, once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case, CaseOptions, Check, Verdict } from './case.ts';
import { harmUntil } from './kit/bounds.ts';
import { type Fleet, startFleet } from './kit/fleet.ts';
import { checkAll } from './kit/invariants.ts';
import { type Ledger, tally } from './kit/ledger.ts';
import { startLoad } from './kit/load.ts';
import { type Dice, dice } from './kit/random.ts';

const TARGETS = ['server', 'worker', 'Redis', 'PostgreSQL'] as const;
type Target = (typeof TARGETS)[number];
/** Of each target, in the long form. */
const KILLS = 100;
/** Between two kills: long enough for a payment's sweep to be met under way, short enough for most to hit a recovery. */
const PAUSE_MS = [50, 1_200] as const;
/** A part stays away for up to so long. */
const AWAY_MS = [0, 600] as const;

export const kill: Case = {
  name: 'kill',
  about: 'kill -9 of server, worker, Redis and PostgreSQL at random moments under load',
  short: 0.01,
  run,
};

async function run({ size, deadlineMs, seed, tell }: CaseOptions): Promise<Verdict> {
  const random = dice(seed);
  const times = Math.max(1, Math.round(KILLS * size));
  const fleet = await startFleet();
  try {
    const load = await startLoad(fleet, { fans: 40, concerts: 3, seats: 400, seed });
    const killed: Record<Target, number> = { server: 0, worker: 0, Redis: 0, PostgreSQL: 0 };
    const targets = random.shuffled(TARGETS.flatMap((target) => Array.from({ length: times }, () => target)));
    const until = harmUntil(deadlineMs);
    let slowestMs = 0;
    for (const [index, target] of targets.entries()) {
      if (performance.now() > until) break;
      await sleep(random.between(...PAUSE_MS));
      const tookMs = await strike(fleet, target, random);
      killed[target]++;
      slowestMs = Math.max(slowestMs, tookMs);
      if ((index + 1) % 20 === 0)
        tell(`${index + 1} of ${targets.length} kills, ${load.ledger.operations.length} operations`);
    }
    tell('all is up again; the load ends, the books are read');
    const ledger = await load.stop();
    return verdictOf({ ledger, killed, slowestMs, checks: await checkAll(fleet, ledger) });
  } finally {
    await fleet.close();
  }
}

/** Kills it, leaves it away for a while, starts it again. Answers how long the start took. */
async function strike(fleet: Fleet, target: Target, random: Dice): Promise<number> {
  const part = {
    server: () => random.pick(fleet.servers),
    worker: () => fleet.worker,
    Redis: () => ({ kill9: () => fleet.redis?.kill9(), start: () => fleet.redis?.restart() }),
    PostgreSQL: () => ({ kill9: () => fleet.postgres.kill9(), start: () => fleet.postgres.restart() }),
  }[target]();
  await part.kill9();
  await sleep(random.between(...AWAY_MS));
  const started = performance.now();
  await part.start();
  return performance.now() - started;
}

function verdictOf({
  ledger,
  killed,
  slowestMs,
  checks,
}: {
  ledger: Ledger;
  killed: Record<Target, number>;
  slowestMs: number;
  checks: Check[];
}): Verdict {
  const list = TARGETS.map((target) => `${target} ${killed[target]}`).join(', ');
  const runs = TARGETS.reduce((sum, target) => sum + killed[target], 0);
  const slowest = `the slowest start took ${(slowestMs / 1000).toFixed(1)} s`;
  return { done: `kill -9, then a start, under load: ${list}; ${slowest}`, runs, ...tally(ledger), checks };
}
