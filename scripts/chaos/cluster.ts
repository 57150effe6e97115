/**
 * Case 6: a Redis Cluster of three shards, a replica each. First DURABILITY=replica under the mixed load: masters and
 * replicas are killed (-9), failovers asked for, and everything that was answered is there. Then what the other setting
 * costs: how many answered charges a killed master takes with it, and how many more charges a second are answered.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisCluster, Shard } from '../../src/testing/redis-cluster.ts';
import { withMember } from '../../src/testing/redis-cluster.ts';
import { startSystem, type System } from '../../src/testing/system.ts';
import { until } from '../../src/testing/until.ts';
import type { Case, CaseOptions, Check, Verdict } from './case.ts';
import { harmUntil } from './kit/bounds.ts';
import { startChargeStorm } from './kit/charge-storm.ts';
import { type Fleet, startFleet } from './kit/fleet.ts';
import { checkAll } from './kit/invariants.ts';
import { tally } from './kit/ledger.ts';
import { startLoad } from './kit/load.ts';
import { type Dice, dice } from './kit/random.ts';

const FAULTS = ['master killed', 'failover asked for', 'replica killed'] as const;
type Fault = (typeof FAULTS)[number];
/** In the long form, in turns; and masters killed while charges are answered that wait for no replica. */
const TIMES = { faults: 120, fsync: 20 };
const NODE_TIMEOUT_MS = 1_000;
const PAUSE_MS = [100, 1_500] as const;
const AWAY_MS = [0, 600] as const;
const WHOLE_WITHIN_MS = 60_000;
/** README, Operating: what a killed master may take with it where nobody waits for a replica. */
const WINDOW_MS = 1_000;
const LANES = 32;
const COST_MS = 3_000;

export const cluster: Case = {
  name: 'cluster',
  about: 'three shards with replicas: masters and replicas killed, failovers asked for, under load',
  short: 0.01,
  run,
};

async function run({ size, deadlineMs, seed, tell }: CaseOptions): Promise<Verdict> {
  const random = dice(seed);
  const fleet = await startFleet({
    durability: 'replica',
    cluster: { replicas: 1, nodeTimeoutMs: NODE_TIMEOUT_MS },
    redis: { settings: { 'repl-diskless-sync-delay': '0' } },
  });
  try {
    const load = await startLoad(fleet, { fans: 40, concerts: 3, seats: 400, seed });
    const times = Math.max(1, Math.round(TIMES.faults * size));
    const struck: Record<Fault, number> = { 'master killed': 0, 'failover asked for': 0, 'replica killed': 0 };
    const endMs = harmUntil(deadlineMs);
    for (let i = 0; i < times && performance.now() < endMs; i++) {
      await sleep(random.between(...PAUSE_MS));
      const fault = FAULTS[i % FAULTS.length] as Fault;
      await strike(clusterOf(fleet), fault, random);
      struck[fault]++;
      if ((i + 1) % 10 === 0) tell(`${i + 1} of ${times} faults, ${load.ledger.operations.length} operations`);
    }
    tell('the cluster is whole again; the load ends, the books are read');
    const ledger = await load.stop();
    const checks = await checkAll(fleet, ledger);
    const list = FAULTS.map((fault) => `${fault} ${struck[fault]}`).join(', ');
    const verdict = {
      done: `DURABILITY=replica under load: ${list}`,
      runs: Object.values(struck).reduce((sum, count) => sum + count, 0),
      ...tally(ledger),
      checks,
    };
    const kills = Math.round(TIMES.fsync * size);
    if (kills === 0) return verdict;
    tell('charges with and without waiting for a replica');
    const window = await measureWindow(fleet, { times: kills, random, endMs });
    verdict.done += `; then ${window.told}`;
    verdict.runs += window.kills;
    verdict.checks.push(window.check);
    return verdict;
  } finally {
    await fleet.close();
  }
}

function clusterOf({ cluster: found }: Fleet): RedisCluster {
  if (!found) throw new Error('the fleet has no cluster');
  return found;
}

/** One fault; comes back once every slot has its master and every master its replica. */
async function strike(members: RedisCluster, fault: Fault, random: Dice): Promise<void> {
  const { master, replicas } = random.pick(await untilWhole(members));
  const replica = replicas[0] as Shard['master'];
  const tookOver = () => until(() => isMaster(members, replica), { timeoutMs: WHOLE_WITHIN_MS, what: 'the failover' });
  if (fault === 'failover asked for') {
    await withMember(replica, (redis) => redis.call('CLUSTER', 'FAILOVER'));
    await tookOver();
  } else {
    const killed = fault === 'master killed' ? master : replica;
    await killed.kill9();
    // Sometimes it is back before anybody has missed it.
    if (killed === master && random.chance(0.7)) await tookOver();
    else await sleep(random.between(...AWAY_MS));
    await killed.restart();
  }
  await untilWhole(members);
}

async function isMaster(members: RedisCluster, server: Shard['master']): Promise<boolean> {
  return (await members.shards()).some(({ master }) => master === server);
}

async function untilWhole(members: RedisCluster): Promise<Shard[]> {
  let shards: Shard[] = [];
  const whole = async () => {
    shards = await members.shards().catch(() => []);
    return shards.length === 3 && shards.every(({ replicas }) => replicas.length > 0);
  };
  await until(whole, { timeoutMs: WHOLE_WITHIN_MS, everyMs: 50, what: 'a whole cluster' });
  return shards;
}

interface Window {
  kills: number;
  told: string;
  check: Check;
}

/** Charges by two servers on this cluster, one that waits for replicas and one that does not. */
async function measureWindow(
  fleet: Fleet,
  { times, random, endMs }: { times: number; random: Dice; endMs: number },
): Promise<Window> {
  const members = clusterOf(fleet);
  const servers: System[] = [];
  const start = async (durability: string): Promise<string> => {
    const server = await startSystem({
      REDIS_URL: members.url,
      REDIS_CLUSTER: 'true',
      DATABASE_URL: fleet.databaseUrl,
      ROLE: 'server',
      DURABILITY: durability,
      LIMIT_USER_PER_SECOND: '0',
    });
    servers.push(server);
    return server.url;
  };
  try {
    const urls = { fsync: await start('fsync'), replica: await start('replica') };
    const cost = await measureCost(fleet, urls);
    const lost = { charges: 0, oldestMs: 0, of: 0, kills: 0 };
    while (lost.kills < times && (lost.kills === 0 || performance.now() < endMs)) {
      const storm = await startChargeStorm(urls.fsync, fleet.direct, LANES);
      await sleep(random.between(...PAUSE_MS));
      const killedMs = performance.now();
      await strike(members, 'master killed', random);
      await storm.stop();
      const { charges, oldestMs } = await storm.lostBy(fleet.direct, killedMs);
      lost.kills++;
      lost.of += storm.answered;
      lost.charges += charges;
      lost.oldestMs = Math.max(lost.oldestMs, oldestMs);
    }
    const { kills, of, charges, oldestMs } = lost;
    return {
      kills,
      told: `DURABILITY=fsync: ${kills} masters killed took ${charges} of ${of} answered charges with them, the oldest answered ${oldestMs.toFixed(1)} ms before; replica answers ${cost.toFixed(2)} of the charges that fsync answers, ${LANES} at once`,
      check: {
        what: `without waiting for a replica, a killed master takes nothing with it that was answered ${WINDOW_MS} ms before`,
        looked: of,
        violations: oldestMs > WINDOW_MS ? [`${charges} charges are gone, the oldest of ${oldestMs} ms before`] : [],
      },
    };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** Charges answered with `replica` for one with `fsync`: in turns, so that what else the machine does hits both. */
async function measureCost({ direct }: Fleet, urls: { fsync: string; replica: string }): Promise<number> {
  const answered = { fsync: 0, replica: 0 };
  for (const durability of ['fsync', 'replica', 'fsync', 'replica'] as const) {
    const storm = await startChargeStorm(urls[durability], direct, LANES);
    await sleep(COST_MS / 4);
    await storm.stop();
    answered[durability] += storm.answered;
  }
  return answered.replica / answered.fsync;
}
