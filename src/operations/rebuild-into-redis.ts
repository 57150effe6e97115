/** The parts of a rebuild that write to Redis, a slice of PostgreSQL at a time. Each is safe to repeat. */
import type { Pool } from 'pg';
import { type Catalogue, catalogueOf, parseStored } from '../concerts/catalogue.ts';
import { LIMITS } from '../limits.ts';
import { concertKeys, walletKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { restoreAccounts } from '../users/restore.ts';
import { packEntry } from '../wallet/entry.ts';
import { noteConcerts } from '../wallet/note-concerts.ts';
import { accountless, type LedgerWallet, ledgerWallets, type Sale, sales } from './rebuild-ledger.ts';
import { rebuildSale } from './rebuild-sale.script.ts';
import { rebuildWallet } from './rebuild-wallet.script.ts';

interface Deps {
  redis: RedisClient;
  sql: Pool;
  tell(line: string): void;
}

/** As they are in Redis now: an import has given every seat its index there. */
export async function readCatalogues(
  redis: RedisClient,
  concertIds: readonly string[],
): Promise<ReadonlyMap<string, Catalogue>> {
  const catalogues = new Map<string, Catalogue>();
  for (const concertId of concertIds) {
    const stored = parseStored(await redis.hgetall(concertKeys(concertId).catalogue));
    if (stored) catalogues.set(concertId, catalogueOf(concertId, stored));
  }
  return catalogues;
}

const TELL_EVERY_MS = 5_000;

/** Tells how far it is, now and then, and at the end how long it took. */
function createProgress(tell: Deps['tell'], what: string) {
  const began = performance.now();
  let told = began;
  let done = 0;
  return {
    add(count: number) {
      done += count;
      if (performance.now() - told < TELL_EVERY_MS) return;
      told = performance.now();
      tell(`${done} ${what} …`);
    },
    end: () => tell(`${done} ${what} are back, in ${((performance.now() - began) / 1_000).toFixed(1)} s`),
  };
}

/** Purchases: sold seats, reservations with their payments, counters, and the concerts of each buyer. */
export async function putBackSales(
  { redis, sql, tell }: Deps,
  catalogues: ReadonlyMap<string, Catalogue>,
): Promise<void> {
  const progress = createProgress(tell, 'purchases');
  for await (const slice of sales(sql)) {
    await Promise.all([...slice.map((sale) => putBackSale(redis, sale, catalogues)), noteConcerts({ redis }, slice)]);
    progress.add(slice.length);
  }
  progress.end();
}

async function putBackSale(redis: RedisClient, sale: Sale, catalogues: ReadonlyMap<string, Catalogue>): Promise<void> {
  const { reservationId, userId, concertId, scheduleId, seats } = sale;
  const schedule = catalogues.get(concertId)?.schedule(scheduleId);
  const keys = concertKeys(concertId);
  const said = await rebuildSale.run(redis, {
    keys: {
      stock: keys.stock,
      bought: keys.bought,
      paid_by: keys.paidBy(userId),
      reservation: keys.reservation(reservationId),
      seats: keys.seats(scheduleId),
      status: keys.status(scheduleId),
      seat_log: keys.seatLog(scheduleId),
    },
    args: {
      reservation_id: reservationId,
      user_id: userId,
      schedule_id: scheduleId,
      seat_ids: seats.map(({ seatId }) => seatId).join(','),
      indexes: seats.map(({ seatId }) => schedule?.seat(seatId)?.index ?? missing(sale, seatId)).join(','),
      prices: seats.map(({ price }) => price).join(','),
      count: seats.length,
      amount: sale.amount,
      currency: sale.currency,
      balance: sale.balance,
      transfer_id: sale.transferId,
      paid_at: sale.paidAtMs,
      recorded_at: sale.recordedAtMs,
    },
  });
  if (said.outcome === 'TAKEN') throw new Error(`${sale.paymentId}: its seat ${said.seatId} is taken: who else sells?`);
}

/** They were all there when the books were checked. */
function missing({ paymentId }: Sale, seatId: string): never {
  throw new Error(`${paymentId}: its seat ${seatId} is not in the catalogue: who else imports?`);
}

/** Wallets: what is left, all of it to spend, and the last entries of their history. */
export async function putBackWallets({ redis, sql, tell }: Deps): Promise<void> {
  const progress = createProgress(tell, 'wallets');
  for await (const slice of ledgerWallets(sql)) {
    await Promise.all(slice.map((wallet) => putBackWallet(redis, wallet)));
    progress.add(slice.length);
  }
  progress.end();
}

async function putBackWallet(redis: RedisClient, wallet: LedgerWallet): Promise<void> {
  const { userId, balance, charged, posted, last, kept } = wallet;
  await rebuildWallet.run(redis, {
    keys: walletKeys(userId),
    args: { user_id: userId, available: balance, charged, posted, entries: last, first: last - kept.length + 1 },
    moreArgs: kept.map(packEntry),
  });
}

const SHOWN = 20;

/** After the wallets: those who have none yet get an empty one. Tells of users with books and no account. */
export async function putBackAccounts({ redis, sql, tell }: Deps, file: string): Promise<void> {
  const progress = createProgress(tell, 'accounts');
  const { count, userIds } = await accountless(sql, async function* () {
    for await (const users of restoreAccounts({ redis }, { file, batch: LIMITS.REBUILD_SLICE })) {
      progress.add(users.length);
      yield users;
    }
  });
  progress.end();
  if (count === 0) return;
  tell(`${count} users have a wallet and no account: theirs were made after the backup, and they cannot sign in:`);
  for (const userId of userIds.slice(0, SHOWN)) tell(`  ${userId}`);
}
