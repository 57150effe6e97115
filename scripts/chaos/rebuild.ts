/**
 * Case 7, `rebuild`: Redis is emptied and rebuilt from PostgreSQL and the backups, by the command that operators use, on
 * one Redis and on a cluster in turn. Either all was recorded before, and then everything that was answered is back; or
 * the worker was killed under load before, and then what PostgreSQL has is back and the books agree. In between a
 * rebuild is killed, and a server must not start on what it has left.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { backUpConcert, concertBackups } from '../../src/concerts/backup.ts';
import { createLog } from '../../src/observability/log.ts';
import { onEveryMaster } from '../../src/redis/client.ts';
import { concertKeys, partitionKeys, WALLET_PARTITIONS } from '../../src/redis/keys.ts';
import { call, enter, type Fan, newFans, operatorCall } from '../../src/testing/fan.ts';
import { leash } from '../../src/testing/leash.ts';
import { until } from '../../src/testing/until.ts';
import { backUpAccounts, backupFile } from '../../src/users/backup.ts';
import { openWallet } from '../../src/wallet/open.ts';
import type { Case, CaseOptions, Check, Verdict } from './case.ts';
import { harmUntil } from './kit/bounds.ts';
import { gatherEvidence } from './kit/evidence.ts';
import { type Fleet, startFleet } from './kit/fleet.ts';
import { judgeAudit } from './kit/invariants.ts';
import { judgeBooks, judgeCharges, judgePaymentsInPostgres, judgePaymentsInRedis } from './kit/judge-money.ts';
import { judgeSeats } from './kit/judge-seats.ts';
import { type Ledger, tally } from './kit/ledger.ts';
import { startLoad } from './kit/load.ts';
import { dice } from './kit/random.ts';

/** In the long form. */
const LOSSES = 20;
const LOAD_MS = 2_500;
const UNRECORDED_MS = 700;
const ACCOUNTS = 3;
const PASSWORD = 'correct horse battery';
const PLACES_ASKED = 30;

export const rebuild: Case = {
  name: 'rebuild',
  about: 'Redis emptied, and rebuilt from PostgreSQL, the catalogue and the accounts backup; on a cluster, too',
  short: 0.05,
  run,
};

async function run({ size, deadlineMs, seed, tell }: CaseOptions): Promise<Verdict> {
  const times = Math.max(1, Math.round(LOSSES * size));
  const endMs = harmUntil(deadlineMs);
  const sum: Verdict = { done: '', runs: 0, operations: 0, answered: 0, unknown: 0, refused: {}, checks: [] };
  while (sum.runs < times && (sum.runs === 0 || performance.now() < endMs)) {
    const turn = sum.runs % 4;
    const loss = { cluster: turn % 2 === 1, recorded: turn < 2, seed: seed + sum.runs };
    const { ledger, checks } = await lose(loss);
    const { operations, answered, unknown, refused } = tally(ledger);
    sum.runs++;
    sum.operations += operations;
    sum.answered += answered;
    sum.unknown += unknown;
    for (const [code, count] of Object.entries(refused)) sum.refused[code] = (sum.refused[code] ?? 0) + count;
    addUp(sum.checks, checks);
    tell(
      `${sum.runs} of ${times}: ${loss.cluster ? 'a cluster' : 'one Redis'}, ${loss.recorded ? 'all recorded' : 'worker killed before'}`,
    );
  }
  return { ...sum, done: `Redis emptied and rebuilt, a rebuild killed half way each time: ${sum.runs} times` };
}

function addUp(sums: Check[], checks: readonly Check[]): void {
  for (const { what, looked, violations } of checks) {
    const sum = sums.find((each) => each.what === what);
    if (!sum) sums.push({ what, looked, violations: [...violations] });
    else {
      sum.looked += looked;
      sum.violations.push(...violations);
    }
  }
}

interface Loss {
  cluster: boolean;
  /** all that was answered is in PostgreSQL when Redis is lost */
  recorded: boolean;
  seed: number;
}

async function lose({ cluster, recorded, seed }: Loss): Promise<{ ledger: Ledger; checks: Check[] }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'onsale-rebuild-'));
  const fleet = await startFleet({ servers: 1, cluster, durability: cluster ? 'memory' : 'fsync' });
  try {
    const accounts = await newFans(fleet.urls[0] ?? '', ACCOUNTS);
    const load = await startLoad(fleet, { fans: 20, concerts: 2, seats: 200, seed });
    await sleep(LOAD_MS);
    if (!recorded) {
      await fleet.worker.kill9();
      await sleep(UNRECORDED_MS);
    }
    const ledger = await load.stop();
    if (recorded) await untilRecorded(fleet, ledger);
    await backUp(fleet, { ledger, dataDir });
    await Promise.all([...fleet.servers, fleet.worker].map((part) => part.kill9()));
    await empty(fleet);
    const broken = await breakOff(fleet, { dataDir, afterMs: dice(seed).between(400, 1_500) });
    const rebuilt = await runRebuild(fleet, { dataDir });
    const said = rebuilt.code === 0 && rebuilt.output.includes('audit clean') ? [] : [rebuilt.output];
    const checks: Check[] = [
      broken,
      { what: 'the rebuild comes to its end, its audit clean', looked: 1, violations: said },
    ];
    if (said.length > 0) return { ledger, checks };
    await Promise.all([...fleet.servers, fleet.worker].map((part) => part.start()));
    // Users of the load have no account: as those of an outside provider, they come into being by their first call.
    await Promise.all([...ledger.users.keys()].map((userId) => openWallet({ redis: fleet.direct }, userId)));
    checks.push(...(await judge(fleet, { ledger, accounts, recorded })));
    return { ledger, checks };
  } finally {
    await fleet.close();
    rmSync(dataDir, { recursive: true });
  }
}

async function untilRecorded({ direct }: Fleet, { concerts }: Ledger): Promise<void> {
  const partitions = Array.from({ length: WALLET_PARTITIONS }, (_, partition) => partitionKeys(partition));
  const outboxes = [...[...concerts].map(concertKeys), ...partitions];
  const left = async () => {
    const lengths = await Promise.all(outboxes.map(({ outbox }) => direct.xlen(outbox)));
    return lengths.every((length) => length === 0);
  };
  await until(left, { timeoutMs: 30_000, everyMs: 100, what: 'all outboxes empty' });
}

/** What the worker does every minute and hour, in its own folder. */
async function backUp({ direct }: Fleet, { ledger, dataDir }: { ledger: Ledger; dataDir: string }): Promise<void> {
  const deps = { redis: direct, log: createLog('silent', 'chaos'), dataDir };
  await backUpAccounts(deps);
  for (const concertId of ledger.concerts) await backUpConcert(deps, concertId);
}

async function empty({ direct }: Fleet): Promise<void> {
  await onEveryMaster(direct, async (node) => {
    await node.flushall();
    await node.client('SETNAME', 'chaos'); // else it is taken for a server's
  });
}

/** The command of the operators, as a child; killed after `afterMs` where that is given. */
async function runRebuild(
  { redis, cluster, databaseUrl }: Fleet,
  { dataDir, afterMs }: { dataDir: string; afterMs?: number },
): Promise<{ code: number | null; output: string }> {
  const files = ['--accounts', backupFile(dataDir), '--catalogue', concertBackups(dataDir)];
  const child = spawn(process.execPath, [resolve(import.meta.dirname, '../../src/rebuild.ts'), ...files], {
    cwd: dataDir,
    env: {
      PATH: process.env.PATH,
      REDIS_URL: cluster?.url ?? redis?.url,
      REDIS_CLUSTER: String(cluster !== null),
      DATABASE_URL: databaseUrl,
      DURABILITY: cluster ? 'memory' : 'fsync',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const tie = leash(child.pid, dataDir, { removeDir: false });
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs ?? 60_000);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  clearTimeout(timer);
  tie.release();
  return { code, output };
}

/** A rebuild is killed; where it had begun to write, and was not at its end, no server starts on that. */
async function breakOff(fleet: Fleet, options: { dataDir: string; afterMs: number }): Promise<Check> {
  const what = 'no server starts on a Redis whose rebuild was broken off';
  const { code, output } = await runRebuild(fleet, options);
  if (code === 0) {
    await empty(fleet); // it was too quick
    return { what, looked: 1, violations: [] };
  }
  let keys = 0;
  await onEveryMaster(fleet.direct, async (node) => void (keys += await node.dbsize()));
  if (keys === 0) return { what, looked: 1, violations: [] };
  const started = await fleet.servers[0]?.start().then(
    () => 'it started',
    (error: unknown) => String(error),
  );
  const refused = started?.includes('npm run rebuild');
  if (started === 'it started') await fleet.servers[0]?.kill9();
  return { what, looked: 1, violations: refused ? [] : [`${started}, after: ${output}`] };
}

async function judge(
  fleet: Fleet,
  { ledger, accounts, recorded }: { ledger: Ledger; accounts: readonly Fan[]; recorded: boolean },
): Promise<Check[]> {
  const evidence = await gatherEvidence(fleet, ledger);
  const money = [judgePaymentsInRedis, judgePaymentsInPostgres, judgeCharges, judgeBooks, judgeSeats];
  const checks = recorded ? money.map((each) => each(ledger, evidence)) : [];
  const lost = evidence.payments.filter(({ reservationId }) => {
    const known = ledger.operations.some(({ effect }) => effect?.id === reservationId);
    return known && evidence.reservations.get(reservationId)?.status !== 'CONFIRMED';
  });
  checks.push({
    what: 'every payment that PostgreSQL has is in Redis',
    looked: evidence.payments.length,
    violations: lost.map(({ paymentId }) => `${paymentId} is not`),
  });
  checks.push(
    await judgePlaces(fleet, ledger),
    await judgeLogins(fleet, accounts),
    await judgeSale(fleet, ledger, accounts),
  );
  await untilRecorded(fleet, ledger);
  const audit = await operatorCall(fleet.urls[0] ?? '', '/audit');
  checks.push(judgeAudit(audit.status === 200 ? audit.body : `audit: ${audit.status}`));
  return checks;
}

async function judgePlaces({ urls }: Fleet, { operations }: Ledger): Promise<Check> {
  const joined = operations.filter(({ kind, call: asked, queueId }) => kind === 'hold' && asked.queue && queueId);
  const some = joined.slice(-PLACES_ASKED);
  const violations: string[] = [];
  for (const { queueId, call: asked } of some) {
    const answer = await call(urls[0] ?? '', `/api/v1/queue/${queueId}`, { queue: asked.queue });
    if (answer.body?.code !== 'QUEUE_NOT_FOUND') violations.push(`${queueId}: ${answer.status} ${answer.body?.code}`);
  }
  return { what: 'a queue token of before is refused', looked: some.length, violations };
}

async function judgeLogins({ urls }: Fleet, accounts: readonly Fan[]): Promise<Check> {
  const violations: string[] = [];
  for (const { email, userId } of accounts) {
    const answer = await call(urls[0] ?? '', '/api/v1/auth/login', { body: { email, password: PASSWORD } });
    if (answer.body?.userId !== userId) violations.push(`${email}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  return { what: 'whoever has an account can sign in', looked: accounts.length, violations };
}

/** Somebody tries every seat that was paid, and buys another. */
async function judgeSale({ urls }: Fleet, ledger: Ledger, [fan]: readonly Fan[]): Promise<Check> {
  const what = 'sales go on: what was sold is taken, another seat is bought';
  const url = urls[0] ?? '';
  const [concertId = ''] = ledger.concerts;
  if (!fan) return { what, looked: 0, violations: [] };
  const { token: queue } = await enter(url, fan, concertId);
  const schedules = await call(url, `/api/v1/concerts/${concertId}/schedules`, { queue });
  const [{ scheduleId }] = schedules.body.schedules;
  const map = await call(url, `/api/v1/concerts/${concertId}/schedules/${scheduleId}/seats`, { queue });
  const seatOf = (status: string) =>
    (map.body.seats as { seatId: string; status: string }[]).find((seat) => seat.status === status)?.seatId;
  const hold = (seatId?: string) =>
    call(url, '/api/v1/reservations', { body: { scheduleId, seatIds: [seatId] }, queue });
  const [sold, free] = [seatOf('SOLD'), seatOf('AVAILABLE')];
  const violations: string[] = [];
  const again = sold && (await hold(sold));
  if (again && again.body.code !== 'SEAT_TAKEN')
    violations.push(`${sold} is sold, and a hold of it is ${again.status}`);
  const held = await hold(free);
  await call(url, `/api/v1/users/${fan.userId}/balance`, { body: { amount: 100_000 }, queue });
  const paid = await call(url, '/api/v1/payments', { body: { reservationId: held.body.reservationId }, queue });
  if (paid.status !== 201) violations.push(`${free}: ${held.status}, then ${paid.status} ${JSON.stringify(paid.body)}`);
  return { what, looked: 2, violations };
}
