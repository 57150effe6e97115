/**
 * Reads that this process' memory can answer are answered in the turn in which they come: no promise, no copy of the
 * request, no deadline. A hundred thousand people poll; the long way costs four times as much. Only what is plain comes
 * through here, and gets byte for byte what the long way would say; everything else, and every refusal, goes the long way.
 */
import type { KnownQueue } from '../auth/tokens.ts';
import type { Cors } from './cors.ts';
import { dress } from './dress.ts';
import type { HttpAnswer } from './exchange.ts';
import { type Glance, type PlainHeaders, plainHeadersOf } from './head.ts';
import type { HttpApp } from './http-app.ts';
import type { Prepared } from './prepare.ts';
import { requestIdOf } from './request-id.ts';
import type { Teller } from './teller.ts';

/** null where the route has no shortcut. */
export function createShortcut(
  app: HttpApp,
  { prepared: { route, observe }, cors, answered }: { prepared: Prepared; cors: Cors; answered: Teller['answered'] },
): ((glance: Glance) => HttpAnswer | null) | null {
  const { fromMemory } = route;
  if (!fromMemory) return null;
  return (glance) => {
    const headers = plainHeadersOf(glance);
    if (!headers || glance.getQuery()) return null;
    const started = performance.now();
    const known = app.tokens.knownQueue(headers.queueToken);
    const reply = known && fromMemory(app, { known, headers, path: glance });
    if (!reply) return null;
    const seconds = (performance.now() - started) / 1000;
    observe(reply.status, seconds);
    const requestId = requestIdOf(headers.requestId);
    answered(reply.status, { route, requestId, seconds });
    return dress(reply, { route, requestId, more: cors.on ? cors.headers(headers.origin) : {} });
  };
}

/** What a shortcut may look at: a queue token that was found good before, and the path. */
export interface Shortcut {
  known: KnownQueue;
  headers: Readonly<PlainHeaders>;
  /** `getParameter`: raw, in the order of the path; undefined where it has no such one */
  path: Pick<Glance, 'getParameter'>;
}
