import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Unavailable } from '../errors.ts';
import { hookedRedis, neverSent } from '../payments/gate.fixture.ts';
import { pay } from '../payments/pay.ts';
import { enter, hold, openSale, payDeps } from '../payments/sale.fixture.ts';
import { migrate } from '../postgres/migrate.ts';
import { closePool, openPool } from '../postgres/pool.ts';
import { directoryKeys } from '../redis/keys.ts';
import { newReservationId, paymentIdOf } from '../reservations/ids.ts';
import { flush, testDatabase, testRedis } from '../testing/connect.ts';
import { authorizeTransfer, voidTransfer } from '../wallet/transfers.ts';
import { userWith } from '../wallet/wallet.fixture.ts';
import { audit, requestAudit } from './audit.ts';
import { buy, drain, list, log, type Night, openNight } from './night.fixture.ts';
import { readStats } from './stats.ts';

const redis = await testRedis();
const url = await testDatabase();
const sql = openPool(url, { max: 4 });
beforeAll(() => migrate(url, log));
afterAll(() => closePool(sql, { withinMs: 500 }));

let night: Night;
beforeEach(async () => {
  night = await openNight({ redis, sql });
});

const run = () => audit({ redis, sql, graceMs: 60_000 }, { deadlineMs: 0 });

test('books that agree, with what is on its way', async () => {
  expect(await run()).toEqual({
    clean: true,
    differences: [],
    wallets: 18_000 - 4_000,
    pending: 0,
    payments: 4_000,
    charges: 18_000,
    seatsSold: 4,
    seatsRecorded: 3,
    outbox: 1,
  });
});

test('nothing at all', async () => {
  await flush(redis);
  await sql.query('TRUNCATE payments, payment_seats, wallet_entries');
  expect(await run()).toMatchObject({ clean: true, charges: 0, seatsSold: 0 });
});

test('a payment between any two of its steps is no difference', async () => {
  const { sale } = night;
  const userId = await userWith(redis, 1_000);
  const claims = await enter(redis, sale, userId);
  const reservationId = await hold(redis, sale, claims, [6]);
  // Its process dies before the confirm; then before the post.
  for (const [next, outbox] of [
    ['payments/confirm', 1],
    ['wallet/post', 2],
  ] as const) {
    const dying = payDeps(hookedRedis(redis, { [next]: neverSent }));
    await expect(pay(dying, { claims, reservationId, idempotency: null })).rejects.toThrow('timed out');
    expect(await run()).toMatchObject({ clean: true, pending: 1_000, outbox });
  }
  await drain({ redis, sql }, sale);
  expect(await run()).toMatchObject({ clean: true, pending: 1_000, outbox: 0, seatsRecorded: 5 });
});

test('a difference that is gone in the second pass is none', async () => {
  await redis.hincrby(night.wallet.wallet, 'available', 1);
  const running = audit({ redis, sql, graceMs: 60_000 }, { deadlineMs: 1_500 });
  await new Promise((resolve) => setTimeout(resolve, 700));
  await redis.hincrby(night.wallet.wallet, 'available', -1);
  expect(await running).toMatchObject({ clean: true, differences: [] });
});

test('on a busy system what is in motion is no difference', async () => {
  const sale = await openSale(redis, { seats: 400, price: 10 });
  await list(redis, sale);
  let selling = true;
  let draining = true;
  const buyers = Array.from({ length: 8 }, async (_, lane) => {
    const users = await Promise.all(Array.from({ length: 25 }, () => userWith(redis, 100)));
    for (const [i, userId] of users.entries()) {
      await buy(redis, sale, userId, [lane * 50 + 2 * i + 1, lane * 50 + 2 * i + 2]);
      const refused = { userId, reservationId: newReservationId(sale.concertId) };
      const name = { ...refused, concertId: sale.concertId, paymentId: paymentIdOf(refused.reservationId), amount: 1 };
      const done = await authorizeTransfer({ redis }, name);
      if (done.outcome === 'AUTHORIZED') await voidTransfer({ redis }, { ...refused, transferId: done.transferId });
    }
  });
  const sold = Promise.all(buyers).finally(() => (selling = false));
  const recorder = (async () => {
    while (draining) await drain({ redis, sql }, sale);
    await drain({ redis, sql }, sale);
  })();
  let audits = 0;
  for (; selling || audits < 3; audits++) {
    expect((await audit({ redis, sql, graceMs: 60_000 }, { deadlineMs: 50 })).differences).toEqual([]);
  }
  await sold;
  draining = false;
  await recorder;
  await drain({ redis, sql }, night.sale);
  expect(await run()).toMatchObject({ clean: true, seatsSold: 404, seatsRecorded: 404, outbox: 0 });
  expect(audits).toBeGreaterThanOrEqual(3);
});

describe('a call', () => {
  const deps = { redis, sql, log };

  test('gives the report, each time a new one', async () => {
    const times = { answerMs: 8_000, deadlineMs: 0 };
    expect(await requestAudit(deps, times)).toMatchObject({ done: { clean: true } });
    await redis.hincrby(night.wallet.wallet, 'available', 1);
    expect(await requestAudit(deps, times)).toMatchObject({ done: { clean: false } });
    expect(await redis.exists(directoryKeys.auditRun, directoryKeys.auditReport)).toBe(0);
  });

  test('says when it takes longer; asked again, its report comes, and only one ran', async () => {
    await redis.hincrby(night.wallet.wallet, 'available', 1); // so that it waits for a second pass
    const times = { answerMs: 200, deadlineMs: 1_500 };
    const answers = await Promise.all([1, 2, 3].map(() => requestAudit(deps, times)));
    expect(answers).toEqual([1, 2, 3].map(() => ({ running: true, retryAfterSeconds: 5 })));
    expect(await redis.pttl(directoryKeys.auditRun)).toBeGreaterThan(1_000);
    expect(await requestAudit(deps, { answerMs: 8_000, deadlineMs: 0 })).toMatchObject({ done: { clean: false } });
  });

  test('a report that nobody waited for is kept for a minute', async () => {
    await redis.hincrby(night.wallet.wallet, 'available', 1);
    expect(await requestAudit(deps, { answerMs: 0, deadlineMs: 100 })).toMatchObject({ running: true });
    await expect.poll(() => redis.pttl(directoryKeys.auditReport), { timeout: 8_000 }).toBeGreaterThan(50_000);
    await redis.hincrby(night.wallet.wallet, 'available', -1);
    expect(await requestAudit(deps)).toMatchObject({ done: { clean: false } });
    expect(await requestAudit(deps)).toMatchObject({ done: { clean: true } });
  });

  test('the run of a process that died ends with its lease', async () => {
    await redis.set(directoryKeys.auditRun, 'dead', 'PX', 300);
    expect(await requestAudit(deps, { answerMs: 8_000, deadlineMs: 0 })).toMatchObject({ done: { clean: true } });
  });

  test('without PostgreSQL it says so', async () => {
    const nowhere = openPool('postgres://onsale@127.0.0.1:1/x', { max: 1 });
    onTestFinished(() => closePool(nowhere, { withinMs: 0 }));
    const failing = requestAudit({ ...deps, sql: nowhere });
    await expect(failing).rejects.toThrow(Unavailable);
    await expect(failing).rejects.toThrow(/could not be finished.*ECONNREFUSED/);
  });
});

describe('stats', () => {
  test('of a concert', async () => {
    expect(await readStats({ redis }, night.sale.concertId)).toEqual({
      waiting: 0,
      active: 1,
      admitted: 4,
      expired: 0,
      noShows: 0,
      left: 0,
      held: 1,
      sold: 4,
      revenue: 4000,
      outboxLag: 1,
    });
  });

  test('of none', async () => {
    expect(await readStats({ redis }, 'nowhere')).toMatchObject({ refused: 'CONCERT_NOT_FOUND' });
  });
});
