/** Jobs of the recorder: one for each chunk of an outbox, by way of BullMQ. */
import { Queue, type QueueOptions, type WorkerOptions } from 'bullmq';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { LIMITS } from '../limits.ts';
import { JOBS_PREFIX } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import type { Fields } from './events.ts';
import { type Outbox, outboxNamed } from './outboxes.ts';

export const QUEUE = 'record';

/** An entry of an outbox: its id in the stream, and its fields. */
export interface OutboxEntry {
  id: string;
  fields: Fields;
}

export interface Chunk {
  outbox: Outbox;
  /** 1 … LIMITS.CHUNK_MAX, in the order of the stream */
  entries: OutboxEntry[];
}

const STREAM_ID = '^\\d+-\\d+$';
const JOB = Type.Object({
  version: Type.Literal(1),
  outbox: Type.String(),
  entries: Type.Array(
    Type.Object({
      id: Type.String({ pattern: STREAM_ID }),
      fields: Type.Record(Type.String(), Type.String()),
    }),
    { minItems: 1, maxItems: LIMITS.CHUNK_MAX },
  ),
});
const validator = Compile(JOB);
export type JobData = Static<typeof JOB>;

// BullMQ's defaults give up: `attempts` 0 and `maxStalledCount` 1 lose a chunk to one outage, or to two killed workers.
const WITHOUT_END = 1_000_000_000;

/** Named by its entries, so that a chunk that is offered twice is one job while that job exists. BullMQ takes no `:`. */
export function jobIdOf({ outbox, entries }: Chunk): string {
  return `${outbox.name}_${entries[0]?.id}_${entries.at(-1)?.id}`;
}

export function jobDataOf({ outbox, entries }: Chunk): JobData {
  return { version: 1, outbox: outbox.name, entries };
}

/**
 * Reads a job's payload. Throws where it is of a version that this program does not know, which a newer worker will:
 * the job is tried again without end, and its entries stay in their outbox.
 */
export function readJob(data: unknown): Chunk {
  if (!validator.Check(data)) {
    const [first] = validator.Errors(data);
    throw new Error(`a job that this version cannot read: ${first?.instancePath} ${first?.message}`);
  }
  const outbox = outboxNamed(data.outbox);
  if (!outbox) throw new Error(`a job of an unknown outbox: ${data.outbox}`);
  return { outbox, entries: data.entries };
}

/** The producer's side. `connection` is not closed with it. */
export function openQueue(connection: RedisClient): Queue {
  const options: QueueOptions = {
    connection,
    prefix: JOBS_PREFIX,
    defaultJobOptions: {
      attempts: WITHOUT_END,
      backoff: { type: 'custom' },
      removeOnComplete: true,
      removeOnFail: false,
      // Without it, a job of an outage of hours carries the stack of each attempt.
      stackTraceLimit: 1,
      keepLogs: 0,
    },
    streams: { events: { maxLen: 100 } },
  };
  const queue = new Queue(QUEUE, options);
  // ioredis reconnects by itself; whoever adds a job sees its failure.
  queue.on('error', () => {});
  return queue;
}

export const WORKER_OPTIONS = {
  prefix: JOBS_PREFIX,
  concurrency: LIMITS.RECORD_AT_ONCE,
  maxStalledCount: WITHOUT_END,
  // A job of a killed worker is taken up by another after the lock and one or two looks. One that runs twice does no harm.
  lockDuration: 4_000,
  stalledInterval: 2_000,
  // After an error of Redis; the default of 15 s is longer than recordedAt may take.
  runRetryDelay: 1_000,
  settings: { backoffStrategy: retryDelayMs },
} satisfies Omit<WorkerOptions, 'connection'>;

/** Doubles from 100 ms, capped: BullMQ's own exponential back-off is not. Spread, so that chunks do not come as one. */
function retryDelayMs(attempts: number): number {
  const most = Math.min(LIMITS.RECORD_RETRY_MAX_MS, 100 * 2 ** Math.min(attempts, 16));
  return Math.round(most * (0.75 + Math.random() / 4));
}
