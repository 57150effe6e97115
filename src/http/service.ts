/** From a request to its answer: the route, the checks, the handler; then the headers that every answer carries. */
import { type ErrorCode, isRefusal, type Refusal, refuse } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { metrics } from '../observability/metrics.ts';
import { createAddresses } from './address.ts';
import { refusalOf, replyOf } from './answer.ts';
import { answerCall } from './checks.ts';
import { createCors } from './cors.ts';
import type { Body, Head, HttpAnswer, Service, Work } from './exchange.ts';
import type { HttpApp } from './http-app.ts';
import { type Prepared, prepare } from './prepare.ts';
import type { AnyReply, Method, Route } from './route.ts';
import { createRouter, type Match } from './router.ts';

const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

export function createService(app: HttpApp, table: readonly Route[]): Service {
  const router = createRouter(table);
  const prepared = new Map(table.map((route) => [route, prepare(route)]));
  const cors = createCors(app.config.corsOrigins);
  const addressOf = createAddresses(app.config.trustedProxies);
  const tell = createTeller(app);

  function dress(head: Head, { status, headers, text, body }: AnyReply, route?: Route): HttpAnswer {
    const sent = text ?? (body === undefined ? null : JSON.stringify(body));
    const declared = route?.answers[status];
    const type = typeof declared === 'string' ? declared : 'application/json';
    const caching = (status < 400 && route?.cache) || 'no-store';
    // The last three stand for safety. Whoever serves this under TLS adds Strict-Transport-Security there.
    const all: Record<string, string> = {
      'Cache-Control': caching,
      'X-Request-Id': head.requestId,
      'X-Content-Type-Options': 'nosniff',
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
      'Referrer-Policy': 'no-referrer',
    };
    if (sent !== null) all['Content-Type'] = type;
    if (cors.on) Object.assign(all, cors.headers(head));
    for (const name in headers) all[name] = headers[name] ?? '';
    return { status, headers: all, body: sent };
  }

  /** Whatever the body says. */
  function answerAll(head: Head, given: AnyReply): Work {
    return { bodyMaxBytes: 0, keepBody: false, run: async () => dress(head, given) };
  }

  function planRoute(head: Head, one: Prepared, values: readonly string[]): Work {
    const { route, observe } = one;
    const { bodyMaxBytes = LIMITS.BODY_MAX_BYTES } = route;
    const address = route.limit === 'address' ? addressOf(head.peer(), head.headers.get('x-forwarded-for')) : '';
    return {
      bodyMaxBytes,
      keepBody: bodyMaxBytes <= LIMITS.BODY_MAX_BYTES || isOperator(app, head),
      async run(body) {
        const started = performance.now();
        const given = await reply(app, one, { head, values, body, address }).catch((error: unknown) =>
          replyOf(tell.failed(error, { route, requestId: head.requestId })),
        );
        const seconds = (performance.now() - started) / 1000;
        observe(given.status, seconds);
        tell.answered(given.status, { route, requestId: head.requestId, seconds });
        return dress(head, given, route);
      },
    };
  }

  return {
    plan(head) {
      const match = router.find(head.path);
      if (!match) return answerAll(head, replyOf(refuse('NOT_FOUND')));
      const preflight = head.method === 'OPTIONS' ? cors.preflight(head, methodsOf(match, cors.on)) : null;
      if (preflight) return answerAll(head, { status: 204, headers: preflight });
      const route = match.routes.get((head.method === 'HEAD' ? 'GET' : head.method) as Method);
      const one = route && prepared.get(route);
      return one
        ? planRoute(head, one, match.values)
        : answerAll(head, replyOf(refuse('METHOD_NOT_ALLOWED', { allow: methodsOf(match, cors.on) })));
    },
    refusal: (head, code: ErrorCode, members) => dress(head, replyOf(refuse(code, members))),
  };
}

async function reply(app: HttpApp, one: Prepared, request: Parameters<typeof answerCall>[2]): Promise<AnyReply> {
  const refused = refuseBody(one.route, request.head, request.body);
  const outcome = refused ?? (await answerCall(app, one, request));
  if (!isRefusal(outcome)) return outcome;
  metrics.refusals.inc({ code: outcome.refused });
  return replyOf(outcome);
}

function refuseBody(
  { method, bodyMaxBytes = LIMITS.BODY_MAX_BYTES }: Route,
  { headers }: Head,
  { length }: Body,
): Refusal | null {
  if (length > bodyMaxBytes) return refuse('BODY_TOO_LARGE', { maxBytes: bodyMaxBytes });
  const type = headers.get('content-type');
  if (method === 'GET' || length === 0 || type === undefined) return null;
  return JSON_TYPE.test(type.trim()) ? null : refuse('UNSUPPORTED_MEDIA_TYPE');
}

/** Only an operator's import is worth keeping megabytes for. */
function isOperator({ operatorKeys }: HttpApp, { headers }: Head): boolean {
  return operatorKeys.fits(headers.get('authorization')?.replace(/^Bearer +/i, '') ?? '');
}

function methodsOf({ routes }: Match, withOptions: boolean): string[] {
  const methods: string[] = [...routes.keys()].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  return withOptions ? [...methods, 'OPTIONS'] : methods;
}

/** A line a second is enough to know that Redis is away; a line for each of 10,000 calls helps nobody. */
const AWAY_LINE_EVERY_MS = 1_000;

/** What the log is told of calls: faults always, the rest at level debug only, since metrics count them. */
function createTeller({ log }: HttpApp) {
  let toldMs = -Infinity;
  return {
    /** Turns what a call threw into its refusal. */
    failed(error: unknown, { route, requestId }: { route: Route; requestId: string }): Refusal {
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
    answered(
      status: number,
      { route, requestId, seconds }: { route: Route; requestId: string; seconds: number },
    ): void {
      if (!log.isLevelEnabled('debug')) return;
      log.debug(
        { requestId, method: route.method, route: route.path, status, ms: Math.round(seconds * 1000) },
        'answered',
      );
    },
  };
}
