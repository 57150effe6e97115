/** The parts of a rebuild that write to Redis, a slice of PostgreSQL at a time. Each is safe to repeat. */
import type { Pool } from 'pg';
import { type Catalogue, catalogueOf, parseStored } from '../concerts/catalogue.ts';
import { LIMITS } from '../limits.ts';
import { concertKeys, walletKeys, walletPartition } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { restoreAccounts } from '../users/restore.ts';
import { packEntry } from '../wallet/entry.ts';
import { noteConcerts } from '../wallet/note-concerts.ts';
import { accountless, type LedgerWallet, ledgerWallets, type Sale, sales } from './rebuild-ledger.ts';
import { rebuildSales } from './rebuild-sales.script.ts';
import { rebuildWallets } from './rebuild-wallets.script.ts';

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
    const schedules = Map.groupBy(slice, ({ concertId, scheduleId }) => `${concertId} ${scheduleId}`);
    const calls = [...schedules.values()]
      .flatMap((ofSchedule) => [...chunks(ofSchedule, LIMITS.REBUILD_SALES_A_CALL)])
      .map((some) => putBackSome(redis, some, catalogues));
    await Promise.all([...calls, noteConcerts({ redis }, slice)]);
    progress.add(slice.length);
  }
  progress.end();
}

function* chunks<T>(items: readonly T[], size: number): Generator<[T, ...T[]]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size) as [T, ...T[]];
}

/** Sales of one schedule. */
async function putBackSome(
  redis: RedisClient,
  some: [Sale, ...Sale[]],
  catalogues: ReadonlyMap<string, Catalogue>,
): Promise<void> {
  const [{ concertId, scheduleId, currency }] = some;
  const schedule = catalogues.get(concertId)?.schedule(scheduleId);
  const keys = concertKeys(concertId);
  const indexOf = (seatId: string) => {
    const index = schedule?.seat(seatId)?.index;
    // It was there when the books were checked.
    if (index === undefined) throw new Error(`${concertId} ${scheduleId}: seat ${seatId} is gone: who else imports?`);
    return index;
  };
  const said = await rebuildSales.run(redis, {
    keys: {
      stock: keys.stock,
      bought: keys.bought,
      seats: keys.seats(scheduleId),
      status: keys.status(scheduleId),
      seat_log: keys.seatLog(scheduleId),
    },
    moreKeys: some.flatMap(({ reservationId, userId }) => [keys.reservation(reservationId), keys.paidBy(userId)]),
    args: { schedule_id: scheduleId, currency },
    moreArgs: some.flatMap(({ seats, ...sale }) => [
      sale.reservationId,
      sale.userId,
      seats.map(({ seatId }) => seatId).join(','),
      seats.map(({ seatId }) => indexOf(seatId)).join(','),
      seats.map(({ price }) => price).join(','),
      seats.length,
      sale.amount,
      sale.balance,
      sale.transferId,
      sale.paidAtMs,
      sale.recordedAtMs,
    ]),
  });
  if (said.outcome === 'TAKEN')
    throw new Error(`${said.reservationId}: its seat ${said.seatId} is taken: who else sells?`);
}

/** Wallets: what is left, all of it to spend, and the last entries of their history. */
export async function putBackWallets({ redis, sql, tell }: Deps): Promise<void> {
  const progress = createProgress(tell, 'wallets');
  for await (const slice of ledgerWallets(sql)) {
    const partitions = Map.groupBy(slice, ({ userId }) => walletPartition(userId));
    await Promise.all([...partitions.values()].map((wallets) => putBackPartition(redis, wallets)));
    progress.add(slice.length);
  }
  progress.end();
}

/** Wallets of one partition. */
async function putBackPartition(redis: RedisClient, wallets: readonly LedgerWallet[]): Promise<void> {
  const keys = wallets.map(({ userId }) => walletKeys(userId));
  await rebuildWallets.run(redis, {
    keys: { users: keys[0]?.users ?? '' },
    moreKeys: keys.flatMap(({ wallet, history }) => [wallet, history]),
    args: {},
    moreArgs: wallets.flatMap(({ userId, balance, charged, posted, last, kept }) => [
      userId,
      balance,
      charged,
      posted,
      last,
      last - kept.length + 1,
      JSON.stringify(kept.map(packEntry)),
    ]),
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
