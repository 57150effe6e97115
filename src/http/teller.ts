/** What log and metrics are told of calls: faults always, the rest at level debug only, since metrics count them. */
import type { Refusal } from '../errors.ts';
import { metrics } from '../observability/metrics.ts';
import { refusalOf, replyOf } from './answer.ts';
import type { HttpApp } from './http-app.ts';
import type { AnyReply, Route } from './route.ts';

export interface Teller {
  /** Turns what a call threw into its refusal. */
  failed(error: unknown, call: { route: Route; requestId: string }): Refusal;
  /** The reply that a refusal makes. */
  refused(refusal: Refusal): AnyReply;
  answered(status: number, call: { route: Route; requestId: string; seconds: number }): void;
}

/** A line a second is enough to know that Redis is away; a line for each of 10,000 calls helps nobody. */
const AWAY_LINE_EVERY_MS = 1_000;

export function createTeller({ log }: Pick<HttpApp, 'log'>): Teller {
  let toldMs = -Infinity;
  return {
    failed(error, { route, requestId }) {
      const refusal = refusalOf(error);
      metrics.refusals.inc({ code: refusal.refused });
      const line = { err: error, requestId, method: route.method, route: route.path, ...refusal.members };
      if (refusal.refused === 'INTERNAL') log.error(line, 'a call failed');
      else if (performance.now() - toldMs > AWAY_LINE_EVERY_MS) {
        toldMs = performance.now();
        log.warn(line, 'a call was answered 503; at most one of these lines a second');
      }
      return refusal;
    },
    refused(refusal) {
      metrics.refusals.inc({ code: refusal.refused });
      return replyOf(refusal);
    },
    answered(status, { route, requestId, seconds }) {
      if (!log.isLevelEnabled('debug')) return;
      log.debug(
        { requestId, method: route.method, route: route.path, status, ms: Math.round(seconds * 1000) },
        'answered',
      );
    },
  };
}
