/**
 * The recorder: migrations, then a BullMQ worker that writes chunks to PostgreSQL and settles them in Redis. While
 * PostgreSQL is away both are tried again without limit, and sales go on. While Redis is too full for BullMQ, the relay
 * hands chunks to it directly (while-full.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, Worker } from 'bullmq';
import type { Pool } from 'pg';
import type { Config } from '../config.ts';
import { LIMITS } from '../limits.ts';
import type { Log } from '../observability/log.ts';
import { metrics } from '../observability/metrics.ts';
import { migrate } from '../postgres/migrate.ts';
import { closePool, cutConnections, openPool } from '../postgres/pool.ts';
import { openRedis } from '../redis/client.ts';
import type { RedisClient } from '../redis/script.ts';
import { type Chunk, QUEUE, readJob, WORKER_OPTIONS } from './jobs.ts';
import { recordChunk } from './record-chunk.ts';
import { settle } from './settle.ts';
import { createWhileFull, type WhileFull } from './while-full.ts';

export interface RecorderDeps {
  /** for the settle scripts */
  redis: RedisClient;
  config: Pick<Config, 'redisUrl' | 'redisCluster' | 'databaseUrl'>;
  log: Log;
}

export interface Recorder {
  /** Ends within about 5 s, whatever its connections do. What it was at is done again by the next one. */
  stop(): Promise<void>;
  /** whether the last attempt reached PostgreSQL */
  healthy(): boolean;
  /** the relay's other way, without BullMQ */
  whileFull: WhileFull;
}

const STOP_GENTLY_MS = 3_000;
const STOP_FIRMLY_MS = 1_500;

/** Starts at once, whether or not PostgreSQL is there. */
export function startRecorder({ redis, config, log }: RecorderDeps): Recorder {
  const stopping = new AbortController();
  const sql = openPool(config.databaseUrl, { max: LIMITS.RECORD_AT_ONCE });
  const state = watchState(log);
  const record = recordWith({ redis, log, sql, state });
  let worker: { stop(): Promise<void> } | null = null;
  const whileFull = createWhileFull({
    log,
    async record(chunk) {
      if (!worker || stopping.signal.aborted) throw new Error('the recorder is not ready, or stops');
      await record(chunk).catch((error: unknown) => {
        state.failed(error);
        throw error;
      });
    },
  });
  const starting = (async () => {
    await migrateUntilDone(config.databaseUrl, { log, state, signal: stopping.signal });
    if (stopping.signal.aborted) return;
    worker = startWorker({ config, log, sql, state, record, whileFull });
  })();
  const stop = async () => {
    stopping.abort();
    await within(STOP_GENTLY_MS, starting);
    await worker?.stop();
    await closePool(sql, { withinMs: 0 });
  };
  let stopped: Promise<void> | null = null;
  return {
    healthy: () => state.healthy(),
    whileFull,
    stop: () => (stopped ??= stop()),
  };
}

async function migrateUntilDone(
  databaseUrl: string,
  { log, state, signal }: { log: Log; state: State; signal: AbortSignal },
): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await migrate(databaseUrl, log);
      state.worked();
      return;
    } catch (error) {
      state.failed(error);
      const delayMs = Math.min(LIMITS.RECORD_RETRY_MAX_MS, 100 * 2 ** Math.min(attempt, 16));
      await sleep(delayMs, undefined, { signal }).catch(() => {}); // aborted: the loop ends
    }
  }
}

interface Recording {
  log: Log;
  sql: Pool;
  state: State;
}

/** A chunk from its outbox to its rows, and out of its outbox. Safe to repeat. */
function recordWith({ redis, log, sql, state }: Recording & { redis: RedisClient }) {
  return async (chunk: Chunk): Promise<void> => {
    const result = await recordChunk(sql, chunk);
    state.worked();
    for (const { outboxName, entry, reason } of result.dead) {
      metrics.deadLetters.inc();
      log.error(
        { outbox: outboxName, entry: entry.id, reason },
        'ALARM: an entry could not be recorded; it is in dead_letters',
      );
    }
    await settle(redis, chunk.outbox, result);
    for (const { recorded } of result.recorded) metrics.recorded.inc({ event: recorded.event });
  };
}

interface WorkerDeps extends Recording {
  config: Pick<Config, 'redisUrl' | 'redisCluster'>;
  record(chunk: Chunk): Promise<void>;
  whileFull: WhileFull;
}

function startWorker({ config, log, sql, state, record, whileFull }: WorkerDeps) {
  const connection = openRedis({ url: config.redisUrl, cluster: config.redisCluster }, 'patient');
  const work = (job: Job<unknown>) => record(readJob(job.data));
  const worker = new Worker(QUEUE, work, { ...WORKER_OPTIONS, connection });
  worker.on('failed', (_job, error) => state.failed(error));
  let rest: NodeJS.Timeout | null = null;
  worker.on('error', (error) => {
    log.debug({ err: error }, 'recorder: error of BullMQ; it is tried again');
    if (!whileFull.refused(error) || rest) return;
    // BullMQ waits after errors of a connection only: with a job at hand it would ask a full Redis without a pause.
    void worker.pause(true);
    rest = setTimeout(() => {
      rest = null;
      void worker.resume();
    }, WORKER_OPTIONS.runRetryDelay).unref();
  });
  return {
    async stop() {
      if (rest) clearTimeout(rest);
      const closed = worker.close().catch((error: unknown) => log.debug({ err: error }, 'recorder: closing'));
      if (!(await within(STOP_GENTLY_MS, closed))) {
        // What hangs is a query: it fails, and its job is tried again by the next recorder.
        cutConnections(sql);
        await within(STOP_FIRMLY_MS, closed);
      }
      connection.disconnect();
    },
  };
}

/** Whether `work` ended, in whatever way, in that time. */
async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const late = new AbortController();
  const timer = sleep(ms, false, { signal: late.signal }).catch(() => false);
  const ended = await Promise.race([work.then(() => true), timer]);
  late.abort();
  return ended;
}

interface State {
  worked(): void;
  failed(error: unknown): void;
  healthy(): boolean;
}

/** Tells of an outage once, and of its end once. */
function watchState(log: Log): State {
  let healthy = true;
  let sinceMs = 0;
  return {
    healthy: () => healthy,
    worked() {
      if (!healthy) log.info({ awayMs: Math.round(performance.now() - sinceMs) }, 'recorder: records again');
      healthy = true;
    },
    failed(error) {
      metrics.recordFailures.inc();
      if (healthy) {
        sinceMs = performance.now();
        log.warn(
          { err: error },
          'recorder: cannot record; sales go on, the outbox grows, and it is tried again without limit',
        );
      }
      healthy = false;
    },
  };
}
