/**
 * Joins go to Redis together, one script call per room for all that gathered, in the order of arrival. While a call is
 * under way those who come wait for its return and go together: the fuller the server, the larger the calls (64 clients
 * in a closed loop: 0.03 calls a join instead of 0.2 with one call a turn of the event loop). Every caller gets the
 * answer they would have got alone.
 */
import { LIMITS } from '../limits.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { joinAll, type JoinAnswer, type Joiner } from './join.script.ts';

interface Waiter extends Joiner {
  resolve(answer: JoinAnswer | null): void;
  reject(error: unknown): void;
}

/** Those who gather for one room. It is kept while somebody waits or a call is under way. */
interface Gathering {
  waiters: Waiter[];
  calls: number;
  patience: NodeJS.Timeout | undefined;
}

type Rooms = Map<string, Gathering>;
const roomsOf = new WeakMap<RedisClient, Rooms>();

/** null: there is no such concert. */
export function joinWithOthers(redis: RedisClient, concertId: string, joiner: Joiner): Promise<JoinAnswer | null> {
  const rooms = roomsOf.get(redis) ?? new Map<string, Gathering>();
  roomsOf.set(redis, rooms);
  const room = rooms.get(concertId) ?? { waiters: [], calls: 0, patience: undefined };
  rooms.set(concertId, room);
  const { promise, resolve, reject } = Promise.withResolvers<JoinAnswer | null>();
  const gathered = room.waiters.push({ ...joiner, resolve, reject });
  if (gathered === LIMITS.JOINS_A_CALL) send(redis, rooms, concertId);
  else if (gathered === 1) {
    // With nothing under way, all that arrive within this turn of the event loop. Nobody waits long for the call of
    // others: Redis may hang, and a refusal is due within a second.
    if (room.calls === 0) setImmediate(send, redis, rooms, concertId);
    else room.patience = setTimeout(send, LIMITS.JOIN_GATHERS_MS, redis, rooms, concertId);
  }
  return promise;
}

function send(redis: RedisClient, rooms: Rooms, concertId: string): void {
  const room = rooms.get(concertId);
  if (!room || room.waiters.length === 0) return;
  clearTimeout(room.patience);
  const waiters = room.waiters;
  room.waiters = [];
  room.calls++;
  void call(redis, concertId, waiters).then(() => {
    room.calls--;
    if (room.waiters.length > 0) send(redis, rooms, concertId);
    else if (room.calls === 0) rooms.delete(concertId);
  });
}

async function call(redis: RedisClient, concertId: string, waiters: readonly Waiter[]): Promise<void> {
  try {
    const answers = await joinAll(redis, concertKeys(concertId), waiters);
    waiters.forEach(({ resolve }, i) => resolve(answers?.[i] ?? null));
  } catch (error) {
    for (const { reject } of waiters) reject(error);
  }
}
