/** A well-behaved client beside the abuse, and the memory of who serves both. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Check } from '../case.ts';
import type { Asked } from './abuse-probe.ts';

/** Of two cores that the abusers share with the server; alone it answers in a millisecond. */
const PATIENCE_MS = 2_000;
/** Beside thousands of sockets at once, and before V8 has looked for what is garbage. */
const MOST_MB = 400;
/** What stays of that for the next time: 100 MB by two password checks at once, the rest by V8, whose heap is 70 MB then. */
const LEFT_MB = 300;
const SETTLED_WITHIN_MS = 15_000;

export interface Probe {
  /** ends it, and waits for the memory to settle */
  stop(): Promise<Check[]>;
}

/** Asks again and again on one connection, and looks at the memory meanwhile. */
export function startProbe({ port, pid }: { port: number; pid: number }): Probe {
  const before = megabytes(pid);
  const thread = new Worker(new URL('abuse-probe.ts', import.meta.url), { workerData: { port } });
  const slow: string[] = [];
  let [asked, slowest, most] = [0, 0, before];
  thread.on('message', ({ status, ms }: Asked) => {
    asked += 1;
    slowest = Math.max(slowest, ms);
    if (status !== 200 || ms > PATIENCE_MS) slow.push(`${status} after ${ms} ms`);
    most = Math.max(most, megabytes(pid));
  });
  thread.on('error', (error) => void slow.push(String(error)));
  return {
    async stop() {
      await thread.terminate();
      const until = performance.now() + SETTLED_WITHIN_MS;
      while (megabytes(pid) - before > LEFT_MB && performance.now() < until) await sleep(200);
      const left = megabytes(pid);
      const grown = [
        ...(most - before > MOST_MB ? [`${before} MB before, ${most} MB at most`] : []),
        ...(left - before > LEFT_MB ? [`${before} MB before, ${left} MB after`] : []),
      ];
      return [
        {
          what: `who behaves is answered within ${PATIENCE_MS} ms (slowest ${slowest} ms)`,
          looked: asked,
          violations: slow,
        },
        {
          what: `memory stays bounded (${before} MB, at most ${most} MB, then ${left} MB)`,
          looked: asked,
          violations: grown,
        },
      ];
    },
  };
}

function megabytes(pid: number): number {
  const [, kB] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kB) / 1024);
}
