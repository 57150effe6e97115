/** Redis was lost between the two outboxes of a payment: each half is mended, so that the books agree. */
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { isRefusal } from '../errors.ts';
import { migrate } from '../postgres/migrate.ts';
import { walletKeys } from '../redis/keys.ts';
import type { Sale } from '../reservations/holding.fixture.ts';
import { flush, testDatabase, testRedis } from '../testing/connect.ts';
import { readHistory } from '../wallet/read-history.ts';
import { audit } from './audit.ts';
import { log } from './night.fixture.ts';
import { buy, chargeWallet, type LostNight, openLostNight, record, signUp, toldTo } from './rebuild.fixture.ts';
import { mendLedger } from './rebuild-mend.ts';

const redis = await testRedis();
const url = await testDatabase();
const sql = new pg.Pool({ connectionString: url, max: 6, allowExitOnIdle: true });
beforeAll(() => migrate(url, log));
afterAll(() => sql.end());

let night: LostNight;
let sale: Sale;
let userId: string;
beforeEach(async () => {
  night = await openLostNight({ redis, sql });
  sale = night.sales[0] as Sale;
  userId = await signUp(redis, 5_000);
  await night.drain();
  await night.backUp();
});

const recordOnly = (which: 'payments' | 'entries') => record({ redis, sql }, night.outboxes[which]);

async function rebuilt(): Promise<string> {
  await flush(redis);
  const told = await night.rebuild();
  const report = await audit({ redis, sql, graceMs: 0 }, { deadlineMs: 0 });
  expect(report.differences).toEqual([]);
  expect(await mendLedger(sql), 'a second time there is nothing to mend').toEqual({
    paid: [],
    provenCharges: [],
    givenBack: [],
  });
  return told.join('\n');
}

async function historyOf(user: string): Promise<string[]> {
  const history = await readHistory({ redis, sql }, { userId: user, limit: 100, cursor: null });
  if (isRefusal(history)) throw new Error(history.refused);
  return history.entries.map(({ kind, amount, balance, reference }) => `${kind} ${amount} ${balance} ${reference}`);
}

test('a ticket without its money: the price leaves the wallet', async () => {
  const payment = (await buy(sale, userId, ['A-1-11', 'A-1-12'])).replace('rsv', 'pay');
  const before = await toldTo(night, userId);
  await recordOnly('payments');
  expect(await rebuilt()).toContain(`${payment}: 2000 from ${userId}`);
  expect((await toldTo(night, userId)).payments).toEqual(
    before.payments.map((paid) => ({ ...paid, recordedAt: true })),
  );
  expect(await historyOf(userId)).toEqual([
    `PAYMENT -2000 3000 ${payment}`,
    expect.stringMatching(/^CHARGE 5000 5000 chg_/),
  ]);
});

test('a ticket without its money and without the charge that paid for it: as much of it as the ticket proves', async () => {
  await chargeWallet(redis, userId, 1_000);
  await buy(sale, userId, ['A-1-11', 'A-1-12', 'A-1-13']);
  await buy(sale, userId, ['A-1-14', 'A-1-15', 'A-1-16']);
  await recordOnly('payments');
  expect(await rebuilt()).toMatch(new RegExp(`1 charges were lost.*${userId}: 1000 for pay_.*`, 's'));
  expect(await historyOf(userId)).toEqual([
    expect.stringMatching(/^PAYMENT -3000 0 pay_/),
    expect.stringMatching(/^CHARGE 1000 3000 chg_[0-9a-f]{32}$/),
    expect.stringMatching(/^PAYMENT -3000 2000 pay_/),
    expect.stringMatching(/^CHARGE 5000 5000 chg_/),
  ]);
});

test('money without its ticket comes back, and the seats are for sale', async () => {
  const payment = (await buy(sale, userId, ['A-1-11'])).replace('rsv', 'pay');
  await recordOnly('entries');
  expect(await rebuilt()).toContain(`${payment}: 1000 back to ${userId}`);
  expect(await historyOf(userId)).toEqual([
    `CHARGE 1000 5000 ${payment}`,
    `PAYMENT -1000 4000 ${payment}`,
    expect.stringMatching(/^CHARGE 5000 5000 chg_/),
  ]);
  await buy(sale, await signUp(redis, 1_000), ['A-1-11']);
  await night.drain();
  expect((await audit({ redis, sql, graceMs: 0 }, { deadlineMs: 0 })).differences).toEqual([]);
});

test('of one user both, and one who had nothing in PostgreSQL at all', async () => {
  const fresh = await signUp(redis, 1_000);
  await buy(sale, userId, ['A-1-11']);
  await recordOnly('entries');
  await buy(sale, userId, ['A-1-12']);
  await sql.query('DELETE FROM wallet_entries WHERE user_id = $1', [fresh]);
  await buy(sale, fresh, ['A-1-13']);
  await recordOnly('payments');
  // The first payment of this user and all entries of the other one were on their way.
  await sql.query("DELETE FROM payment_seats WHERE seat_id = 'A-1-11'");
  await sql.query(
    'DELETE FROM payments p WHERE NOT EXISTS (SELECT FROM payment_seats s WHERE s.payment_id = p.payment_id)',
  );
  await rebuilt();
  expect(await redis.hmget(walletKeys(userId).wallet, 'available', 'charged', 'posted')).toEqual([
    '4000',
    '6000',
    '2000',
  ]);
  expect(await redis.hmget(walletKeys(fresh).wallet, 'available', 'charged', 'posted')).toEqual(['0', '1000', '1000']);
});
