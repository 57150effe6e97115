/**
 * `npm run chaos [-- <case>... --runs N --seconds S --seed X]`: each case starts servers of its own on this machine,
 * does them harm under load, ends them, and says which promises held. Exits with 1 where one did not.
 */
import { randomInt } from 'node:crypto';
import { readCommandLine, refuseCommandLine } from '../../src/command-line.ts';
import { abuse } from './abuse.ts';
import type { Case, Verdict } from './case.ts';
import { postgresAway } from './postgres-away.ts';
import { redisAway } from './redis-away.ts';
import { clock } from './clock.ts';
import { cluster } from './cluster.ts';
import { cut } from './cut.ts';
import { history } from './history.ts';
import { kill } from './kill.ts';
import { redisFull } from './redis-full.ts';
import { rebuild } from './rebuild.ts';
import { renderTable, renderVerdict } from './report.ts';
import { restart } from './restart.ts';
import { slowClient } from './slow-client.ts';
import { tornLog } from './torn-log.ts';

/** In this order where none is named. */
const CASES: Case[] = [
  kill,
  cut,
  redisFull,
  clock,
  slowClient,
  postgresAway,
  redisAway,
  restart,
  tornLog,
  history,
  cluster,
  abuse,
  rebuild,
];

/** Of a case's faults in its long form; `--runs` is counted against it. */
const FULL_RUNS = 100;

const SECONDS = 1_500;

const USAGE = `usage: npm run chaos [-- <case>...] [--runs N] [--seconds S] [--seed X]

  --runs N     ${FULL_RUNS} is the full size of every case, which is also the default: ${FULL_RUNS} faults of a kind, or their like
  --seconds S  a case ends by then, however much of it is done (${SECONDS})
  --seed X     of all that is drawn at random

cases:
${CASES.map(({ name, about }) => `  ${name.padEnd(14)} ${about}`).join('\n')}`;

const { positionals, values } = readCommandLine(
  {
    runs: { type: 'string', default: String(FULL_RUNS) },
    seconds: { type: 'string', default: String(SECONDS) },
    seed: { type: 'string', default: String(randomInt(1_000_000)) },
  },
  USAGE,
);
const [runs, seconds, seed] = [Number(values.runs), Number(values.seconds), Number(values.seed)];
const unknown = positionals.filter((name) => !CASES.some((each) => each.name === name));
if (unknown.length > 0) refuseCommandLine(`Unknown case: ${unknown.join(', ')}`, USAGE);
if (!(runs >= 1 && runs <= 10_000)) refuseCommandLine(`--runs ${values.runs} is not from 1 to 10000`, USAGE);
if (!(seconds >= 5)) refuseCommandLine(`--seconds ${values.seconds} is not at least 5`, USAGE);
if (!Number.isInteger(seed)) refuseCommandLine(`--seed ${values.seed} is not a whole number`, USAGE);

const chosen = positionals.length === 0 ? CASES : CASES.filter(({ name }) => positionals.includes(name));
const verdicts: { name: string; verdict: Verdict; seconds: number }[] = [];
for (const { name, about, run } of chosen) {
  console.log(`\n## ${name}: ${about} (seed ${seed})\n`);
  const started = performance.now();
  const verdict = await run({
    size: runs / FULL_RUNS,
    deadlineMs: performance.now() + seconds * 1000,
    seed,
    tell: (line) => console.log(`${name}: ${line}`),
  }).catch(brokenOff);
  verdicts.push({ name, verdict, seconds: (performance.now() - started) / 1000 });
  console.log(renderVerdict(verdict));
}
console.log(`\n${renderTable(verdicts)}`);
const violated = verdicts.some(({ verdict }) => verdict.checks.some(({ violations }) => violations.length > 0));
// What a case that was broken off has left under way ends with us.
process.exit(violated ? 1 : 0);

/** A case that throws has proven nothing. */
function brokenOff(error: unknown): Verdict {
  const violations = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  const checks = [{ what: 'the case comes to its end', looked: 1, violations }];
  return { done: 'broken off', runs: 0, operations: 0, answered: 0, unknown: 0, refused: {}, checks };
}
