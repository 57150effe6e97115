/** Joins of a room that arrive within one turn of the event loop go to Redis together. */
import { LIMITS } from '../limits.ts';
import { gatherCalls } from '../redis/gather-calls.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { joinAll, type JoinAnswer, type Joiner } from './join.script.ts';

type Join = (concertId: string, joiner: Joiner) => Promise<JoinAnswer | null>;
const joinOf = new WeakMap<RedisClient, Join>();

/** null: there is no such concert. */
export function joinWithOthers(redis: RedisClient, concertId: string, joiner: Joiner): Promise<JoinAnswer | null> {
  const join = joinOf.get(redis) ?? gatherJoins(redis);
  joinOf.set(redis, join);
  return join(concertId, joiner);
}

function gatherJoins(redis: RedisClient): Join {
  return gatherCalls<Joiner, JoinAnswer | null>({
    most: LIMITS.JOINS_A_CALL,
    call: async (concertId, joiners) =>
      (await joinAll(redis, concertKeys(concertId), joiners)) ?? joiners.map(() => null),
  });
}
