/**
 * DURABILITY=replica: what a caller is told stands on a replica too, so that it outlives its master.
 *
 * WAIT is sent on a connection of its own, one at a time for each master, for all that was answered there meanwhile: on
 * the connection of the scripts every read would stand behind it, for half a second each where the replica is gone.
 * Valkey, and Redis from 7.2, wait for the last *write* of the connection alone, so each WAIT has one before it. That
 * serves a repeated call too, which writes nothing itself and may come by another connection than the first.
 */
import { LIMITS } from '../limits.ts';
import { masterOf } from './client.ts';
import { barrierKey } from './keys.ts';
import type { RedisClient } from './script.ts';

/** A replica did not confirm in time: the write stands on the master, but its answer must not be given as safe. */
export class NotReplicated extends Error {
  override name = 'NotReplicated';
}

/** Runs what writes to the slot of `key`, and answers once a replica has it. Throws NotReplicated where that is not known. */
export type Replicated = <T>(redis: RedisClient, key: string, run: () => Promise<T>) => Promise<T>;

/** @param waits a client of its own for the same Redis */
export function createReplicated(waits: RedisClient): Replicated {
  const next = new Map<string, Promise<void>>();
  const last = new Map<string, Promise<unknown>>();

  /** The first WAIT that is sent after this call. */
  function untilReplicated(node: string, key: string): Promise<void> {
    let round = next.get(node);
    if (!round) {
      round = (last.get(node) ?? Promise.resolve()).then(() => {
        next.delete(node);
        return wait(waits, node, key);
      });
      next.set(node, round);
      last.set(
        node,
        round.catch(() => undefined),
      );
    }
    return round;
  }

  return async (redis, key, run) => {
    const node = masterOf(redis, key);
    const answer = await run();
    // A new master may not have what the old one has answered, however well it is replicated itself.
    if (masterOf(redis, key) !== node) throw new NotReplicated('the master has changed meanwhile');
    await untilReplicated(node, key);
    return answer;
  };
}

async function wait(waits: RedisClient, node: string, key: string): Promise<void> {
  const write = waits.pipeline().set(barrierKey(key), '', 'EX', 60);
  const replies = (await write.call('WAIT', '1', String(LIMITS.REPLICA_WAIT_MS)).exec()) ?? [];
  for (const [error] of replies) if (error) throw new NotReplicated(error.message, { cause: error });
  if (Number(replies[1]?.[1]) < 1) throw new NotReplicated(`no replica within ${LIMITS.REPLICA_WAIT_MS} ms`);
  if (masterOf(waits, key) !== node) throw new NotReplicated('the master has changed meanwhile');
}
