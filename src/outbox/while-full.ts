/**
 * The way of chunks while Redis is full. BullMQ's scripts need memory and are refused; what frees memory, the settle,
 * comes after them: so nothing would ever be freed. Then chunks are recorded in this process, without a job.
 *
 *   JOBS --BullMQ is refused for want of memory--> HERE --a job is taken again--> JOBS
 *
 * HERE, a job is tried once in LIMITS.JOBS_TRIED_AGAIN_MS. A chunk that is also a job, of before, is recorded twice at
 * worst, which is safe.
 */
import { LIMITS } from '../limits.ts';
import type { Log } from '../observability/log.ts';
import type { Chunk } from './jobs.ts';

export interface WhileFull {
  /** true in HERE */
  isOn(): boolean;
  /** true where a job is worth a try */
  triesJobs(): boolean;
  /** Told of an error of BullMQ; returns whether it is a refusal for want of memory. */
  refused(error: unknown): boolean;
  /** Told of a job that was taken. */
  taken(): void;
  /** True for LIMITS.RECORD_HERE_AGAIN_MS after a chunk could not be recorded: reading more of them is of no use. */
  waits(): boolean;
  /** Records a chunk and settles it, one at a time. Throws where that is not possible now. */
  record(chunk: Chunk): Promise<void>;
}

export function createWhileFull({ log, record }: { log: Log; record(chunk: Chunk): Promise<void> }): WhileFull {
  let on = false;
  let refusedAt = -Infinity;
  let failedAt = -Infinity;
  let turn: Promise<unknown> = Promise.resolve();

  const waits = () => performance.now() - failedAt < LIMITS.RECORD_HERE_AGAIN_MS;
  const triesJobs = () => !on || performance.now() - refusedAt > LIMITS.JOBS_TRIED_AGAIN_MS;
  const recordNow = async (chunk: Chunk) => {
    if (waits()) throw new Error('Redis is too full for jobs, and a chunk could not be recorded just now');
    try {
      await record(chunk);
    } catch (error) {
      failedAt = performance.now();
      throw error;
    }
  };

  return {
    isOn: () => on,
    triesJobs,
    waits: () => on && waits(),
    refused(error) {
      if (!isOutOfMemory(error)) return false;
      refusedAt = performance.now();
      if (!on) log.warn({ err: error }, 'Redis is full: BullMQ is refused, so outboxes are recorded without it');
      on = true;
      return true;
    },
    taken() {
      if (!on || !triesJobs()) return;
      on = false;
      log.info('Redis has room again: outboxes are recorded by way of BullMQ');
    },
    record(chunk) {
      const mine = turn.then(() => recordNow(chunk));
      turn = mine.catch(() => {}); // who asked for it sees its failure
      return mine;
    },
  };
}

/** Redis refused a command for want of memory, before it changed anything. */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && /\bOOM\b/.test(error.message);
}
