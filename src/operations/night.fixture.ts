/** A concert night for tests of the audit: books in Redis and PostgreSQL as the real scripts and the recorder make them. */
import { pino } from 'pino';
import { PARTITION_OUTBOXES, concertOutbox } from '../outbox/outboxes.ts';
import { recordChunk } from '../outbox/record-chunk.ts';
import { settle } from '../outbox/settle.ts';
import { readNew } from '../outbox/stream.ts';
import { pay } from '../payments/pay.ts';
import { enter, hold, openSale, payDeps, type Sale, SCHEDULE } from '../payments/sale.fixture.ts';
import type { Pool } from 'pg';
import { concertKeys, directoryKeys, walletKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { flush } from '../testing/connect.ts';
import { userWith } from '../wallet/wallet.fixture.ts';

export const log = pino({ level: 'silent' });

interface Books {
  redis: RedisClient;
  sql: Pool;
}

/** Two payments that are recorded, one that is not yet, one hold; and their users. */
export interface Night {
  sale: Sale;
  keys: ReturnType<typeof concertKeys>;
  userId: string;
  wallet: ReturnType<typeof walletKeys>;
  /** recorded, of seats 1 and 2 */
  recorded: string;
  /** confirmed and posted, of seat 4, by another user */
  fresh: string;
  freshUser: string;
}
/** Empties both, then sells. */
export async function openNight({ redis, sql }: Books): Promise<Night> {
  await flush(redis);
  await sql.query('TRUNCATE payments, payment_seats, wallet_entries, dead_letters');
  const sale = await openSale(redis, { seats: 10 });
  const keys = concertKeys(sale.concertId);
  await list(redis, sale);
  const userId = await userWith(redis, 10_000);
  const recorded = await buy(redis, sale, userId, [1, 2]);
  await buy(redis, sale, await userWith(redis, 5_000), [3]);
  await drain({ redis, sql }, sale);
  const freshUser = await userWith(redis, 3_000);
  const fresh = await buy(redis, sale, freshUser, [4]);
  const holder = await userWith(redis, 0);
  await hold(redis, sale, await enter(redis, sale, holder), [5]);
  return { sale, keys, userId, wallet: walletKeys(userId), recorded, fresh, freshUser };
}

/** Pays for these seats; returns the reservation's id. */
export async function buy(redis: RedisClient, sale: Sale, userId: string, seats: number[]): Promise<string> {
  const claims = await enter(redis, sale, userId);
  const reservationId = await hold(redis, sale, claims, seats);
  await pay(payDeps(redis), { claims, reservationId, idempotency: null });
  return reservationId;
}

/** What the relay and the recorder do. */
export async function drain({ redis, sql }: Books, sale: Sale): Promise<void> {
  for (const outbox of [concertOutbox(sale.concertId), ...PARTITION_OUTBOXES]) {
    const entries = await readNew(redis, outbox);
    if (entries.length > 0) await settle(redis, outbox, await recordChunk(sql, { outbox, entries }));
  }
}

/** What an import writes that the fixture of a sale does not. */
export async function list(redis: RedisClient, { concertId }: Sale): Promise<void> {
  await redis.hset(concertKeys(concertId).catalogue, `schedule:${SCHEDULE}`, '{}');
  await redis.zadd(directoryKeys.concerts, 1, concertId);
}
