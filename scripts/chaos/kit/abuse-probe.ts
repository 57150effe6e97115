/** The thread of the well-behaved client: what it measures is the server's time, not that of the abusers' busy thread. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { connectRaw } from '../../../src/testing/raw-http.ts';

/** What it tells every time: how long the answer took. */
export interface Asked {
  status: number;
  ms: number;
}

const EVERY_MS = 20;

const connection = await connectRaw((workerData as { port: number }).port);
for (;;) {
  const started = performance.now();
  connection.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
  const { status } = await connection.next();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- of windows, not of threads
  parentPort?.postMessage({ status, ms: Math.round(performance.now() - started) } satisfies Asked);
  await sleep(EVERY_MS);
}
