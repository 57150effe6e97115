/** A waiting room for tests: made and used by the real scripts, read as it stands in Redis. */
import { randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import type { QueueClaims } from '../auth/tokens.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { admitScript } from '../waiting-room/admit.script.ts';
import { type JoinAnswer, joinAll as joinTogether } from '../waiting-room/join.script.ts';
import { leaveScript } from '../waiting-room/leave.script.ts';
import { parsePlace } from '../waiting-room/place.ts';
import { newRoomFields } from '../waiting-room/settings.ts';
import type { RoomSettings } from '../waiting-room/shapes.ts';
import { touchScript } from '../waiting-room/touch.script.ts';

export interface TestRoom {
  redis: RedisClient;
  concertId: string;
  keys: ReturnType<typeof concertKeys>;
}

interface Joiner {
  userId: string;
  queueId: string;
  key?: string;
  fingerprint?: string;
}

/** A room that nobody has met before, open, with room for all, without limit to its rate. */
export async function openRoom(redis: RedisClient, settings: RoomSettings = {}): Promise<TestRoom> {
  const concertId = `night-${randomUUID()}`;
  const keys = concertKeys(concertId);
  await redis.hset(keys.room, newRoomFields({ capacity: 1_000_000, admitPerSecond: 100_000, ...settings }));
  return { redis, concertId, keys };
}

export function newQueueId(): string {
  return `q_${randomUUID().replaceAll('-', '')}`;
}

/** One call of the script for all of them, in their order. */
export async function joinAll({ redis, keys }: TestRoom, joiners: readonly Joiner[]): Promise<JoinAnswer[]> {
  const answers = await joinTogether(
    redis,
    keys,
    joiners.map(({ userId, queueId, key, fingerprint = '' }) => ({
      userId,
      queueId,
      idempotency: key ? { key, fingerprint } : null,
    })),
  );
  if (!answers) throw new Error('there is no such room');
  return answers;
}

/** Takes a place. @returns what its queue token says */
export async function join(room: TestRoom, userId: string): Promise<QueueClaims> {
  const queueId = newQueueId();
  const [answer] = await joinAll(room, [{ userId, queueId }]);
  if (answer?.word !== 'JOINED') throw new Error(`join answered ${answer?.word}`);
  const { record, epoch } = answer.row;
  const { sequence, joinedAtMs } = record;
  return { queueId, userId, concertId: room.concertId, epoch, sequence, joinedAtMs };
}

/** One call of the script. */
export async function admit({ redis, keys }: TestRoom, worker = 'test', leaseMs = 1) {
  return admitScript.run(redis, { keys, args: { worker, lease_ms: leaseMs } });
}

/** Takes a place and lets everybody in. */
export async function enter(room: TestRoom, userId: string): Promise<QueueClaims> {
  const claims = await join(room, userId);
  await admit(room);
  const place = await placeOf(room, claims.queueId);
  if (place?.status !== 'A') throw new Error(`${userId} was not admitted`);
  return claims;
}

export function touch({ redis, keys }: TestRoom, queueId: string) {
  return touchScript.run(redis, { keys, args: { queue_id: queueId } });
}

export function leave({ redis, keys }: TestRoom, queueId: string, reason = 'LEFT') {
  return leaveScript.run(redis, { keys, args: { queue_id: queueId, reason } });
}

/** The record as it stands, not judged by the clock. */
export async function placeOf({ redis, keys }: TestRoom, queueId: string) {
  const packed = await redis.hget(keys.places, queueId);
  return packed === null ? null : parsePlace(packed);
}

/** Writes the deadline of an ACTIVE place, and the end of its session, into the past. */
export async function agePlace({ redis, keys }: TestRoom, queueId: string): Promise<void> {
  const packed = await redis.hget(keys.places, queueId);
  if (!packed?.startsWith('A|')) throw new Error(`${queueId} is not ACTIVE: ${packed}`);
  const fields = packed.split('|');
  const past = '1';
  fields[3] = past;
  if (fields[4] !== '0') fields[4] = past;
  await redis.hset(keys.places, queueId, fields.join('|'));
  await redis.zadd(keys.active, 'XX', past, queueId);
}

/** Marks a place as one that has paid, as payments/confirm does while the user has other live holds. */
export async function markPaid({ redis, keys }: TestRoom, queueId: string): Promise<void> {
  const fields = (await redis.hget(keys.places, queueId))?.split('|') ?? [];
  fields[5] = '1';
  await redis.hset(keys.places, queueId, fields.join('|'));
}

export const SCHEDULE = 'd1';

/** A live hold as the script of holds makes it, without moving the deadline of the place. */
export async function holdSeats(
  { redis, keys, concertId }: TestRoom,
  { userId, numbers, forMs }: { userId: string; numbers: readonly number[]; forMs: number },
): Promise<{ reservationId: string; deadline: number }> {
  const reservationId = `rsv_${concertId}_${randomUUID().replaceAll('-', '')}`;
  const deadline = (await redisNow(redis)) + forMs;
  for (const number of numbers) {
    await redis.hset(keys.seats(SCHEDULE), `A-1-${number}`, reservationId);
    await redis.setrange(keys.status(SCHEDULE), number - 1, 'H');
  }
  await redis.hincrby(keys.stock, `v:${SCHEDULE}`, 1);
  await redis.hincrby(keys.stock, `f:${SCHEDULE}`, -numbers.length);
  await redis.hset(keys.reservation(reservationId), {
    user: userId,
    schedule: SCHEDULE,
    seats: numbers.map((number) => `A-1-${number}`).join(','),
    indexes: numbers.map((number) => number - 1).join(','),
    count: numbers.length,
    status: 'HELD',
    deadline,
  });
  await redis.zadd(keys.holds, deadline, reservationId);
  await redis.zadd(keys.live(userId), deadline, `${numbers.length} ${reservationId}`);
  return { reservationId, deadline };
}

/** Entries of the room's log after `since`, each as an object of its fields with its number `n`. */
export async function logOf({ redis, keys }: TestRoom, since = 0): Promise<Record<string, string | number>[]> {
  const entries = await redis.xrange(keys.log, `${since + 1}-0`, '+');
  return entries.map(([id, flat]) => ({
    n: Number.parseInt(id, 10),
    ...Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]])),
  }));
}

/** Redis' own time in ms. */
export async function redisNow(redis: RedisClient): Promise<number> {
  const [seconds, micros] = (await redis.eval("return redis.call('TIME')", 1, '{directory}:clock')) as [string, string];
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}

/** Commands that this client sends while `act` runs; of all, or those about keys that `about` is a part of. */
export async function commandsOf(client: RedisClient, act: () => Promise<unknown>, about = ''): Promise<number> {
  const sent = vi.spyOn(client, 'sendCommand');
  try {
    await act();
    return sent.mock.calls.filter(([{ args }]) => args.some((arg) => String(arg).includes(about))).length;
  } finally {
    sent.mockRestore();
  }
}
