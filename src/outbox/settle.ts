/** The end of an outbox entry, after the commit: out of the outbox, and its slot knows that PostgreSQL has it. */
import { LIMITS } from '../limits.ts';
import { concertKeys, partitionKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import type { Outbox } from './outboxes.ts';
import type { ChunkResult } from './record-chunk.ts';
import { settleEntries } from './settle-entries.script.ts';
import { settlePayments } from './settle-payments.script.ts';

/** Settles a chunk whose transaction has committed; safe to repeat. Throws where Redis is away: to be repeated. */
export async function settle(redis: RedisClient, outbox: Outbox, { recorded, dead }: ChunkResult): Promise<void> {
  const deadIds = dead.map(({ entry }) => entry.id);
  if (outbox.of === 'concert') {
    const keys = concertKeys(outbox.concertId);
    const payments = recorded.flatMap(({ id, recorded: { event, record } }) =>
      event === 'payment' ? [{ id, reservation: keys.reservation(record.reservationId) }] : [],
    );
    await settlePayments.run(redis, {
      keys,
      moreKeys: payments.map(({ reservation }) => reservation),
      args: {},
      moreArgs: [...payments.map(({ id }) => id), ...deadIds],
    });
    return;
  }
  const entries = recorded.flatMap(({ id, recorded: { event, record } }) =>
    event === 'entry' ? [id, record.userId, record.n] : [],
  );
  await settleEntries.run(redis, {
    keys: partitionKeys(outbox.partition),
    args: { kept: LIMITS.HISTORY_KEPT },
    moreArgs: [...entries, ...deadIds.flatMap((id) => [id, '', ''])],
  });
}
