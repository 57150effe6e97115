/**
 * The relay: reads every outbox and offers what it read as jobs, a chunk each. Nothing leaves an outbox here.
 *
 *   in the stream --read--> pending, in a chunk --its job: recorded, settled--> gone
 *
 * What is pending and in no chunk of this relay belongs to another one, or to one that died between reading and
 * offering. At its first look at an outbox, and every LIMITS.RELAY_ADOPT_MS while something is unsettled, a relay adopts
 * that. At worst a chunk is offered twice, and recording is safe to repeat; so any number of relays may run.
 *
 * While Redis is too full for jobs, every look adopts all that is pending, and what would be offered is recorded at once
 * (while-full.ts).
 */
import type { Job, Queue } from 'bullmq';
import type { Config } from '../config.ts';
import { LIMITS } from '../limits.ts';
import type { Log } from '../observability/log.ts';
import { metrics } from '../observability/metrics.ts';
import { openRedis } from '../redis/client.ts';
import type { RedisClient } from '../redis/script.ts';
import { jobDataOf, jobIdOf, type OutboxEntry, openQueue, QUEUE } from './jobs.ts';
import { concertOutbox, type Outbox, PARTITION_OUTBOXES } from './outboxes.ts';
import { ackLost, isPending, readNew, readPending } from './stream.ts';
import type { WhileFull } from './while-full.ts';

export interface RelayDeps {
  redis: RedisClient;
  config: Pick<Config, 'redisUrl' | 'redisCluster'>;
  log: Log;
  /** the recorder's, of the same process */
  whileFull: WhileFull;
}

export interface Relay {
  /** Looks at every outbox that is due; to be called every 100 ms or so. Throws the first failure, after all of them. */
  run(concertIds: readonly string[]): Promise<void>;
  /** Looks at one outbox; returns how many entries it offered anew. */
  relayOnce(outbox: Outbox): Promise<number>;
  stop(): Promise<void>;
}

/** A chunk that was offered and is not known to be settled. */
interface Offered {
  jobId: string;
  ids: string[];
}

interface Known {
  outbox: Outbox;
  offered: Offered[];
  /** when this relay last compared `offered` with all that is pending; -Infinity: never, or it must again */
  adoptedAt: number;
  dueAt: number;
  idleMs: number;
  length: number;
}

const LOOKS_AT_ONCE = 64;
// A chunk is about 10 ms of this process' one thread; all 64 partitions at once would hold up whoever else it serves.
const CHUNKS_AT_ONCE = 4;

export function createRelay(deps: RelayDeps): Relay {
  const { whileFull } = deps;
  const jobs = openJobs(deps.config);
  const known = new Map<string, Known>();

  const knownOf = (outbox: Outbox): Known => {
    const found = known.get(outbox.name);
    if (found) return found;
    const fresh = { outbox, offered: [], adoptedAt: -Infinity, dueAt: 0, idleMs: 0, length: 0 };
    known.set(outbox.name, fresh);
    return fresh;
  };
  const offer: Offer = async (state, jobId, entries) => {
    const chunk = { outbox: state.outbox, entries };
    if (whileFull.triesJobs()) {
      const queue = await jobs.queue();
      try {
        await wake(await queue.add(QUEUE, jobDataOf(chunk), { jobId }));
        return whileFull.taken();
      } catch (error) {
        if (!whileFull.refused(error)) throw error;
      }
    }
    await whileFull.record(chunk);
  };
  const relayOnce = async (outbox: Outbox) => {
    const state = knownOf(outbox);
    try {
      return await relay(deps, state, offer);
    } catch (error) {
      // What was read and whether its job exists is unknown: all that is pending is looked at anew.
      state.adoptedAt = -Infinity;
      throw error;
    }
  };

  return {
    relayOnce,
    stop: () => jobs.close(),
    async run(concertIds) {
      const now = performance.now();
      const due = [...concertIds.map(concertOutbox), ...PARTITION_OUTBOXES]
        .map(knownOf)
        .filter(({ dueAt }) => dueAt <= now);
      const failures = await inLanes(due, LOOKS_AT_ONCE, (state) => measure(deps.redis, state));
      const filled = whileFull.waits() ? [] : due.filter(({ length }) => length > 0);
      failures.push(...(await inLanes(filled, CHUNKS_AT_ONCE, (state) => look(state, relayOnce))));
      reportLag(known);
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** An idle outbox costs one XLEN, at most every LIMITS.RELAY_IDLE_MAX_MS. */
async function measure(redis: RedisClient, state: Known): Promise<void> {
  state.length = await redis.xlen(state.outbox.stream);
  if (state.length > 0) {
    state.idleMs = 0;
    return;
  }
  state.offered = [];
  state.idleMs = Math.min(LIMITS.RELAY_IDLE_MAX_MS, Math.max(LIMITS.RELAY_BUSY_MS, state.idleMs * 2));
  state.dueAt = performance.now() + state.idleMs;
}

async function look(state: Known, relayOnce: Relay['relayOnce']): Promise<void> {
  const offered = await relayOnce(state.outbox);
  // What filled a chunk has more behind it; else what comes meanwhile is gathered into one job.
  state.dueAt = offered >= LIMITS.CHUNK_MAX ? 0 : performance.now() + LIMITS.RELAY_BUSY_MS;
}

/** Runs `work` for each, so many at once; returns what it threw. */
async function inLanes<T>(items: readonly T[], lanes: number, work: (item: T) => Promise<void>): Promise<unknown[]> {
  const failures: unknown[] = [];
  const next = items.values();
  const lane = async () => {
    for (const item of next) await work(item).catch((error: unknown) => failures.push(error));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return failures;
}

type Offer = (state: Known, jobId: string, entries: OutboxEntry[]) => Promise<void>;

async function relay(deps: RelayDeps, state: Known, offer: Offer): Promise<number> {
  const { redis, whileFull } = deps;
  const { outbox } = state;
  let count = 0;
  if (whileFull.isOn() || performance.now() - state.adoptedAt > LIMITS.RELAY_ADOPT_MS)
    count += await adopt(deps, state, offer);
  else state.offered = await unsettled(redis, state);
  while (state.offered.length < outbox.chunksMax) {
    const entries = await readNew(redis, outbox);
    if (entries.length === 0) break;
    await offerNew(state, entries, offer);
    count += entries.length;
    if (entries.length < LIMITS.CHUNK_MAX) break;
  }
  return count;
}

async function offerNew(state: Known, entries: OutboxEntry[], offer: Offer): Promise<void> {
  const jobId = jobIdOf({ outbox: state.outbox, entries });
  state.offered.push({ jobId, ids: entries.map(({ id }) => id) });
  await offer(state, jobId, entries);
}

/** A chunk is settled by one script, first entry and last together. */
async function unsettled(redis: RedisClient, { outbox, offered }: Known): Promise<Offered[]> {
  const pending = await Promise.all(offered.map(({ ids }) => isPending(redis, outbox, ids)));
  return offered.filter((_, i) => pending[i]);
}

/** Goes through all that is pending: offers again what is ours, since its job may be lost, and takes on what is nobody's. */
async function adopt({ redis, log }: RelayDeps, state: Known, offer: Offer): Promise<number> {
  const { outbox } = state;
  const { entries, lostIds } = await readPending(redis, outbox);
  if (lostIds.length > 0) {
    log.error(
      { outbox: outbox.name, ids: lostIds },
      'ALARM: entries were deleted from an outbox before they were settled',
    );
    await ackLost(redis, outbox, lostIds);
  }
  const owner = new Map(state.offered.flatMap((chunk) => chunk.ids.map((id) => [id, chunk] as const)));
  const byOwner = Map.groupBy(entries, ({ id }) => owner.get(id));
  state.offered = state.offered.filter((chunk) => byOwner.has(chunk));
  for (const chunk of state.offered) await offer(state, chunk.jobId, byOwner.get(chunk) ?? []);
  const orphans = byOwner.get(undefined) ?? [];
  for (let i = 0; i < orphans.length; i += LIMITS.CHUNK_MAX) {
    await offerNew(state, orphans.slice(i, i + LIMITS.CHUNK_MAX), offer);
  }
  state.adoptedAt = performance.now();
  return orphans.length;
}

/**
 * A job that is there already, and was put off: by the clock of the worker that put it off, which BullMQ goes by. One an
 * hour ahead that has gone since would have left its chunks for an hour (found by `npm run chaos -- clock`).
 */
async function wake(job: Job): Promise<void> {
  if (await job.isDelayed()) await job.promote().catch(() => {}); // its turn has come meanwhile, or it is tried again
}

function reportLag(known: ReadonlyMap<string, Known>): void {
  let wallets = 0;
  let oldestMs = Infinity;
  for (const { outbox, length, offered } of known.values()) {
    if (outbox.of === 'concert') metrics.outboxLag.set({ outbox: outbox.concertId }, length);
    else wallets += length;
    for (const { ids } of offered) oldestMs = Math.min(oldestMs, Number(ids[0]?.split('-')[0]));
  }
  metrics.outboxLag.set({ outbox: 'wallets' }, wallets);
  metrics.outboxAgeSeconds.set(oldestMs === Infinity ? 0 : Math.max(0, (Date.now() - oldestMs) / 1000));
}

/** The queue on a connection of its own, made when first needed, and anew after it could not be. */
function openJobs({ redisUrl, redisCluster }: RelayDeps['config']) {
  let open: Promise<{ queue: Queue; close(): Promise<void> }> | null = null;
  const make = async () => {
    const connection = openRedis({ url: redisUrl, cluster: redisCluster }, 'producer');
    try {
      await connection.connect();
      // BullMQ remembers for good that a connection failed while it began.
      const queue = openQueue(connection);
      await queue.waitUntilReady();
      return { queue, close: () => queue.close().finally(() => connection.disconnect()) };
    } catch (error) {
      connection.disconnect();
      throw error;
    }
  };
  return {
    async queue(): Promise<Queue> {
      open ??= make();
      const made = open;
      try {
        return (await made).queue;
      } catch (error) {
        if (open === made) open = null;
        throw error;
      }
    },
    async close(): Promise<void> {
      const made = await open?.catch(() => null);
      await made?.close();
    },
  };
}
