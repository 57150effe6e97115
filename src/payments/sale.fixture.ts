/** A concert on sale for tests: a real room, real places, and holds as the real scripts make them. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { QueueClaims } from '../auth/tokens.ts';
import { createLog, type Log } from '../observability/log.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { cancel as cancelScript } from '../reservations/cancel.script.ts';
import { hold as holdScript } from '../reservations/hold.script.ts';
import { newReservationId } from '../reservations/ids.ts';
import { sweep as sweepScript } from '../reservations/sweep.script.ts';
import { admitScript } from '../waiting-room/admit.script.ts';
import { joinAll } from '../waiting-room/join.script.ts';
import { leaveScript } from '../waiting-room/leave.script.ts';
import type { RoomView } from '../waiting-room/room-views.ts';
import { newRoomFields } from '../waiting-room/settings.ts';
import type { RoomSettings } from '../waiting-room/shapes.ts';
import { claimsOfRow } from '../waiting-room/ticket-row.ts';
import { createVerdicts } from '../waiting-room/verdicts.ts';
import { redisNow } from '../wallet/wallet.fixture.ts';
import type { PayDeps } from './pay.ts';

export const SCHEDULE = 'd1';
const HOLD_MS = 300_000;

export interface Sale {
  concertId: string;
  /** so many seats, `A-1-1`, `A-1-2` …, each at `price` */
  seats: number;
  price: number;
}

/** A concert that nobody has met before, open, with room for all. */
export async function openSale(
  redis: RedisClient,
  { seats = 4, price = 1000, room = {} }: { seats?: number; price?: number; room?: RoomSettings } = {},
): Promise<Sale> {
  const concertId = `night-${randomUUID()}`;
  const keys = concertKeys(concertId);
  await redis.hset(keys.room, newRoomFields({ capacity: 1000, admitPerSecond: 100_000, ...room }));
  await redis.hset(keys.catalogue, { revision: 1 });
  await redis.set(keys.status(SCHEDULE), 'A'.repeat(seats));
  await redis.hset(keys.stock, { [`v:${SCHEDULE}`]: 0, [`f:${SCHEDULE}`]: seats });
  return { concertId, seats, price };
}

/** Takes a place. */
export async function join(redis: RedisClient, { concertId }: Sale, userId: string): Promise<QueueClaims> {
  const keys = concertKeys(concertId);
  const queueId = `q_${randomUUID().replaceAll('-', '')}`;
  const [answer] = (await joinAll(redis, keys, [{ userId, queueId, idempotency: null }])) ?? [];
  if (answer?.word !== 'JOINED') throw new Error(`join answered ${answer?.word}`);
  return claimsOfRow(answer.row, concertId);
}

export async function admit(redis: RedisClient, { concertId }: Sale): Promise<void> {
  await admitScript.run(redis, { keys: concertKeys(concertId), args: { worker: 'test', lease_ms: 1 } });
}

/** Takes a place and is let in. */
export async function enter(redis: RedisClient, sale: Sale, userId: string): Promise<QueueClaims> {
  const claims = await join(redis, sale, userId);
  await admit(redis, sale);
  expect(await redis.hget(concertKeys(sale.concertId).places, claims.queueId)).toMatch(/^A\|/);
  return claims;
}

/** Holds seats, numbered from 1, for the user of these claims. Throws unless they are free. */
export async function hold(redis: RedisClient, sale: Sale, claims: QueueClaims, numbers: number[]): Promise<string> {
  const held = await tryHold(redis, sale, claims, numbers);
  if (held.outcome !== 'HELD') throw new Error(`hold answered ${held.outcome}`);
  return held.reservationId;
}

export function tryHold(redis: RedisClient, { concertId, price }: Sale, claims: QueueClaims, numbers: number[]) {
  const { userId } = claims;
  const keys = concertKeys(concertId);
  const reservationId = newReservationId(concertId);
  return holdScript.run(redis, {
    keys: {
      ...keys,
      seats: keys.seats(SCHEDULE),
      status: keys.status(SCHEDULE),
      seat_log: keys.seatLog(SCHEDULE),
      reservation: keys.reservation(reservationId),
      live: keys.live(userId),
      owned_by: keys.ownedBy(userId),
      idempotency: keys.noIdempotency,
    },
    args: {
      queue_id: claims.queueId,
      epoch: claims.epoch,
      user_id: userId,
      reservation_id: reservationId,
      schedule_id: SCHEDULE,
      revision: 1,
      missing: 0,
      seat_ids: numbers.map((number) => `A-1-${number}`).join(','),
      indexes: numbers.map((number) => number - 1).join(','),
      prices: numbers.map(() => price).join(','),
      amount: price * numbers.length,
      currency: 'KRW',
      hold_ms: HOLD_MS,
      seat_limit: 8,
      fingerprint: '',
    },
  });
}

/** As its user does; whatever state the reservation is in. */
export function cancel(
  redis: RedisClient,
  { concertId }: Sale,
  reservation: { reservationId: string; userId: string },
) {
  const { reservationId, userId } = reservation;
  const keys = concertKeys(concertId);
  return cancelScript.run(redis, {
    keys: { ...keys, reservation: keys.reservation(reservationId) },
    args: { user_id: userId, reservation_id: reservationId },
  });
}

/** Gives a place back, with its user's holds where it is ACTIVE. */
export function leave(redis: RedisClient, { concertId }: Sale, { queueId }: QueueClaims) {
  return leaveScript.run(redis, { keys: concertKeys(concertId), args: { queue_id: queueId, reason: 'LEFT' } });
}

/** Ends what is past its deadline: holds, then places. */
export async function tidy(redis: RedisClient, sale: Sale): Promise<void> {
  await sweepScript.run(redis, { keys: concertKeys(sale.concertId), args: { limit: 100 } });
  await admit(redis, sale);
}

/** Writes the deadline of a live hold into the past. */
export async function ageHold(redis: RedisClient, { concertId }: Sale, reservationId: string): Promise<void> {
  const keys = concertKeys(concertId);
  const [user, count, status] = await redis.hmget(keys.reservation(reservationId), 'user', 'count', 'status');
  if (status !== 'HELD') return;
  const past = (await redisNow(redis)) - 1;
  await redis.hset(keys.reservation(reservationId), 'deadline', past);
  await redis.zadd(keys.holds, 'XX', past, reservationId);
  await redis.zadd(keys.live(String(user)), 'XX', past, `${count} ${reservationId}`);
}

/** Writes the deadline of an ACTIVE place, and the end of its session, into the past. */
export async function agePlace(redis: RedisClient, { concertId }: Sale, queueId: string): Promise<void> {
  const { places, active } = concertKeys(concertId);
  const packed = await redis.hget(places, queueId);
  if (!packed?.startsWith('A|')) return;
  const fields = packed.split('|');
  const past = (await redisNow(redis)) - 1;
  fields[3] = String(past);
  if (fields[4] !== '0') fields[4] = String(past);
  await redis.hset(places, queueId, fields.join('|'));
  await redis.zadd(active, 'XX', past, queueId);
}

/** A log that keeps what is told it as errors: an alarm is one. */
export function alarmLog() {
  const alarms: unknown[] = [];
  const log = createLog('silent', 'test');
  log.error = (...args: unknown[]) => void alarms.push(args);
  return { log, alarms };
}

/** What `pay` needs; in these rooms the position is the sequence. */
export function payDeps(redis: RedisClient, log: Log = createLog('silent', 'test')): PayDeps {
  const view = { positionOf: (sequence: number) => sequence } as RoomView;
  return { redis, log, rooms: { view: () => Promise.resolve(view), verdicts: createVerdicts() } };
}
