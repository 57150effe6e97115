/**
 * The order in which a call is checked, the same for every route: credential (401), schema (400), a concert that does
 * not exist (404), guard (403), the user (404); then the handler looks at the rest. Size and method come before.
 */
import { type Identity, identify } from '../auth/credentials.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { andThen, type Soon } from '../soon.ts';
import type { Body } from './body.ts';
import { guard, refuseUnknownUser } from './guard.ts';
import type { Head } from './head.ts';
import type { HttpApp } from './http-app.ts';
import { fingerprintOf, type Idempotency, isIdempotencyKey } from './idempotency.ts';
import type { Prepared } from './prepare.ts';
import { overLimit } from './rate-limits.ts';
import { readJson } from './read-json.ts';
import type { AnyCall, AnyReply, Fault, Route } from './route.ts';
import type { Checked } from './validate.ts';

export interface Request {
  head: Head;
  /** raw values of the path's parameters */
  values: readonly string[];
  body: Body;
  /** '' unless the route is limited by address */
  address: string;
}

/** The parts of a request that fit their schemas. */
export interface Parts {
  params: Record<string, string>;
  query: object;
  body: unknown;
  idempotency: Idempotency;
}

/** Throws, or rejects, where a dependency is away, and for bugs. */
export function answerCall(app: HttpApp, prepared: Prepared, request: Request): Soon<AnyReply | Refusal> {
  const { route } = prepared;
  if (route.builtIn && app.tokens.outside) return refuse('NOT_FOUND');
  const crowded = route.limit === 'address' ? overLimit(app.rateLimits.address.of(request.address).take()) : null;
  if (crowded) return crowded;
  return andThen(identify(app, presented(request.head.headers), route.auth), (identity) =>
    isRefusal(identity) ? identity : answerCaller(app, prepared, { request, identity }),
  );
}

function answerCaller(
  app: HttpApp,
  prepared: Prepared,
  { request, identity }: { request: Request; identity: Identity },
): Soon<AnyReply | Refusal> {
  const { route } = prepared;
  const { headers } = request.head;
  const hurried =
    prepared.userLimited && identity.userId !== null ? overLimit(app.rateLimits.user.of(identity.userId).take()) : null;
  if (hurried) return hurried;
  const parts = readParts(prepared, request);
  if (isRefusal(parts)) return parts;
  const checked = { parts, identity };
  const refusal = andThen(guard(app, route, checked), (refused) => refused ?? refuseUnknownUser(app, route, checked));
  return andThen(refusal, (refused) =>
    refused
      ? refuseWhereConcert(app, parts, refused)
      : route.handle(app, {
          ...parts,
          caller: callerOf(route, identity),
          ifNoneMatch: headers.get('if-none-match') ?? '',
          acceptEncoding: headers.get('accept-encoding') ?? '',
        }),
  );
}

/** A concert that is not there comes first; looked at only here, since the handlers see it by themselves. */
async function refuseWhereConcert(app: HttpApp, parts: Parts, refused: Refusal): Promise<Refusal> {
  return (await isConcertThere(app, parts)) ? refused : refuse('CONCERT_NOT_FOUND');
}

/** True where the request names none. */
async function isConcertThere({ rooms }: HttpApp, { params, body }: Parts): Promise<boolean> {
  const { concertId = params.concertId } = (body ?? {}) as { concertId?: string };
  return concertId === undefined || (await rooms.view(concertId)) !== null;
}

function presented(headers: Head['headers']) {
  return {
    authorization: headers.get('authorization') ?? null,
    queueToken: headers.get('queue-token') ?? null,
    userToken: headers.get('user-token') ?? null,
  };
}

/** The shape that the route's handler expects; `identify` and the guard have made sure of what it promises. */
function callerOf({ auth }: Route, { userId, claims, queueToken }: Identity): AnyCall['caller'] {
  return auth === 'none' || auth === 'operator' ? null : { userId, claims, token: queueToken };
}

const BAD_KEY: Fault = { path: 'headers/Idempotency-Key', message: 'must be 1 to 128 visible ASCII characters' };

function readParts(prepared: Prepared, { head, values, body }: Request): Parts | Refusal {
  const { route } = prepared;
  const faults: Fault[] = [];
  const take = (checked: Checked): unknown => {
    if ('value' in checked) return checked.value;
    faults.push(...checked.faults);
    return undefined;
  };
  const params = take(prepared.checkParams(values));
  const query = take(prepared.checkQuery(head.query));
  const value = take(readBody(prepared, body));
  const key = route.idempotent === undefined ? undefined : head.headers.get('idempotency-key');
  if (key !== undefined && !isIdempotencyKey(key)) faults.push(BAD_KEY);
  if (faults.length > 0) return refuse('VALIDATION', { errors: faults });
  const idempotency = key === undefined ? null : { key, fingerprint: fingerprintOf(route, { params, body: value }) };
  return { params: params as Record<string, string>, query: query as object, body: value, idempotency };
}

/** No body is an empty one: what is missing in it is then told by name. */
function readBody({ route, checkBody }: Prepared, { text, garbled }: Body): Checked {
  if (route.method === 'GET') return { value: undefined };
  if (garbled) return { faults: [{ path: '', message: 'is not UTF-8' }] };
  const valuesMax = route.bodyMaxBytes === undefined ? LIMITS.JSON_VALUES_MAX : Number.POSITIVE_INFINITY;
  const read = text === null ? { value: {} } : readJson(text, { valuesMax });
  return 'fault' in read ? { faults: [read.fault] } : checkBody(read.value);
}
