/** Hundreds of thousands of concurrent calls, recorded, and searched for an order that explains every answer. */
import type { Case, CaseOptions, Check, Verdict } from './case.ts';
import { startFleet } from './kit/fleet.ts';
import type { Call } from './kit/history/call.ts';
import { checkHistory } from './kit/history/check.ts';
import { startClock } from './kit/history/clock.ts';
import { checkTheCheckers } from './kit/history/falsify.ts';
import { openLanes } from './kit/history/lanes.ts';
import { playRound } from './kit/history/round.ts';
import { dice } from './kit/random.ts';

const SERVERS = 3;
const ROUNDS = 42;
const CALLS_A_ROUND = 5_000;
const FANS = 120;

export const history: Case = {
  name: 'history',
  about: 'more than 200,000 concurrent calls are linearizable per seat, wallet and place',
  short: 1 / ROUNDS,
  run,
};

async function run({ size, deadlineMs, seed, tell }: CaseOptions): Promise<Verdict> {
  const rounds = Math.max(1, Math.round(ROUNDS * size));
  const random = dice(seed);
  const fleet = await startFleet({ servers: SERVERS });
  const clock = startClock();
  const lanes = openLanes(
    fleet.urls.map((url) => Number(new URL(url).port)),
    clock,
  );
  const sum = emptyVerdict();
  try {
    while (sum.runs < rounds && performance.now() < deadlineMs) {
      const started = performance.now();
      const { calls, hall } = await playRound({ fleet, lanes, random, fans: FANS, calls: CALLS_A_ROUND, deadlineMs });
      const played = performance.now();
      const checks = checkHistory(calls, hall);
      const isRight = checks.every(({ violations }) => violations.length === 0);
      if (isRight) checks.push(checkTheCheckers(calls, { hall, random }));
      if (clock.wasSet()) throw new Error('the clock of this machine was set meanwhile: times do not compare');
      add(sum, { calls, checks });
      const perSecond = Math.round((calls.length / (played - started)) * 1000);
      const seconds = ((performance.now() - played) / 1000).toFixed(1);
      tell(`round ${sum.runs} of ${rounds}: ${calls.length} calls at ${perSecond}/s, checked in ${seconds} s`);
    }
  } finally {
    lanes.close();
    await fleet.close();
  }
  sum.done = `${sum.runs} rounds of ${FANS} fans at once on ${SERVERS} servers; connections cut, requests sent twice, holds of 1 s, sessions of 4 s`;
  return sum;
}

function emptyVerdict(): Verdict {
  return { done: '', runs: 0, operations: 0, answered: 0, unknown: 0, refused: {}, checks: [] };
}

function add(sum: Verdict, { calls, checks }: { calls: readonly Call[]; checks: readonly Check[] }): void {
  sum.runs += 1;
  sum.operations += calls.length;
  for (const { status, body } of calls) {
    if (status === 0) sum.unknown += 1;
    else sum.answered += 1;
    if (status >= 400 && body.code) sum.refused[body.code] = (sum.refused[body.code] ?? 0) + 1;
  }
  for (const check of checks) {
    const same = sum.checks.find(({ what }) => what === check.what);
    if (!same) sum.checks.push(check);
    else {
      same.looked += check.looked;
      same.violations.push(...check.violations);
    }
  }
}
