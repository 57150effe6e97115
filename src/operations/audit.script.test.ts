import { describe, expect, test } from 'vitest';
import { enter, hold, openSale, payDeps, SCHEDULE } from '../payments/sale.fixture.ts';
import { pay } from '../payments/pay.ts';
import { concertKeys, partitionKeys, walletKeys, walletPartition } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { userWith } from '../wallet/wallet.fixture.ts';
import { auditPayments } from './audit-payments.script.ts';
import { auditSeats } from './audit-seats.script.ts';
import { auditTransfers } from './audit-transfers.script.ts';
import { auditWallets } from './audit-wallets.script.ts';
import { readConcert } from './read-concert.script.ts';

const redis = await testRedis();

/** Six seats at 1,000: the user has paid seats 1 and 2 and holds seat 3. */
async function sold() {
  const sale = await openSale(redis, { seats: 6 });
  const keys = concertKeys(sale.concertId);
  await redis.hset(keys.catalogue, `schedule:${SCHEDULE}`, '{}');
  const userId = await userWith(redis, 10_000);
  const claims = await enter(redis, sale, userId);
  const paid = await hold(redis, sale, claims, [1, 2]);
  const held = await hold(redis, sale, claims, [3]);
  await pay(payDeps(redis), { claims, reservationId: paid, idempotency: null });
  const of = (...ids: string[]) => auditPayments.run(redis, { keys, args: {}, moreArgs: ids });
  return { sale, keys, userId, paid, held, of };
}

describe('read-concert', () => {
  test('CONCERT: its numbers in one moment', async () => {
    const { keys } = await sold();
    await enter(redis, { concertId: keys.base.slice(3, -2), seats: 6, price: 1000 }, 'another');
    expect(await readConcert.run(redis, { keys, args: {} })).toEqual({
      outcome: 'CONCERT',
      waiting: 0,
      active: 2,
      admitted: 2,
      expired: 0,
      noShows: 0,
      left: 0,
      sold: 2,
      revenue: 2000,
      outbox: 1,
      schedules: [{ scheduleId: SCHEDULE, freeCounter: 3, free: 3, held: 1, sold: 2 }],
    });
  });

  test('NONE', async () => {
    expect(await readConcert.run(redis, { keys: concertKeys('nowhere'), args: {} })).toEqual({ outcome: 'NONE' });
  });
});

describe('audit-payments: PAYMENTS', () => {
  test('a payment, a hold, and one that is not there', async () => {
    const { userId, paid, held, of, keys } = await sold();
    const { reservations } = await of(paid, held, 'rsv_x');
    const [transferId] = await redis.hmget(keys.reservation(paid), 'transfer');
    expect(reservations).toEqual([
      {
        reservationId: paid,
        status: 'CONFIRMED',
        userId,
        seats: 'A-1-1,A-1-2',
        amount: 2000,
        transferId,
        recorded: false,
        indexes: [0, 1],
        unnamed: '',
        unsold: '',
        inOutbox: true,
      },
      expect.objectContaining({
        reservationId: held,
        status: 'HELD',
        unnamed: '',
        unsold: '2',
        transferId: '',
        inOutbox: false,
      }),
      expect.objectContaining({ reservationId: 'rsv_x', status: '', userId: '', indexes: [] }),
    ]);
  });

  test('seats that are not its own or not sold, and an entry that is not in the outbox', async () => {
    const { paid, of, keys } = await sold();
    await redis.hset(keys.seats(SCHEDULE), 'A-1-2', 'rsv_thief');
    await redis.setrange(keys.status(SCHEDULE), 0, 'A');
    await redis.del(keys.outbox);
    expect((await of(paid)).reservations).toMatchObject([{ unnamed: '1', unsold: '0', inOutbox: false }]);
  });
});

describe('audit-seats: SEATS', () => {
  test('the reservations that seats name, each once a slice', async () => {
    const { paid, held, keys } = await sold();
    const call = { keys: { ...keys, seats: keys.seats(SCHEDULE) }, args: { cursor: '0', count: 500 } };
    const { cursor, reservations } = await auditSeats.run(redis, call);
    expect(cursor).toBe('0');
    expect(reservations.map(({ reservationId }) => reservationId).sort()).toEqual([paid, held].sort());
  });

  test('a big hall in slices', async () => {
    const { keys } = await sold();
    const seats = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`B-1-${i}`, `rsv_${i}`]));
    await redis.hset(keys.seats(SCHEDULE), seats);
    const found = new Set<string>();
    let slices = 0;
    for (let cursor = ''; cursor !== '0'; slices++) {
      const args = { cursor: cursor || '0', count: 500 };
      const slice = await auditSeats.run(redis, { keys: { ...keys, seats: keys.seats(SCHEDULE) }, args });
      for (const { reservationId } of slice.reservations) found.add(reservationId);
      cursor = slice.cursor;
    }
    expect(found.size).toBe(3_002);
    expect(slices).toBeGreaterThan(4);
  });
});

describe('audit-wallets: WALLETS', () => {
  const look = async (userId: string, pendingMax = 100) => {
    const args = { cursor: '0', count: 500, pending_max: pendingMax };
    const { wallets } = await auditWallets.run(redis, { keys: partitionKeys(walletPartition(userId)), args });
    return wallets.find((wallet) => wallet.userId === userId);
  };

  test('a wallet with its history and its pending transfers', async () => {
    const { userId, paid } = await sold();
    expect(await look(userId)).toEqual({
      userId,
      exists: true,
      available: 8000,
      pending: 0,
      charged: 10_000,
      posted: 2000,
      entries: 2,
      first: 1,
      recorded: 0,
      historyLength: 2,
      lastEntry: expect.stringMatching(
        new RegExp(`^2\\|PAYMENT\\|-2000\\|8000\\|\\d+\\|${paid.replace('rsv', 'pay')}$`),
      ),
      gap: 0,
      transfers: 0,
    });
    const keys = walletKeys(userId);
    await redis.zadd(keys.pending, 1, `rsv_1 ${userId}`, 1, `rsv_2 ${userId}`, 1, 'rsv_3 somebody else');
    for (const id of ['rsv_1', 'rsv_2']) await redis.hset(keys.transfer(id), 'amount', 700);
    expect(await look(userId)).toMatchObject({ transfers: 1400 });
    expect(await look(userId, 2)).toMatchObject({ transfers: null });
  });

  test('a user without a wallet', async () => {
    const userId = await userWith(redis, 0);
    await redis.del(walletKeys(userId).wallet);
    expect(await look(userId)).toMatchObject({ exists: false, historyLength: 0 });
  });
});

describe('audit-transfers: TRANSFERS', () => {
  test('of a list of the partition, each with its record', async () => {
    const { userId, paid } = await sold();
    const keys = walletKeys(userId);
    const gone = { reservationId: 'rsv_gone', userId };
    await redis.zadd(keys.over, 5, `rsv_gone ${userId}`);
    const args = { cursor: '0', count: 500 };
    const { cursor, nowMs, transfers } = await auditTransfers.run(redis, {
      keys: { base: keys.base, transfers: keys.over },
      args,
    });
    expect(cursor).toBe('0');
    expect(Math.abs(nowMs - Date.now())).toBeLessThan(5_000);
    const own = transfers.filter((transfer) => transfer.userId === userId);
    expect(own).toContainEqual(expect.objectContaining({ reservationId: paid, state: 'POSTED', amount: 2000 }));
    const deadline = await redis.hget(keys.transfer(paid), 'deadline');
    expect(own.find(({ reservationId }) => reservationId === paid)?.deadlineMs).toBe(Number(deadline));
    expect(own).toContainEqual({ ...gone, transferId: '', state: '', amount: 0, deadlineMs: 0 });
  });
});
