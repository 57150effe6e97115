/** The outboxes of an installation: one of each concert, one of each wallet partition. */
import { LIMITS } from '../limits.ts';
import { concertKeys, partitionKeys, WALLET_PARTITIONS } from '../redis/keys.ts';

interface Shared {
  /** `c.<concert id>` or `w.<partition>`: in job ids, dead letters and metrics */
  name: string;
  /** key of the stream */
  stream: string;
  /** how many of its chunks may be on their way at once */
  chunksMax: number;
}
export type Outbox = Shared & ({ of: 'concert'; concertId: string } | { of: 'partition'; partition: number });

/** Consumer group of every outbox, and its one consumer: relays that share a name share what is pending. */
export const GROUP = 'relay';

export function concertOutbox(concertId: string): Outbox {
  const stream = concertKeys(concertId).outbox;
  return { of: 'concert', concertId, name: `c.${concertId}`, stream, chunksMax: LIMITS.CHUNKS_A_CONCERT };
}

export function partitionOutbox(partition: number): Outbox {
  const stream = partitionKeys(partition).outbox;
  return { of: 'partition', partition, name: `w.${partition}`, stream, chunksMax: LIMITS.CHUNKS_A_PARTITION };
}

export const PARTITION_OUTBOXES: readonly Outbox[] = Array.from({ length: WALLET_PARTITIONS }, (_, partition) =>
  partitionOutbox(partition),
);

/** The outbox of that name; undefined where none can have it. */
export function outboxNamed(name: string): Outbox | undefined {
  const concertId = /^c\.([a-z0-9][a-z0-9-]{0,63})$/.exec(name)?.[1];
  if (concertId !== undefined) return concertOutbox(concertId);
  const partition = /^w\.(\d{1,2})$/.exec(name)?.[1];
  return partition === undefined ? undefined : PARTITION_OUTBOXES[Number(partition)];
}
