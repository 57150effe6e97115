/**
 * Case 5, `clock`: one server is an hour ahead, the other an hour behind, the worker is either, and changes with each
 * restart; PostgreSQL goes away in between, so that the worker has something to put off. Nothing but the lifetime of
 * tokens goes by a process' own clock.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case, CaseOptions, Check, Verdict } from './case.ts';
import { harmUntil } from './kit/bounds.ts';
import { type Fleet, startFleet } from './kit/fleet.ts';
import { checkAll } from './kit/invariants.ts';
import { type Ledger, tally } from './kit/ledger.ts';
import { startLoad } from './kit/load.ts';

/** Restarts of the worker with another clock, in the long form. */
const ROUNDS = 30;
const HOUR_MS = 3_600_000;
/** One after the other; the last worker is right, and has nothing left of what the others put off. */
const WORKER_OFF_MS = [HOUR_MS, -HOUR_MS, 0];
/** Long enough for chunks to fail and to be put off. */
const POSTGRES_AWAY_MS = 2_000;
const BETWEEN_MS = 1_000;
/** What a caller's clock and the load's may differ by, both on this machine, with a busy server between them. */
const TOLERANCE_MS = 15_000;

const PRELOAD = new URL('kit/shifted-clock.mjs', import.meta.url).href;

export const clock: Case = {
  name: 'clock',
  about: 'processes whose own clocks are an hour ahead or behind',
  short: 0.1,
  run,
};

async function run({ size, deadlineMs, seed, tell }: CaseOptions): Promise<Verdict> {
  let workerOffMs = 0;
  const offOf = (name: string) => ({ 'server 1': HOUR_MS, 'server 2': -HOUR_MS })[name] ?? workerOffMs;
  const fleet = await startFleet({
    envOf: (name) => ({ NODE_OPTIONS: `--import ${PRELOAD}`, CLOCK_OFF_MS: String(offOf(name)) }),
  });
  try {
    const load = await startLoad(fleet, { fans: 40, concerts: 3, seats: 400, seed });
    const until = harmUntil(deadlineMs);
    const times = Math.max(WORKER_OFF_MS.length, Math.round(ROUNDS * size));
    let rounds = 0;
    while (rounds < times && performance.now() < until) {
      workerOffMs = WORKER_OFF_MS[rounds % WORKER_OFF_MS.length] ?? 0;
      await changeWorker(fleet);
      rounds++;
      if (rounds % 10 === 0) tell(`${rounds} of ${times} workers`);
    }
    const ledger = await load.stop();
    const checks = [judgeTimes(ledger), ...(await checkAll(fleet, ledger))];
    const done = `servers an hour ahead and an hour behind, ${rounds} workers an hour ahead, behind or right, each replaced while PostgreSQL was away`;
    return { done, runs: rounds, ...tally(ledger), checks };
  } finally {
    await fleet.close();
  }
}

/** The old worker fails for a while, and leaves what it has put off to one with another clock. */
async function changeWorker({ postgres, worker }: Fleet): Promise<void> {
  await sleep(BETWEEN_MS);
  await postgres.kill9();
  await sleep(POSTGRES_AWAY_MS);
  await worker.kill9();
  await worker.start();
  await postgres.restart();
}

/** Times in answers are those of Redis, whichever server gave them. */
function judgeTimes({ operations }: Ledger): Check {
  const violations: string[] = [];
  const holds = operations.filter(({ kind, effect }) => kind === 'hold' && effect !== null);
  for (const { key, attempts, effect } of holds) {
    const sentMs = attempts[0]?.sentMs ?? 0;
    const doneMs = attempts.at(-1)?.doneMs ?? 0;
    const { createdMs = 0 } = effect ?? {};
    if (createdMs < sentMs - TOLERANCE_MS || createdMs > doneMs + TOLERANCE_MS)
      violations.push(`hold ${key} was made ${createdMs - sentMs} ms after it was asked for`);
  }
  return { what: 'holds begin and end by the one clock of Redis', looked: holds.length, violations };
}
