/**
 * Every background loop on one screen. Each may run in several processes at once without harm: scripts are the only
 * writers and each is safe to repeat. A run that fails is logged once until it works again, and tried again.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from './app.ts';
import { backUpConcert } from './concerts/backup.ts';
import { listConcertIds } from './concerts/directory.ts';
import { LIMITS } from './limits.ts';
import type { Log } from './observability/log.ts';
import { metrics } from './observability/metrics.ts';
import { observeConcert } from './operations/observe.ts';
import type { Relay } from './outbox/relay.ts';
import { forgetTransfers, sweepTransfers } from './payments/sweep-transfers.ts';
import { WALLET_PARTITIONS } from './redis/keys.ts';
import { sweepHolds } from './reservations/sweep-holds.ts';
import { backUpAccounts } from './users/backup.ts';
import { admitRoom } from './waiting-room/admit.ts';
import { tidyPlaces } from './waiting-room/tidy.ts';

interface LoopsApp extends App {
  relay: Relay;
}

interface Loop {
  name: string;
  everyMs: number;
  run(): Promise<void>;
  /** waits for what a run has left under way */
  idle?(): Promise<unknown>;
}

/** Items of one loop at once: a thousand idle rooms must not be a thousand round trips in a row, nor all in one turn. */
const AT_ONCE = 100;

const PARTITIONS = Array.from({ length: WALLET_PARTITIONS }, (_, partition) => partition);
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
/** With a tick no more than the 250 ms within which admission runs, for a concert that is new as well. */
const CONCERTS_KEPT_MS = 50;

function loopsOf(app: LoopsApp): Loop[] {
  const lease = randomUUID();
  const concerts = keptFor(CONCERTS_KEPT_MS, () => listConcertIds(app));
  const partitions = async () => PARTITIONS;
  const perConcert = (name: string, everyMs: number, each: (concertId: string) => Promise<unknown>): Loop => ({
    name,
    everyMs,
    ...sideBySide({ items: concerts, everyMs, each }),
  });
  const perPartition = (name: string, everyMs: number, each: (partition: number) => Promise<unknown>): Loop => ({
    name,
    everyMs,
    ...sideBySide({ items: partitions, everyMs, each }),
  });
  return [
    perConcert('admit', LIMITS.TICK_MS, (concertId) => admitRoom(app, { concertId, lease })),
    perConcert('sweep-holds', 500, (concertId) => sweepHolds(app, concertId)),
    perPartition('sweep-transfers', SECOND, (partition) => sweepTransfers(app, partition)),
    { name: 'relay', everyMs: 100, run: async () => app.relay.run(await concerts()) },
    perConcert('observe', 5 * SECOND, (concertId) => observeConcert(app, concertId)),
    perConcert('tidy-places', 60 * SECOND, (concertId) => tidyPlaces(app, concertId)),
    perPartition('forget-transfers', 600 * SECOND, (partition) => forgetTransfers(app, partition)),
    perConcert('back-up-concerts', 60 * SECOND, (concertId) => backUpConcert(app, concertId)),
    { name: 'back-up-accounts', everyMs: HOUR, run: () => backUpAccounts(app).then(() => undefined) },
  ];
}

/** Starts all loops; `stop` lets each finish its run. */
export function startLoops(app: LoopsApp): { stop(): Promise<void> } {
  const running = loopsOf(app).map((loop) => startLoop(loop, app.log));
  return {
    async stop() {
      await Promise.all(running.map((loop) => loop.stop()));
      const signal = AbortSignal.timeout(LIMITS.BACKUP_AT_EXIT_MS);
      await backUpAccounts(app, { signal }).catch((error: unknown) =>
        app.log.warn({ err: error }, 'the accounts backup at exit failed; the last hourly one stands'),
      );
    },
  };
}

function startLoop({ name, everyMs, run, idle }: Loop, log: Log): { stop(): Promise<void> } {
  let stopped = false;
  let failing = false;
  let wake = () => {};
  const done = (async () => {
    while (!stopped) {
      const started = performance.now();
      try {
        await run();
        if (failing) log.info({ loop: name }, 'loop works again');
        failing = false;
      } catch (error) {
        metrics.loopFailures.inc({ loop: name });
        if (!failing) log.warn({ loop: name, err: error }, 'loop failed; it is tried again until it works');
        failing = true;
      }
      const tookMs = performance.now() - started;
      metrics.loopSeconds.observe({ loop: name }, tookMs / SECOND);
      if (stopped) break;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, Math.max(failing ? everyMs : 0, everyMs - tookMs));
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      await promise;
    }
    await idle?.();
  })();
  return {
    stop() {
      stopped = true;
      wake();
      return done;
    },
  };
}

/**
 * One run of a loop over many items. Each starts that is not still at it from an earlier run, and the run ends when all
 * are done or its period is over: a room that takes seconds, or one that fails, keeps no other waiting.
 */
export function sideBySide<T>({
  items,
  everyMs,
  each,
}: {
  items: () => Promise<readonly T[]>;
  everyMs: number;
  each: (item: T) => Promise<unknown>;
}): { run(): Promise<void>; idle(): Promise<unknown> } {
  const underWay = new Map<T, Promise<void>>();
  let failure: { reason: unknown } | null = null;
  const begin = async (item: T) => {
    try {
      await each(item);
    } catch (reason) {
      failure ??= { reason };
    } finally {
      underWay.delete(item);
    }
  };
  return {
    async run() {
      for (const item of await items()) {
        if (underWay.size >= AT_ONCE) await Promise.race(underWay.values());
        if (!underWay.has(item)) underWay.set(item, begin(item));
      }
      const period = new AbortController();
      await Promise.race([Promise.all(underWay.values()), sleep(everyMs, undefined, period).catch(() => {})]);
      period.abort();
      const failed = failure;
      failure = null;
      if (failed) throw failed.reason;
    },
    idle: () => Promise.all(underWay.values()),
  };
}

/** Remembers an answer for a while: several loops ask for the same list. */
function keptFor<T>(ms: number, ask: () => Promise<T>): () => Promise<T> {
  let kept: { at: number; answer: T } | null = null;
  return async () => {
    if (!kept || performance.now() - kept.at > ms) kept = { answer: await ask(), at: performance.now() };
    return kept.answer;
  };
}
