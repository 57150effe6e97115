/**
 * Case 2: the network between all parts does what networks do, under load: replies are lost, requests and replies end
 * in the middle, come late or in two parts, connections are reset or say nothing any more. Every call is sent again
 * with its key until it is answered, and has one effect.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../src/limits.ts';
import type { Fate, TcpProxy, Way } from '../../src/testing/tcp-proxy.ts';
import type { Case, CaseOptions, Check } from './case.ts';
import { harmUntil } from './kit/bounds.ts';
import { type Fleet, startFleet } from './kit/fleet.ts';
import { checkAll } from './kit/invariants.ts';
import { type Ledger, tally } from './kit/ledger.ts';
import { startLoad } from './kit/load.ts';
import { type Dice, dice } from './kit/random.ts';

const KINDS = ['lost reply', 'half reply', 'half request', 'late', 'two parts', 'reset', 'silence'] as const;
type Kind = (typeof KINDS)[number];

/** Of each kind on each link, in the long form. */
const FAULTS = 100;
/** A silent connection of the worker is found after 15 s: more of them, and it would record nothing for half an hour. */
const SILENCES_OF_WORKER = 12;
const PAUSE_MS = [50, 400] as const;
/** Longer than a command of Redis may take, so that its reply comes when its caller has gone. */
const LATE_MS = [50, 2 * LIMITS.REDIS_COMMAND_TIMEOUT_MS] as const;
const TWO_PARTS_MS = [5, 200] as const;
/** Where nothing passes, there is nothing to harm. */
const IDLE_MS = 3_000;
/** The server's own deadlines, and what the network adds. */
const ANSWERED_WITHIN_MS = LIMITS.REQUEST_DEADLINE_MS + 2 * LATE_MS[1];

interface Link {
  name: string;
  proxies: readonly TcpProxy[];
  silences: number;
}

export const cut: Case = {
  name: 'cut',
  about: 'lost replies, halves, delays, resets and silence between clients, servers, Redis, worker and PostgreSQL',
  short: 0.03,
  run,
};

async function run({ size, deadlineMs, seed, tell }: CaseOptions) {
  const random = dice(seed);
  const fleet = await startFleet({ throughProxies: true });
  try {
    const load = await startLoad(fleet, { fans: 40, concerts: 3, seats: 400, seed });
    const until = harmUntil(deadlineMs);
    const links = linksOf(fleet);
    const counts = await Promise.all(links.map((link) => harm(link, { size, until, random })));
    links.forEach(({ name }, index) => tell(`${name}: ${listOf(counts[index] ?? new Map())}`));
    const ledger = await load.stop();
    const faults = counts.flatMap((count) => [...count.values()]).reduce((sum, count) => sum + count, 0);
    const done = links.map(({ name }, index) => `${name}: ${listOf(counts[index] ?? new Map())}`).join('; ');
    return { done, runs: faults, ...tally(ledger), checks: [...(await checkAll(fleet, ledger)), judgeWaits(ledger)] };
  } finally {
    await fleet.close();
  }
}

function linksOf({ proxies }: Fleet): Link[] {
  if (!proxies?.redisOfWorker) throw new Error('a fleet without proxies');
  return [
    // To a client a server that says nothing is one that is away: there is nothing of onsale's in it (slow-client has the reverse).
    { name: 'client-server', proxies: proxies.http, silences: 0 },
    { name: 'server-Redis', proxies: proxies.redis, silences: FAULTS },
    { name: 'worker-Redis', proxies: [proxies.redisOfWorker], silences: SILENCES_OF_WORKER },
    { name: 'worker-PostgreSQL', proxies: [proxies.postgres], silences: SILENCES_OF_WORKER },
  ];
}

/** One fault after the other on one link, in any order; answers how many of each there were. */
async function harm(
  { proxies, silences }: Link,
  { size, until, random }: { size: number; until: number; random: Dice },
): Promise<Map<Kind, number>> {
  const times = (kind: Kind) => Math.round((kind === 'silence' ? silences : FAULTS) * size);
  const faults = random.shuffled(KINDS.flatMap((kind) => Array.from({ length: times(kind) }, () => kind)));
  const done = new Map<Kind, number>();
  for (const kind of faults) {
    await sleep(random.between(...PAUSE_MS));
    if (performance.now() > until) break;
    if (await strike(random.pick(proxies), { kind, random })) done.set(kind, (done.get(kind) ?? 0) + 1);
  }
  return done;
}

/** Whether something passed in time that it could befall. */
async function strike(proxy: TcpProxy, { kind, random }: { kind: Kind; random: Dice }): Promise<boolean> {
  if (kind === 'reset') {
    proxy.cut();
    return true;
  }
  const { way, fateOf } = planOf(kind, random);
  const { promise: struck, resolve } = Promise.withResolvers<boolean>();
  proxy.decide((piece) => {
    if (piece.way !== way) return null;
    proxy.decide(undefined);
    resolve(true);
    return fateOf(piece.bytes.length);
  });
  const late = new AbortController();
  const idle = sleep(IDLE_MS, false, { signal: late.signal }).catch(() => false);
  const met = await Promise.race([struck, idle]);
  late.abort();
  proxy.decide(undefined);
  return met;
}

function planOf(kind: Exclude<Kind, 'reset'>, random: Dice): { way: Way; fateOf(bytes: number): Fate } {
  const somewhere = (bytes: number) => random.between(1, Math.max(1, bytes - 1));
  const either: Way = random.pick(['request', 'reply']);
  switch (kind) {
    case 'lost reply':
      return { way: 'reply', fateOf: () => ({ passBytes: 0, next: 'reset' }) };
    case 'half reply':
      return { way: 'reply', fateOf: (bytes) => ({ passBytes: somewhere(bytes), next: 'reset' }) };
    case 'half request':
      return { way: 'request', fateOf: (bytes) => ({ passBytes: somewhere(bytes), next: 'reset' }) };
    case 'late':
      return { way: either, fateOf: () => ({ passBytes: 0, next: { lateMs: random.between(...LATE_MS) } }) };
    case 'two parts': {
      const next = { lateMs: random.between(...TWO_PARTS_MS) };
      return { way: either, fateOf: (bytes) => ({ passBytes: somewhere(bytes), next }) };
    }
    case 'silence':
      return { way: either, fateOf: () => ({ passBytes: 0, next: 'silence' }) };
  }
}

const listOf = (counts: ReadonlyMap<Kind, number>): string =>
  KINDS.flatMap((kind) => (counts.has(kind) ? [`${kind} ${counts.get(kind)}`] : [])).join(', ') || 'nothing';

function judgeWaits({ operations }: Ledger): Check {
  const waits = operations.flatMap(({ attempts }) => attempts.map(({ sentMs, doneMs }) => doneMs - sentMs));
  const late = waits.filter((ms) => ms > ANSWERED_WITHIN_MS);
  const slowest = waits.reduce((most, ms) => Math.max(most, ms), 0);
  return {
    what: `no call waits past the server's deadline (the slowest: ${slowest} ms)`,
    looked: waits.length,
    violations: late.map((ms) => `a call waited ${ms} ms`),
  };
}
