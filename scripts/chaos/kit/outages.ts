/** A server that others need is away for seconds, again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseOptions, Check, Verdict } from '../case.ts';
import { harmUntil } from './bounds.ts';
import { type Attempt, type Ledger, tally } from './ledger.ts';
import type { Dice } from './random.ts';

/** In the long form. */
const OUTAGES = 100;
const BETWEEN_MS = [500, 2_000] as const;

export interface Outage {
  how: string;
  fromMs: number;
  untilMs: number;
}

/** One after the other until all are done or the time is up. Their times by the clock of the ledger. */
export async function outagesOf(
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

export const isDuring = ({ sentMs, doneMs }: Attempt, { fromMs, untilMs }: Outage): boolean =>
  sentMs >= fromMs && doneMs > 0 && doneMs <= untilMs;

export function told(
  what: string,
  { outages, ledger, checks }: { outages: Outage[]; ledger: Ledger; checks: Check[] },
): Verdict {
  const ways = [...Map.groupBy(outages, ({ how }) => how)].map(([how, all]) => `${how} ${all.length}`).join(', ');
  const seconds = outages.reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0) / 1000;
  const done = `${what} was away ${outages.length} times under load (${ways}), ${seconds.toFixed(0)} s in all`;
  return { done, runs: outages.length, ...tally(ledger), checks };
}
