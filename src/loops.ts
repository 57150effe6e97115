/**
 * Every background loop on one screen. Each may run in several processes at once without harm: scripts are the only
 * writers and each is safe to repeat. A run that fails is logged once until it works again, and tried again.
 */
import { randomUUID } from 'node:crypto';
import type { App } from './app.ts';
import { listConcertIds } from './concerts/directory.ts';
import { LIMITS } from './limits.ts';
import type { Log } from './observability/log.ts';
import { metrics } from './observability/metrics.ts';
import { observeConcert } from './operations/observe.ts';
import { forgetTransfers, sweepTransfers } from './payments/sweep-transfers.ts';
import { WALLET_PARTITIONS } from './redis/keys.ts';
import { sweepHolds } from './reservations/sweep-holds.ts';
import { backUpAccounts } from './users/backup.ts';
import { admitRoom } from './waiting-room/admit.ts';
import { tidyPlaces } from './waiting-room/tidy.ts';

interface Loop {
  name: string;
  everyMs: number;
  run(): Promise<void>;
}

const PARTITIONS = Array.from({ length: WALLET_PARTITIONS }, (_, partition) => partition);
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

function loopsOf(app: App): Loop[] {
  const lease = randomUUID();
  const concerts = keptFor(SECOND, () => listConcertIds(app));
  const everyConcert = async (run: (concertId: string) => Promise<unknown>) => {
    await inSlices(await concerts(), run);
  };
  return [
    {
      name: 'admit',
      everyMs: LIMITS.TICK_MS,
      run: () => everyConcert((concertId) => admitRoom(app, { concertId, lease })),
    },
    {
      name: 'sweep-holds',
      everyMs: 500,
      run: () => everyConcert((concertId) => sweepHolds(app, concertId)),
    },
    {
      name: 'sweep-transfers',
      everyMs: SECOND,
      run: () => inSlices(PARTITIONS, (partition) => sweepTransfers(app, partition)),
    },
    {
      name: 'relay',
      everyMs: 100,
      run: async () => app.relay.run(await concerts()),
    },
    {
      name: 'observe',
      everyMs: 5 * SECOND,
      run: () => {
        metrics.redisMemoryShare.set(app.memory.share());
        return everyConcert((concertId) => observeConcert(app, concertId));
      },
    },
    {
      name: 'tidy-places',
      everyMs: 60 * SECOND,
      run: () => everyConcert((concertId) => tidyPlaces(app, concertId)),
    },
    {
      name: 'forget-transfers',
      everyMs: 600 * SECOND,
      run: () => inSlices(PARTITIONS, (partition) => forgetTransfers(app, partition)),
    },
    {
      name: 'back-up-accounts',
      everyMs: HOUR,
      run: () => backUpAccounts(app).then(() => undefined),
    },
  ];
}

/** Starts all loops; `stop` lets each finish its run. */
export function startLoops(app: App): { stop(): Promise<void> } {
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

function startLoop({ name, everyMs, run }: Loop, log: Log): { stop(): Promise<void> } {
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
  })();
  return {
    stop() {
      stopped = true;
      wake();
      return done;
    },
  };
}

/** Runs over many items, 50 at once: a thousand idle rooms must not be a thousand round trips in a row. */
async function inSlices<T>(items: readonly T[], run: (item: T) => Promise<unknown>): Promise<void> {
  const AT_ONCE = 50;
  for (let i = 0; i < items.length; i += AT_ONCE) {
    const results = await Promise.allSettled(items.slice(i, i + AT_ONCE).map(run));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }
}

/** Remembers an answer for a while: several loops ask for the same list. */
function keptFor<T>(ms: number, ask: () => Promise<T>): () => Promise<T> {
  let kept: { at: number; answer: T } | null = null;
  return async () => {
    if (!kept || performance.now() - kept.at > ms) kept = { answer: await ask(), at: performance.now() };
    return kept.answer;
  };
}
