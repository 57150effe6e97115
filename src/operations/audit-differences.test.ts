import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SCHEDULE } from '../payments/sale.fixture.ts';
import { migrate } from '../postgres/migrate.ts';
import { closePool, openPool } from '../postgres/pool.ts';
import { walletKeys } from '../redis/keys.ts';
import { newReservationId, paymentIdOf } from '../reservations/ids.ts';
import { testDatabase, testRedis } from '../testing/connect.ts';
import { authorizeTransfer, postTransfer } from '../wallet/transfers.ts';
import { audit } from './audit.ts';
import { log, type Night, openNight } from './night.fixture.ts';
import { DIFFERENCE_KINDS, type DifferenceKind } from './shapes.ts';

const redis = await testRedis();
const url = await testDatabase();
const sql = openPool(url, { max: 4 });
beforeAll(() => migrate(url, log));
afterAll(() => closePool(sql, { withinMs: 500 }));

let night: Night;
beforeEach(async () => {
  night = await openNight({ redis, sql });
});

type Plant = [kind: DifferenceKind, what: string, plant: () => Promise<unknown>, subject: () => string];
const plants: Plant[] = [
  [
    'WALLET_UNBALANCED',
    'money from nowhere',
    () => redis.hincrby(night.wallet.wallet, 'available', 1),
    () => night.userId,
  ],
  [
    'WALLET_PENDING',
    'pending money without a transfer',
    () => redis.hincrby(night.wallet.wallet, 'pending', 1),
    () => night.userId,
  ],
  ['WALLET_MISSING', 'a wallet that is gone', () => redis.del(night.wallet.wallet), () => night.userId],
  ['WALLET_MISSING', 'rows of nobody', () => insertEntry('nobody', 1), () => 'nobody'],
  ['WALLET_HISTORY', 'a history entry that is gone', () => redis.rpop(night.wallet.history), () => night.userId],
  [
    'WALLET_HISTORY',
    'a balance that does not fit',
    () => redis.lset(night.wallet.history, -1, '2|PAYMENT|-2000|7|1|x'),
    () => night.userId,
  ],
  [
    'WALLET_ROWS',
    'an entry row that is gone',
    () => sql.query('DELETE FROM wallet_entries WHERE user_id = $1 AND n = 1', [night.userId]),
    () => night.userId,
  ],
  [
    'WALLET_ROWS',
    'an entry row of another amount',
    () => sql.query('UPDATE wallet_entries SET amount = 1 WHERE user_id = $1 AND n = 1', [night.userId]),
    () => night.userId,
  ],
  ['WALLET_ROWS', 'an entry row too many', () => insertEntry(night.userId, 3), () => night.userId],
  [
    'WALLET_OUTBOX',
    'a lost outbox entry of a wallet',
    () => redis.del(walletKeys(night.freshUser).outbox),
    () => night.freshUser,
  ],
  [
    'TRANSFER_MISSING',
    'a transfer without its record',
    () => redis.zadd(night.wallet.over, 9e12, `rsv_x ${night.userId}`),
    () => `rsv_x ${night.userId}`,
  ],
  ['TRANSFER_OVERDUE', 'a transfer that nobody settles', plantOverdue, () => planted],
  ['TRANSFER_WITHOUT_PAYMENT', 'money taken for a hold', plantPosted, () => planted],
  [
    'PAYMENT_WITHOUT_TRANSFER',
    'a ticket without its transfer',
    () => redis.del(walletKeys(night.freshUser).transfer(night.fresh)),
    () => night.fresh,
  ],
  [
    'PAYMENT_WITHOUT_TRANSFER',
    'a ticket whose transfer was voided',
    () => redis.hset(walletKeys(night.freshUser).transfer(night.fresh), 'state', 'VOIDED'),
    () => night.fresh,
  ],
  [
    'PAYMENT_NOT_PAID',
    'a recorded payment without its entry',
    () => sql.query("DELETE FROM wallet_entries WHERE kind = 'PAYMENT' AND user_id = $1", [night.userId]),
    () => night.recorded,
  ],
  [
    'ENTRY_WITHOUT_PAYMENT',
    'an entry of a payment that is none',
    () => insertEntry(night.userId, 3, 'PAYMENT', 'pay_x'),
    () => 'pay_x',
  ],
  ['PAYMENT_OUTBOX', 'a lost outbox entry of a payment', () => redis.del(night.keys.outbox), () => night.fresh],
  [
    'PAYMENT_ROW_MISSING',
    'a payment row that is gone',
    () => sql.query('TRUNCATE payments, payment_seats'),
    () => night.recorded,
  ],
  [
    'PAYMENT_ROW_DIFFERS',
    'a seat row that is gone',
    () => sql.query("DELETE FROM payment_seats WHERE seat_id = 'A-1-2'"),
    () => night.recorded,
  ],
  [
    'PAYMENT_ROW_DIFFERS',
    'a payment row of another amount',
    () => sql.query('UPDATE payments SET amount = 1 WHERE reservation_id = $1', [night.recorded]),
    () => night.recorded,
  ],
  ['ROW_WITHOUT_PAYMENT', 'a payment row too many', plantRow, () => planted],
  [
    'ROW_WITHOUT_PAYMENT',
    'a reservation that is gone',
    () => redis.del(night.keys.reservation(night.recorded)),
    () => night.recorded,
  ],
  [
    'SEAT_NOT_SOLD',
    'a paid seat that is free',
    () => redis.setrange(night.keys.status(SCHEDULE), 1, 'A'),
    () => night.recorded,
  ],
  [
    'SEAT_NOT_SOLD',
    'a paid seat that another has',
    () => redis.hset(night.keys.seats(SCHEDULE), 'A-1-2', night.fresh),
    () => night.recorded,
  ],
  [
    'SEAT_NOT_SOLD',
    'a paid seat that names nobody',
    () => redis.hdel(night.keys.seats(SCHEDULE), 'A-1-1', 'A-1-2'),
    () => night.recorded,
  ],
  [
    'SEAT_WITHOUT_PAYMENT',
    'a sold seat without a payment',
    () => redis.setrange(night.keys.status(SCHEDULE), 8, 'S'),
    () => `${night.sale.concertId} ${SCHEDULE} 8`,
  ],
  [
    'SEAT_WITHOUT_HOLD',
    'a taken seat of a hold that is over',
    () => redis.hset(night.keys.seats(SCHEDULE), 'A-1-9', 'rsv_over'),
    () => 'rsv_over',
  ],
  [
    'FREE_SEATS',
    'a counter of free seats',
    () => redis.hincrby(night.keys.stock, `f:${SCHEDULE}`, 1),
    () => `${night.sale.concertId} ${SCHEDULE}`,
  ],
  [
    'SOLD_SEATS',
    'a counter of sold seats',
    () => redis.hincrby(night.keys.stock, 'sold', 1),
    () => night.sale.concertId,
  ],
  ['REVENUE', 'a counter of money', () => redis.hincrby(night.keys.stock, 'revenue', 1), () => night.sale.concertId],
];

test.each(plants)('%s: %s', async (kind, _what, plant, subject) => {
  await plant();
  const report = await audit({ redis, sql, graceMs: 60_000 }, { deadlineMs: 0 });
  expect(report.clean).toBe(false);
  expect(report.differences.map((difference) => `${difference.kind} ${difference.subject}`)).toContain(
    `${kind} ${subject()}`,
  );
});

test('every kind of difference has a test', () => {
  expect([...new Set(plants.map(([kind]) => kind))].sort()).toEqual([...DIFFERENCE_KINDS].sort());
});

let planted = '';

function insertEntry(userId: string, n: number, kind = 'CHARGE', reference = 'chg_x') {
  const values = [userId, n, kind, kind === 'CHARGE' ? 1 : -1, reference];
  return sql.query("INSERT INTO wallet_entries VALUES ($1, $2, 'ent_x', $3, $4, 1, now(), $5)", values);
}

async function authorizeAnother() {
  const { sale, userId } = night;
  const reservationId = newReservationId(sale.concertId);
  const name = { userId, reservationId, concertId: sale.concertId, paymentId: paymentIdOf(reservationId), amount: 1 };
  const done = await authorizeTransfer({ redis }, name);
  if (done.outcome !== 'AUTHORIZED') throw new Error(done.outcome);
  planted = done.transferId;
  return { userId, reservationId, transferId: done.transferId };
}

async function plantOverdue() {
  const { userId, reservationId } = await authorizeAnother();
  // By its own deadline: the sweeper has just put it off.
  await redis.hset(walletKeys(userId).transfer(reservationId), 'deadline', 1);
}

async function plantPosted() {
  await postTransfer({ redis }, await authorizeAnother());
}

async function plantRow() {
  planted = newReservationId(night.sale.concertId);
  const values = [paymentIdOf(planted), planted, night.userId, night.sale.concertId];
  await sql.query("INSERT INTO payments VALUES ($1, $2, $3, $4, 'd1', 0, 'KRW', 0, 't_x', now())", values);
}
