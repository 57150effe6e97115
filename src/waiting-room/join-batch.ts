/**
 * Joins that arrive within one turn of the event loop go to Redis together: one script call per room, in the order of
 * arrival, at most 200 a call. Every caller gets the answer they would have got alone.
 */
import { LIMITS } from '../limits.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { type JoinAnswer, joinScript } from './join.script.ts';

export interface Joiner {
  userId: string;
  /** of the place that is made where none lives */
  queueId: string;
  idempotency: { key: string; fingerprint: string } | null;
}

interface Waiter extends Joiner {
  resolve(answer: JoinAnswer | null): void;
  reject(error: unknown): void;
}

const gathering = new WeakMap<RedisClient, Map<string, Waiter[]>>();

/** null: there is no such concert. */
export function joinWithOthers(redis: RedisClient, concertId: string, joiner: Joiner): Promise<JoinAnswer | null> {
  const { promise, resolve, reject } = Promise.withResolvers<JoinAnswer | null>();
  let rooms = gathering.get(redis);
  if (!rooms) {
    rooms = new Map();
    gathering.set(redis, rooms);
    setImmediate(send, redis, rooms);
  }
  const waiters = rooms.get(concertId);
  const waiter = { ...joiner, resolve, reject };
  if (waiters) waiters.push(waiter);
  else rooms.set(concertId, [waiter]);
  return promise;
}

function send(redis: RedisClient, rooms: Map<string, Waiter[]>): void {
  gathering.delete(redis);
  for (const [concertId, waiters] of rooms) {
    for (let i = 0; i < waiters.length; i += LIMITS.JOINS_A_CALL) {
      void call(redis, concertId, waiters.slice(i, i + LIMITS.JOINS_A_CALL));
    }
  }
}

async function call(redis: RedisClient, concertId: string, waiters: readonly Waiter[]): Promise<void> {
  const keys = concertKeys(concertId);
  try {
    const answer = await joinScript.run(redis, {
      keys,
      args: {},
      moreKeys: waiters.map(({ userId, idempotency }) =>
        idempotency ? keys.idempotency(userId, 'join', idempotency.key) : keys.noIdempotency,
      ),
      moreArgs: waiters.flatMap(({ userId, queueId, idempotency }) => [
        userId,
        queueId,
        idempotency?.fingerprint ?? '',
      ]),
    });
    waiters.forEach(({ resolve }, i) => resolve(answer.outcome === 'NONE' ? null : (answer.answers[i] ?? null)));
  } catch (error) {
    for (const { reject } of waiters) reject(error);
  }
}
