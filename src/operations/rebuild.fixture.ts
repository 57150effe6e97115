/** A concert night that will be lost: sold by the real scripts, recorded and backed up; and what its users were told. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Pool } from 'pg';
import { backUpConcert } from '../concerts/backup.ts';
import { isRefusal } from '../errors.ts';
import { concertOutbox, PARTITION_OUTBOXES } from '../outbox/outboxes.ts';
import { recordChunk } from '../outbox/record-chunk.ts';
import { settle } from '../outbox/settle.ts';
import { readNew } from '../outbox/stream.ts';
import { pay } from '../payments/pay.ts';
import { readPayment } from '../payments/read-payment.ts';
import { payDeps } from '../payments/sale.fixture.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import {
  createProcess,
  hall,
  hold,
  newUser,
  openSale,
  put,
  type Sale,
  scheduleInput,
} from '../reservations/holding.fixture.ts';
import { paymentIdOf } from '../reservations/ids.ts';
import { listReservations } from '../reservations/list.ts';
import { enter } from '../testing/waiting-room.ts';
import { flush } from '../testing/connect.ts';
import { backUpAccounts } from '../users/backup.ts';
import { createAccount } from '../users/create-account.script.ts';
import { accountKeys } from '../redis/keys.ts';
import { charge } from '../wallet/charge.ts';
import { flushNotes } from '../wallet/concert-notebook.ts';
import { openWallet } from '../wallet/open.ts';
import { readBalance } from '../wallet/read-balance.ts';
import { readHistory } from '../wallet/read-history.ts';
import { log } from './night.fixture.ts';
import { rebuild } from './rebuild.ts';
import type { RebuildFiles } from './rebuild-files.ts';
import { readStats } from './stats.ts';

interface Books {
  redis: RedisClient;
  sql: Pool;
}

export const config = { currency: 'KRW' };
export const NO_FILES: RebuildFiles = { accounts: '', catalogue: [] };

/** An account with so much in its wallet. */
export async function signUp(redis: RedisClient, balance = 0): Promise<string> {
  const userId = newUser();
  const email = `${userId}@example.com`;
  const args = { user_id: userId, email, password: '$argon2id$x', name: '가' };
  await createAccount.run(redis, { keys: accountKeys(email), args });
  await openWallet({ redis }, userId);
  if (balance > 0) await chargeWallet(redis, userId, balance);
  return userId;
}

export async function chargeWallet(redis: RedisClient, userId: string, amount: number): Promise<void> {
  const charged = await charge({ redis, config }, { userId, amount, idempotency: null });
  if (isRefusal(charged)) throw new Error(charged.refused);
}

/** Returns the reservation's id. */
export async function buy(sale: Sale, userId: string, seats: readonly string[]): Promise<string> {
  const claims = await enter(sale, userId);
  const reservationId = await hold(sale, claims, seats);
  const paid = await pay(payDeps(sale.redis), { claims, reservationId, idempotency: null });
  if (isRefusal(paid)) throw new Error(paid.refused);
  return reservationId;
}

/** What the relay and the recorder do. */
export async function record({ redis, sql }: Books, outboxes: Parameters<typeof readNew>[1][]): Promise<void> {
  for (const outbox of outboxes) {
    const entries = await readNew(redis, outbox);
    if (entries.length > 0) await settle(redis, outbox, await recordChunk(sql, { outbox, entries }));
  }
}

export interface LostNight extends Books {
  sales: Sale[];
  users: string[];
  dataDir: string;
  /** outboxes of the sales' payments, and of the wallets' entries */
  outboxes: { payments: Parameters<typeof readNew>[1][]; entries: Parameters<typeof readNew>[1][] };
  drain(): Promise<void>;
  backUp(): Promise<void>;
  /** with the backups, unless other files are named; what it told */
  rebuild(options?: { files?: RebuildFiles; by?: RedisClient }): Promise<string[]>;
}

/**
 * Empties both, then sells: two concerts, one of them with indexes that no import into an empty Redis gives; a user with
 * purchases in both and a long history, one with money alone, one who has only an account; a live hold.
 */
export async function openLostNight({ redis, sql }: Books): Promise<LostNight> {
  await flush(redis);
  await sql.query('TRUNCATE payments, payment_seats, wallet_entries, dead_letters');
  const process = createProcess(redis);
  const plain = await openSale(process, hall({ seats: 20, seatLimit: 6 }));
  const changed = await openSale(process, hall({ seats: 4 }));
  const rows = (names: string[]) => names.map((row) => ({ row, seats: 4 }));
  const grown = { ...scheduleInput('d1'), sections: [{ section: 'A', price: 1_000, rows: rows(['0', '1']) }] };
  await put(
    { process, concertId: changed.concertId },
    hall({ schedules: [grown, scheduleInput('d2', { price: 700 })] }),
  );

  const [collector, saver, guest, holder] = await Promise.all([10_000, 3_000, 0, 0].map((sum) => signUp(redis, sum)));
  if (!collector || !saver || !guest || !holder) throw new Error('unreachable');
  for (let i = 0; i < 110; i++) await chargeWallet(redis, collector, 1 + i);
  await buy(plain, collector, ['A-1-7', 'A-1-3']);
  await buy(plain, collector, ['A-1-1']);
  await buy(changed, collector, ['A-1-2', 'A-0-4']);
  await hold(plain, await enter(plain, holder), ['A-1-9']);
  await flushNotes(process); // or they would be written into what is emptied next

  const dataDir = mkdtempSync(join(tmpdir(), 'onsale-rebuild-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const sales = [plain, changed];
  const outboxes = {
    payments: sales.map(({ concertId }) => concertOutbox(concertId)),
    entries: [...PARTITION_OUTBOXES],
  };
  return {
    redis,
    sql,
    sales,
    users: [collector, saver, guest, holder],
    dataDir,
    outboxes,
    drain: () => record({ redis, sql }, [...outboxes.payments, ...outboxes.entries]),
    async backUp() {
      await backUpAccounts({ redis, log, dataDir });
      for (const { concertId } of sales) await backUpConcert({ redis, dataDir }, concertId);
    },
    async rebuild({ files = NO_FILES, by = redis } = {}) {
      const told: string[] = [];
      // The processes of a rebuild know nothing yet.
      await rebuild({ ...createProcess(by), sql, dataDir, tell: (line) => told.push(line) }, files);
      return told;
    },
  };
}

/** What a user is told of their money and tickets; without what is known to change (README, "Loss of data"). */
export async function toldTo({ redis, sql }: Books, userId: string) {
  const list = await listReservations({ redis, log }, { userId, status: 'CONFIRMED', limit: 100, cursor: null });
  if (isRefusal(list)) throw new Error(list.refused);
  const reservations = list.reservations.map(({ createdAt: _c, expiresAt: _e, serverTime: _s, ...rest }) => rest);
  const payments = await Promise.all(
    list.reservations.map(async ({ reservationId }) => {
      const payment = await readPayment({ redis }, { paymentId: paymentIdOf(reservationId), userId });
      return isRefusal(payment) ? payment : { ...payment, recordedAt: payment.recordedAt !== null };
    }),
  );
  const newest = await readHistory({ redis, sql }, { userId, limit: 100, cursor: null });
  const older = await readHistory({ redis, sql }, { userId, limit: 100, cursor: '14' });
  return { balance: await readBalance({ redis, config }, userId), reservations, payments, newest, older };
}

/** A concert as its users and operators see it: statistics, and of each schedule the seats that are sold and free. */
export async function shownOf({ redis, concertId }: Sale) {
  const process = createProcess(redis);
  const { held, sold, revenue, outboxLag } = (await readStats({ redis }, concertId)) as Exclude<
    Awaited<ReturnType<typeof readStats>>,
    { refused: string }
  >;
  const catalogue = await process.catalogues.get(concertId);
  const keys = concertKeys(concertId);
  const schedules = await Promise.all(
    (catalogue?.schedules ?? []).map(async (schedule) => {
      const bytes = (await redis.get(keys.status(schedule.scheduleId))) ?? '';
      const seats = schedule.seats.map(({ seatId, price, index }) => `${seatId} ${price} ${bytes[index]}`);
      const free = await redis.hget(keys.stock, `f:${schedule.scheduleId}`);
      return { scheduleId: schedule.scheduleId, startsAt: schedule.startsAt, seats, free };
    }),
  );
  const { title, venue, timeZone, seatLimit, holdSeconds } = catalogue ?? {};
  await process.rooms.stop();
  return { held, sold, revenue, outboxLag, schedules, title, venue, timeZone, seatLimit, holdSeconds };
}
