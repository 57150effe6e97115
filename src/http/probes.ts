/** What machines ask: is it alive, is it ready, how does it do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Refusal, refuse } from '../errors.ts';
import { ok, serialised } from './answer.ts';
import type { HttpApp } from './http-app.ts';

/** Says "not ready" before a probe gives up on it: one second is the usual patience. */
const PING_WITHIN_MS = 500;

/** Asks nobody: a process that can answer is alive, whatever is away. */
export async function health() {
  return ok({ status: 'alive' as const });
}

/** Refuses UNAVAILABLE while draining, and while Redis does not answer. */
export async function readiness({ redis, draining }: HttpApp) {
  if (draining() || !(await answers(redis))) return refuse('UNAVAILABLE') satisfies Refusal;
  return ok({ status: 'ready' as const });
}

async function answers(redis: HttpApp['redis']): Promise<boolean> {
  const late = sleep(PING_WITHIN_MS, false, { ref: false });
  const pong = redis.ping().then(
    () => true,
    () => false,
  );
  return Promise.race([pong, late]);
}

export async function metricsText({ renderMetrics }: HttpApp) {
  return serialised(await renderMetrics());
}
