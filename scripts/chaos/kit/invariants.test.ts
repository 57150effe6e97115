/** The invariants can fail: each violation, planted in Redis, in PostgreSQL or in the ledger, is named. */
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditReport } from '../../../src/operations/shapes.ts';
import { concertKeys, walletKeys } from '../../../src/redis/keys.ts';
import { until } from '../../../src/testing/until.ts';
import { gatherEvidence } from './evidence.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { checkAll, judgeAll, judgeAudit, judgeRepeats } from './invariants.ts';
import type { Effect, Kind, Ledger, Operation } from './ledger.ts';
import { startLoad } from './load.ts';

let fleet: Fleet;
let ledger: Ledger;
let sql: Client;

beforeAll(async () => {
  fleet = await startFleet({ servers: 1 });
  sql = new Client({ connectionString: fleet.databaseUrl });
  await sql.connect();
  const load = await startLoad(fleet, { fans: 20, concerts: 2, seats: 400, seed: 1 });
  await until(() => load.ledger.operations.filter(({ kind, effect }) => kind === 'pay' && effect).length > 30, {
    timeoutMs: 30_000,
  });
  ledger = await load.stop();
}, 60_000);

afterAll(async () => {
  await sql?.end();
  await fleet?.close();
});

type Done = Operation & { effect: Effect };
const done = (kind: Kind) =>
  ledger.operations.filter((operation): operation is Done => operation.kind === kind && operation.effect !== null);
/** A payment of its own for each test: what was planted before stays. */
let used = 0;
const nextPayment = () => {
  const payment = done('pay')[used++];
  if (!payment) throw new Error('too few payments for so many tests');
  return payment;
};
const holdOf = (payment: Operation) => done('hold').find(({ effect }) => effect.id === payment.reservationId) as Done;

async function violationsOf(what: string, planted = ledger): Promise<string[]> {
  const check = judgeAll(planted, await gatherEvidence(fleet, ledger)).find((each) => each.what.includes(what));
  if (!check) throw new Error(`no check of ${what}`);
  return check.violations;
}

/** The ledger with one operation told otherwise. */
function falsified<T extends Operation>(operation: T, change: (copy: T) => void): Ledger {
  const copy = structuredClone(operation);
  change(copy);
  return { ...ledger, operations: ledger.operations.map((each) => (each === operation ? copy : each)) };
}

test('nothing is wrong where nobody did harm, and all was looked at', async () => {
  const checks = await checkAll(fleet, ledger);
  expect(checks.flatMap(({ what, violations }) => violations.map((line) => `${what}: ${line}`))).toEqual([]);
  for (const { what, looked } of checks) expect(looked, what).toBeGreaterThan(0);
});

describe('in Redis', () => {
  test('a payment that is lost', async () => {
    const payment = nextPayment();
    await fleet.direct.hset(concertKeys(payment.concertId).reservation(payment.reservationId), 'status', 'HELD');
    expect(await violationsOf('payment is in Redis')).toEqual([expect.stringContaining(payment.effect.id)]);
  });

  test('a sold seat that names somebody else', async () => {
    const payment = nextPayment();
    const { seats } = holdOf(payment);
    const [scheduleId = '', seatId = ''] = (seats[0] ?? '').split(' ');
    await fleet.direct.hset(concertKeys(payment.concertId).seats(scheduleId), seatId, 'rsv_other');
    expect(await violationsOf('two owners')).toContainEqual(expect.stringContaining(payment.reservationId));
  });

  test('a seat that is taken for nobody', async () => {
    const { concertId } = nextPayment();
    await fleet.direct.hset(concertKeys(concertId).seats('d1'), 'A-1-9999', 'rsv_ghost');
    expect(await violationsOf('two owners')).toContainEqual(expect.stringContaining('A-1-9999'));
  });

  test('a hold that is gone', async () => {
    const payment = nextPayment();
    await fleet.direct.del(concertKeys(payment.concertId).reservation(payment.reservationId));
    expect(await violationsOf('answered hold')).toContainEqual(expect.stringContaining(payment.reservationId));
  });

  test('money from nowhere, and money that is lost', async () => {
    const [first, second] = [nextPayment(), nextPayment()];
    await fleet.direct.hincrby(walletKeys(first.userId).wallet, 'available', 1);
    await fleet.direct.hincrby(walletKeys(second.userId).wallet, 'charged', -1);
    const found = await violationsOf('wallets + payments');
    for (const { userId } of [first, second]) expect(found).toContainEqual(expect.stringContaining(`${userId}:`));
  });

  test('a place that is lost, one that is doubled, one that is left by nobody', async () => {
    const [lost, changed] = done('join');
    const left = new Set(done('leave').map(({ effect }) => effect.id));
    const ended = done('join').findLast(({ effect }) => !left.has(effect.id));
    if (!lost || !changed || !ended) throw new Error('too few joins');
    const { places, active } = concertKeys(lost.concertId);
    await fleet.direct.hdel(places, lost.effect.id);
    expect(await violationsOf('no place')).toContainEqual(`${lost.effect.id} of ${lost.userId} is lost`);
    const { places: others } = concertKeys(changed.concertId);
    const packed = (await fleet.direct.hget(others, changed.effect.id)) ?? '';
    await fleet.direct.hset(others, 'q_double', packed);
    expect(await violationsOf('no place')).toContainEqual(expect.stringMatching(/not each once/));
    // Not due: what is due the worker ends at once.
    await fleet.direct.zadd(active, 9_999_999_999_999, 'q_ghost');
    expect(await violationsOf('no place')).toContainEqual(expect.stringMatching(/are listed as A/));
    const { places: last } = concertKeys(ended.concertId);
    const record = (await fleet.direct.hget(last, ended.effect.id)) ?? '';
    await fleet.direct.hset(last, ended.effect.id, record.replace(/^./, 'E'));
    expect(await violationsOf('no place')).toContainEqual(`${ended.effect.id} has run out, which none could`);
  });
});

describe('in PostgreSQL', () => {
  test('a payment without its row, one without a seat, one that nobody paid, a dead letter', async () => {
    const [gone, short, foreign] = [nextPayment(), nextPayment(), nextPayment()];
    const row = 'DELETE FROM payment_seats WHERE payment_id = $1';
    for (const { effect } of [gone, short]) await sql.query(row, [effect.id]);
    await sql.query('DELETE FROM payments WHERE payment_id = $1', [gone.effect.id]);
    await sql.query(
      `INSERT INTO payments SELECT 'pay_stray', 'rsv_stray', user_id, concert_id, schedule_id, amount, currency, balance,
         'stray', paid_at FROM payments WHERE payment_id = $1`,
      [foreign.effect.id],
    );
    await sql.query("INSERT INTO dead_letters (outbox, entry_id, event, reason) VALUES ('o', '1-1', '{}', 'planted')");
    const found = await violationsOf('payment is in PostgreSQL');
    expect(found).toContainEqual(`${gone.effect.id} has 0 rows in PostgreSQL`);
    expect(found).toContainEqual(expect.stringContaining(`${short.effect.id} is `));
    expect(found).toContainEqual(expect.stringContaining('pay_stray'));
    expect(found).toContainEqual('1 dead letters');
  });

  test('a charge that is gone, and one that nobody made', async () => {
    const [gone, twice] = done('charge');
    if (!gone || !twice) throw new Error('too few charges');
    await sql.query('DELETE FROM wallet_entries WHERE reference = $1', [gone.effect.id]);
    await sql.query(
      `INSERT INTO wallet_entries SELECT user_id, n + 1000, entry_id, kind, amount, balance, at, 'chg_stray'
       FROM wallet_entries WHERE reference = $1`,
      [twice.effect.id],
    );
    const found = await violationsOf('answered charge');
    expect(found).toContainEqual(`${gone.effect.id} of ${gone.userId} has 0 rows in PostgreSQL`);
    expect(found).toContainEqual(`chg_stray of ${twice.userId} was never answered`);
    expect(await violationsOf('wallets + payments')).toContainEqual(expect.stringContaining(`${gone.userId}:`));
  });
});

describe('in the answers', () => {
  test('one that never came, one that hung, a fault, two different ones', async () => {
    const [operation] = done('charge');
    if (!operation) throw new Error('no charge');
    const { userId } = operation;
    const answers = (change: (copy: Done) => void) => violationsOf('got its answer', falsified(operation, change));
    const attempt = { url: '', sentMs: 0, doneMs: 0, status: 200, code: null, id: 'chg_other' };
    expect(await answers((copy) => Object.assign(copy, { effect: null }))).toEqual([
      expect.stringContaining(`charge of ${userId}`),
    ]);
    for (const code of ['HUNG', 'INTERNAL'])
      expect(await answers((copy) => copy.attempts.push({ ...attempt, status: 0, id: null, code }))).toHaveLength(1);
    expect(await answers((copy) => copy.attempts.push(attempt))).toEqual([expect.stringContaining('and chg_other')]);
  });

  test('a charge more than the wallet has, a seat held twice at once', async () => {
    const [charged] = done('charge').toReversed();
    if (!charged) throw new Error('no charge');
    const more = falsified(charged, ({ effect }) => (effect.amount += 7));
    expect(await violationsOf('wallets + payments', more)).toContainEqual(expect.stringContaining(charged.userId));
    const payment = nextPayment();
    const { effect, seats, concertId } = holdOf(payment);
    const other = done('hold').find((hold) => hold.concertId === concertId && hold.effect.id !== effect.id) as Done;
    const twice = falsified(other, (copy) => {
      copy.seats = seats;
      copy.effect.createdMs = effect.createdMs + 60_000;
    });
    expect(await violationsOf('two owners', twice)).toContainEqual(
      expect.stringContaining(`while ${payment.userId} had it`),
    );
  });

  test('a fan who knows better, a repeat with another answer, a report that is not clean', async () => {
    expect(await violationsOf('contradicts', { ...ledger, contradictions: ['u_1 had 5'] })).toEqual(['u_1 had 5']);
    const operation = nextPayment();
    const told = (repeat: { status: number; id: string }) => judgeRepeats([{ operation, ...repeat }]).violations;
    expect(told({ status: 201, id: operation.effect.id })).toEqual([]);
    expect(told({ status: 201, id: 'pay_other' })).toHaveLength(1);
    expect(told({ status: 404, id: operation.effect.id })).toHaveLength(1);
    const books = { wallets: 1, pending: 0, payments: 2, charges: 3, seatsSold: 2, seatsRecorded: 2, outbox: 0 };
    const report: AuditReport = { clean: true, differences: [], ...books };
    expect(judgeAudit(report).violations).toEqual([]);
    for (const wrong of [
      { charges: 4 },
      { seatsRecorded: 1 },
      { differences: [{ kind: 'REVENUE' as const, subject: 'c', detail: '' }] },
    ])
      expect(judgeAudit({ ...report, ...wrong }).violations).toHaveLength(1);
    expect(judgeAudit('no report').violations).toEqual(['no report']);
  });
});
