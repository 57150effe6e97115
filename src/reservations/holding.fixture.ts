/** A concert on sale for tests: imported, entered and bought by the real scripts, read as it stands in Redis. */
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { expect } from 'vitest';
import { createTokens, type QueueClaims } from '../auth/tokens.ts';
import { createCatalogues } from '../concerts/catalogues.ts';
import { importConcert } from '../concerts/import.ts';
import { createSeatMaps } from '../concerts/seat-maps.ts';
import type { ConcertInput } from '../concerts/shapes.ts';
import { isRefusal } from '../errors.ts';
import { confirm } from '../payments/confirm.script.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { enter, type TestRoom } from '../testing/waiting-room.ts';
import { createRoomViews } from '../waiting-room/room-views.ts';
import { holdSeats } from './hold.ts';
import { paymentIdOf } from './ids.ts';

/** The parts of one process of ours. Several of them on one Redis are several processes. */
export function createProcess(redis: RedisClient) {
  const log = pino({ level: 'silent' });
  const rooms = createRoomViews({ redis, log });
  const catalogues = createCatalogues({ redis, rooms });
  const seatMaps = createSeatMaps({ redis, catalogues, log });
  const tokens = createTokens({ jwtSecrets: ['a-secret-of-the-tests-that-is-long-enough'] });
  return { redis, log, rooms, catalogues, seatMaps, tokens, config: { currency: 'KRW' } };
}
export type TestProcess = ReturnType<typeof createProcess>;

/** One section `A` at 1,000 with one row, `1`, unless said otherwise. */
export function hall({
  seats = 10,
  price = 1_000,
  ...input
}: Partial<ConcertInput> & { seats?: number; price?: number } = {}): ConcertInput {
  return {
    title: 'A night',
    venue: 'A hall',
    timeZone: 'Asia/Seoul',
    schedules: [scheduleInput('d1', { seats, price })],
    room: { capacity: 1_000_000, admitPerSecond: 100_000 },
    ...input,
  };
}

export function scheduleInput(scheduleId: string, { seats = 10, price = 1_000, day = '24' } = {}) {
  const sections = [{ section: 'A', price, rows: [{ row: '1', seats }] }];
  return { scheduleId, startsAt: `2027-12-${day}T19:00:00+09:00`, sections };
}

export interface Sale extends TestRoom {
  process: TestProcess;
}

/** A concert that nobody has met before. */
export async function openSale(process: TestProcess, input: ConcertInput = hall()): Promise<Sale> {
  const concertId = `sale-${randomUUID()}`;
  await put({ process, concertId }, input);
  return { process, redis: process.redis, concertId, keys: concertKeys(concertId) };
}

/** Imports; fails where that is refused. */
export async function put({ process, concertId }: Pick<Sale, 'process' | 'concertId'>, input: ConcertInput) {
  const answer = await importConcert(process, { concertId, input, dryRun: false });
  if (isRefusal(answer)) throw new Error(`${answer.refused} ${JSON.stringify(answer.members)}`);
  return answer;
}

export function newUser(): string {
  return `u_${randomUUID().replaceAll('-', '')}`;
}

/** A new user with an ACTIVE place. */
export function newFan(sale: Sale): Promise<QueueClaims> {
  return enter(sale, newUser());
}

interface Wish {
  seats: readonly string[];
  scheduleId?: string;
  key?: string;
}

export function tryHold({ process }: Sale, claims: QueueClaims, { seats, scheduleId = 'd1', key }: Wish) {
  const idempotency = key === undefined ? null : { key, fingerprint: seats.join('_') };
  return holdSeats(process, { claims, scheduleId, seatIds: seats, idempotency });
}

/** Holds; fails where that is refused. @returns the reservation id */
export async function hold(sale: Sale, claims: QueueClaims, seats: readonly string[]): Promise<string> {
  const held = await tryHold(sale, claims, { seats });
  if (isRefusal(held)) throw new Error(`${held.refused} ${JSON.stringify(held.members)}`);
  return held.reservation.reservationId;
}

/** Sells a held reservation, as a payment does. */
export async function sell({ redis, keys, concertId }: Sale, claims: QueueClaims, reservationId: string) {
  const { queueId, userId, epoch } = claims;
  const said = await confirm.run(redis, {
    keys: {
      ...keys,
      live: keys.live(userId),
      owned_by: keys.ownedBy(userId),
      paid_by: keys.paidBy(userId),
      reservation: keys.reservation(reservationId),
      idempotency: keys.noIdempotency,
    },
    args: {
      user_id: userId,
      queue_id: queueId,
      epoch,
      concert_id: concertId,
      reservation_id: reservationId,
      payment_id: paymentIdOf(reservationId),
      transfer_id: `t_${randomUUID().replaceAll('-', '')}`,
      balance: 0,
      fingerprint: '',
    },
  });
  return said.outcome;
}

/** Writes the deadline of a hold into the past. */
export async function ageHold({ redis, keys }: Sale, reservationId: string, deadlineMs = 1_000): Promise<void> {
  const [user = '', count = ''] = await redis.hmget(keys.reservation(reservationId), 'user', 'count');
  await redis.hset(keys.reservation(reservationId), 'deadline', deadlineMs);
  await redis.zadd(keys.holds, 'XX', deadlineMs, reservationId);
  await redis.zadd(keys.live(user ?? ''), 'XX', deadlineMs, `${count} ${reservationId}`);
}

/** The record of a reservation is gone, as 12 h after its deadline. */
export async function forgetHold(sale: Sale, reservationId: string): Promise<void> {
  await ageHold(sale, reservationId);
  await sale.redis.del(sale.keys.reservation(reservationId));
}

/** All that Redis holds about the seats of a schedule, after its parts were held against each other. */
export async function seatsOf({ redis, keys }: Sale, scheduleId = 'd1') {
  const [status, seats, version, free] = await Promise.all([
    redis.get(keys.status(scheduleId)),
    redis.hgetall(keys.seats(scheduleId)),
    redis.hget(keys.stock, `v:${scheduleId}`),
    redis.hget(keys.stock, `f:${scheduleId}`),
  ]);
  const bytes = status ?? '';
  const log = await redis.xrevrange(keys.seatLog(scheduleId), '+', '-', 'COUNT', 1);
  expect(bytes.replaceAll(/[^A]/g, '').length, 'free counter').toBe(Number(free));
  expect(bytes.replaceAll(/[^HS]/g, '').length, 'taken seats').toBe(Object.keys(seats).length);
  if (bytes !== '') expect(log[0]?.[0], 'last entry of the seat log').toBe(`${version}-0`);
  return { bytes, seats, version: Number(version), free: Number(free) };
}
