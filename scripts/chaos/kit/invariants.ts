/** What must hold whatever was done to onsale: everything that was answered, and nothing else, is there, once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, call, operatorCall } from '../../../src/testing/fan.ts';
import type { AuditReport } from '../../../src/operations/shapes.ts';
import { WALLET_PARTITIONS, concertKeys, partitionKeys } from '../../../src/redis/keys.ts';
import type { Check } from '../case.ts';
import { type Evidence, each, gatherEvidence } from './evidence.ts';
import type { Fleet } from './fleet.ts';
import { judgeBooks, judgeCharges, judgePaymentsInPostgres, judgePaymentsInRedis } from './judge-money.ts';
import { judgeHolds, judgePlaces, judgeSeats } from './judge-seats.ts';
import type { Ledger, Operation } from './ledger.ts';

/** A transfer that a kill has left is settled 15 s later, an unsettled chunk is read again after 30 s. */
const DRAIN_MS = 90_000;
/** An audit that sees a difference looks again 20 s later. */
const AUDIT_MS = 90_000;
/** Operations that are sent once more after all is over. */
const REPEATED = 300;
const REPEATED_AGAIN = 20;

/** Looks into everything once the outboxes have emptied; all parts of the fleet must be up. */
export async function checkAll(fleet: Fleet, ledger: Ledger): Promise<Check[]> {
  const drained = await checkDrain(fleet, ledger);
  const repeats = await repeatSome(fleet, ledger);
  const evidence = await gatherEvidence(fleet, ledger);
  const audit = await readAudit(fleet);
  return [...judgeAll(ledger, evidence), drained, judgeRepeats(repeats), judgeAudit(audit), judgeLogs(fleet)];
}

/** All that is decided by the ledger and what is there. */
export function judgeAll(ledger: Ledger, evidence: Evidence): Check[] {
  return [
    judgeAnswers(ledger),
    judgeFans(ledger),
    judgeSeats(ledger, evidence),
    judgeHolds(ledger, evidence),
    judgePaymentsInRedis(ledger, evidence),
    judgePaymentsInPostgres(ledger, evidence),
    judgeCharges(ledger, evidence),
    judgeBooks(ledger, evidence),
    judgePlaces(ledger, evidence),
  ];
}

function judgeAnswers({ operations }: Ledger): Check {
  const violations: string[] = [];
  for (const { kind, userId, key, attempts, effect, refusal } of operations) {
    const name = `${kind} of ${userId} (${key})`;
    if (effect === null && refusal === null) violations.push(`${name} got no answer in ${attempts.length} attempts`);
    if (attempts.some(({ code }) => code === 'HUNG')) violations.push(`${name} hung past every deadline`);
    if (attempts.some(({ code }) => code === 'INTERNAL')) violations.push(`${name} was answered 500`);
    const ids = new Set(attempts.flatMap(({ id }) => (id === null ? [] : [id])));
    if (ids.size > 1) violations.push(`${name} was answered with ${[...ids].join(' and ')}`);
  }
  return {
    what: 'every operation got its answer, none hung, and all its answers agree',
    looked: operations.length,
    violations,
  };
}

function judgeFans({ contradictions, compared }: Ledger): Check {
  const what = 'no answer contradicts what its fan knew: balance, place, hold';
  return { what, looked: compared, violations: [...contradictions] };
}

async function checkDrain({ direct }: Fleet, { concerts }: Ledger): Promise<Check> {
  const partitions = Array.from({ length: WALLET_PARTITIONS }, (_, partition) => partitionKeys(partition));
  const outboxes = [...partitions, ...[...concerts].map(concertKeys)].map(({ outbox }) => outbox);
  const until = performance.now() + DRAIN_MS;
  for (;;) {
    const left = await Promise.all([
      ...outboxes.map(async (key) => ({ key, count: await direct.xlen(key) })),
      ...partitions.map(async ({ pending }) => ({ key: pending, count: await direct.zcard(pending) })),
    ]).catch(() => null);
    const full = left?.filter(({ count }) => count > 0);
    if (full?.length !== 0 && performance.now() < until) {
      await sleep(100);
      continue;
    }
    const violations = full?.map(({ key, count }) => `${key} still has ${count}`) ?? ['Redis did not answer'];
    const what = `within ${DRAIN_MS / 1000} s no payment is under way and all outboxes are empty`;
    return { what, looked: outboxes.length + partitions.length, violations };
  }
}

interface Repeat {
  operation: Operation;
  status: number;
  id: string;
}

const ID_MEMBER = { join: 'queueId', hold: 'reservationId', charge: 'chargeId', pay: 'paymentId' } as const;
const isKeyed = (kind: Operation['kind']): kind is keyof typeof ID_MEMBER => kind in ID_MEMBER;

/** Long after the fact, the same calls with their keys: no fan waits for them any more. What they do shows in the books. */
async function repeatSome({ servers }: Fleet, { operations }: Ledger): Promise<Repeat[]> {
  const url = servers.at(-1)?.url ?? '';
  const done = operations.filter(({ kind, effect }) => effect !== null && isKeyed(kind));
  const step = Math.max(1, Math.floor(done.length / REPEATED));
  const repeats: Repeat[] = [];
  const some = done.filter((_, index) => index % step === 0);
  await each(some, 8, async (operation) => {
    const { kind, key, call: asked } = operation;
    const { path, ...options } = asked;
    const id = ({ body }: Answer) => (isKeyed(kind) ? String(body?.[ID_MEMBER[kind]] ?? body?.code) : '');
    let answer = await call(url, path, { ...options, headers: { 'idempotency-key': key } });
    // A machine that is busy with something else may miss the 800 ms that Redis has: that is no answer yet.
    for (let again = 0; answer.status === 503 && again < REPEATED_AGAIN; again++) {
      await sleep(500);
      answer = await call(url, path, { ...options, headers: { 'idempotency-key': key } });
    }
    repeats.push({ operation, status: answer.status, id: id(answer) });
  });
  return repeats;
}

export function judgeRepeats(repeats: readonly Repeat[]): Check {
  const violations = repeats
    .filter(({ operation, status, id }) => status >= 300 || id !== operation.effect?.id)
    .map(
      ({ operation, status, id }) =>
        `${operation.kind} ${operation.key}: ${operation.effect?.id}, later ${status} ${id}`,
    );
  return { what: 'a call that is repeated later gets its first answer', looked: repeats.length, violations };
}

async function readAudit({ servers }: Fleet): Promise<AuditReport | string> {
  const until = performance.now() + AUDIT_MS;
  for (;;) {
    const answer = await operatorCall(servers[0]?.url ?? '', '/audit').catch(() => null);
    if (answer?.status === 200) return answer.body as AuditReport;
    if (performance.now() > until) return `no report within ${AUDIT_MS / 1000} s: ${answer?.status ?? 'no answer'}`;
    await sleep(200);
  }
}

export function judgeAudit(report: AuditReport | string): Check {
  const what = "the product's own audit is clean";
  if (typeof report === 'string') return { what, looked: 1, violations: [report] };
  const violations = report.differences.map(({ kind, subject, detail }) => `${kind} ${subject}: ${detail}`);
  const { wallets, pending, payments, charges, seatsSold, seatsRecorded, outbox } = report;
  if (wallets + pending + payments !== charges)
    violations.push(`wallets ${wallets} + pending ${pending} + payments ${payments} are not charges ${charges}`);
  if (seatsSold !== seatsRecorded + outbox)
    violations.push(`${seatsSold} seats sold, ${seatsRecorded} recorded and ${outbox} on the way`);
  return { what, looked: 1, violations };
}

/** pino's level of an error. */
const ERROR = 50;

function judgeLogs({ servers, worker }: Fleet): Check {
  const lines = [...servers, worker].flatMap(({ output, name }) => output.map((line) => ({ name, line })));
  const violations = lines.flatMap(({ name, line }) => {
    const level = Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? 0);
    return level >= ERROR ? [`${name}: ${line.slice(0, 600)}`] : [];
  });
  return { what: 'no process logged an alarm or an unexpected fault', looked: lines.length, violations };
}
