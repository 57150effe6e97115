/** From a request to its answer: the route, the checks, the handler; then the headers that every answer carries. */
import { type ErrorCode, isRefusal, type Refusal, refuse } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Soon } from '../soon.ts';
import { createAddresses } from './address.ts';
import { replyOf } from './answer.ts';
import { answerCall } from './checks.ts';
import type { Body } from './body.ts';
import { createCors } from './cors.ts';
import { dress } from './dress.ts';
import type { HttpAnswer } from './exchange.ts';
import type { Head } from './head.ts';
import type { HttpApp } from './http-app.ts';
import { type Prepared, prepare } from './prepare.ts';
import type { AnyReply, Method, Route } from './route.ts';
import { createRouter, type Match } from './router.ts';
import { createShortcut } from './shortcut.ts';
import { createTeller } from './teller.ts';
import type { Service, Work } from './work.ts';

const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

export function createService(app: HttpApp, table: readonly Route[]): Service {
  const router = createRouter(table);
  const prepared = new Map(table.map((route) => [route, prepare(route)]));
  const cors = createCors(app.config.corsOrigins);
  const addressOf = createAddresses(app.config.trustedProxies);
  const tell = createTeller(app);

  function answerTo(head: Head, given: AnyReply, route?: Route): HttpAnswer {
    const more = cors.on ? cors.headers(head.headers.get('origin') ?? '') : {};
    return dress(given, { route, requestId: head.requestId, more });
  }

  /** Whatever the body says. */
  function answerAll(head: Head, given: AnyReply): Work {
    return { bodyMaxBytes: 0, keepBody: false, run: () => answerTo(head, given) };
  }

  function planRoute(head: Head, one: Prepared, values: readonly string[]): Work {
    const { route, observe } = one;
    const { bodyMaxBytes = LIMITS.BODY_MAX_BYTES } = route;
    const address = route.limit === 'address' ? addressOf(head.peer(), head.headers.get('x-forwarded-for')) : '';
    return {
      bodyMaxBytes,
      keepBody: bodyMaxBytes <= LIMITS.BODY_MAX_BYTES || isOperator(app, head),
      run(body) {
        const { requestId } = head;
        const started = performance.now();
        const answer = (outcome: AnyReply | Refusal) => {
          const reply = isRefusal(outcome) ? tell.refused(outcome) : outcome;
          const seconds = (performance.now() - started) / 1000;
          observe(reply.status, seconds);
          tell.answered(reply.status, { route, requestId, seconds });
          return answerTo(head, reply, route);
        };
        const fail = (error: unknown) => answer(replyOf(tell.failed(error, { route, requestId })));
        let outcome: Soon<AnyReply | Refusal>;
        try {
          outcome = refuseBody(route, head, body) ?? answerCall(app, one, { head, values, body, address });
        } catch (error) {
          return fail(error);
        }
        return outcome instanceof Promise ? outcome.then(answer, fail) : answer(outcome);
      },
    };
  }

  const shortcuts = [...prepared].flatMap(([{ path }, one]) => {
    const answerOf = createShortcut(app, { prepared: one, cors, answered: tell.answered });
    return answerOf ? [[path.replaceAll(/\{(\w+)\}/g, ':$1'), answerOf] as const] : [];
  });

  return {
    shortcuts: new Map(shortcuts),
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
    refusal: (head, code: ErrorCode, members) => answerTo(head, replyOf(refuse(code, members))),
  };
}

function refuseBody(
  { method, bodyMaxBytes = LIMITS.BODY_MAX_BYTES }: Route,
  { headers }: Head,
  { length }: Body,
): Refusal | null {
  if (length > bodyMaxBytes) return refuse('BODY_TOO_LARGE', { maxBytes: bodyMaxBytes });
  const type = headers.get('content-type');
  if (method === 'GET' || length === 0) return null;
  if ((headers.get('content-encoding') ?? 'identity').toLowerCase() !== 'identity')
    return refuse('UNSUPPORTED_MEDIA_TYPE');
  if (type === undefined) return null;
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
