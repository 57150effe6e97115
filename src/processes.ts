/**
 * One start, several processes: a parent that starts, watches and stops children, and merges their metrics.
 * Servers share the port by SO_REUSEPORT; the parent has checked that it is free, since otherwise a forgotten process
 * would take a part of the traffic. With ROLE=all the first child runs the loops too.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Log } from './observability/log.ts';
import { type MetricsSnapshot, mergeMetrics, readMetrics } from './observability/metrics.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const RESTART_AFTER_MS = 500;
const METRICS_WITHIN_MS = 1_000;

/** Child -> parent: `ready` once it listens; `ask-metrics` (a scrape came to it). Parent -> child: `read-metrics`, `merged`. */
type Message =
  | { type: 'ready'; url: string }
  | { type: 'ask-metrics'; id: number }
  | { type: 'read-metrics'; id: number }
  | { type: 'metrics'; id: number; snapshot: MetricsSnapshot }
  | { type: 'merged'; id: number; text: string };

export interface Children {
  /** resolves when every child is ready; rejects when one ends before */
  ready: Promise<void>;
  /** passes the signal on and waits for the end of all */
  stop(): Promise<void>;
}

/** Starts one child per environment; a child that ends unasked is started again. */
export function startChildren(environments: NodeJS.ProcessEnv[], log: Log): Children {
  const children = new Map<number, ChildProcess>();
  const pending = new Map<number, (snapshot: MetricsSnapshot) => void>();
  let stopping = false;
  let nextId = 1;

  function ask(child: ChildProcess): Promise<MetricsSnapshot | null> {
    const id = nextId++;
    const { promise, resolve } = Promise.withResolvers<MetricsSnapshot | null>();
    const timer = setTimeout(() => resolve(null), METRICS_WITHIN_MS);
    pending.set(id, resolve);
    child.send({ type: 'read-metrics', id } satisfies Message, (error) => error && resolve(null));
    return promise.finally(() => {
      clearTimeout(timer);
      pending.delete(id);
    });
  }

  async function answerScrape(asker: ChildProcess, id: number): Promise<void> {
    const snapshots = await Promise.all([...children.values()].filter((child) => child.connected).map(ask));
    const text = await mergeMetrics(snapshots.filter((snapshot) => snapshot !== null));
    // One that is gone meanwhile waits for nothing, and without a callback it would be an 'error' that ends the parent.
    if (asker.connected) asker.send({ type: 'merged', id, text } satisfies Message, () => {});
  }

  function start(index: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const child = fork(MAIN, { env: environments[index], stdio: 'inherit' });
    children.set(index, child);
    child.on('message', (message: Message) => {
      if (message.type === 'ready') resolve();
      if (message.type === 'metrics') pending.get(message.id)?.(message.snapshot);
      if (message.type === 'ask-metrics') void answerScrape(child, message.id);
    });
    child.on('exit', (code, signal) => {
      children.delete(index);
      reject(new Error(`process ${index + 1} ended (${signal ?? code}) before it was ready`));
      if (stopping) return;
      log.error(
        { index: index + 1, code, signal },
        'a process ended unasked; its sockets reconnect to the others, and it is started again',
      );
      setTimeout(() => {
        if (!stopping) start(index).catch(() => {}); // ended again before it was ready: its exit is told of above
      }, RESTART_AFTER_MS).unref();
    });
    return promise;
  }

  return {
    ready: Promise.all(environments.map((_, index) => start(index))).then(() => undefined),
    async stop() {
      stopping = true;
      await Promise.all(
        [...children.values()].map((child) => {
          const gone = new Promise((resolve) => child.once('exit', resolve));
          child.kill('SIGTERM');
          return gone;
        }),
      );
    },
  };
}

/** In a child: tells the parent that it is ready, answers its questions, and merges through it. */
export function joinParent(onParentGone: () => void): {
  ready(url: string): void;
  renderMetrics(): Promise<string>;
} {
  const waiting = new Map<number, (text: string) => void>();
  let nextId = 1;
  // Without a callback a parent that is gone would be an 'error' of this process, in the midst of its drain.
  const tell = (message: Message, onFailed = () => {}) => process.send?.(message, (error) => error && onFailed());
  const answer = async (id: number) => tell({ type: 'metrics', id, snapshot: await readMetrics() });
  process.on('message', (message: Message) => {
    if (message.type === 'read-metrics') void answer(message.id);
    if (message.type === 'merged') waiting.get(message.id)?.(message.text);
  });
  process.on('disconnect', onParentGone);
  return {
    ready: (url) => tell({ type: 'ready', url }),
    async renderMetrics() {
      const id = nextId++;
      const { promise, resolve } = Promise.withResolvers<string>();
      waiting.set(id, resolve);
      const alone = () => resolve(renderOwnMetrics());
      const timer = setTimeout(alone, METRICS_WITHIN_MS * 2);
      tell({ type: 'ask-metrics', id }, alone);
      return promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(id);
      });
    },
  };
}

/** Prometheus text of this process alone. */
export async function renderOwnMetrics(): Promise<string> {
  return mergeMetrics([await readMetrics()]);
}
