/**
 * Who calls. Two credentials may come with a call: the access token (or an operator's key in its place) and the queue
 * token. What a route needs must be good; a credential that it does not look at may be stale, but when it is good it
 * must name the same user.
 */
import { type Refusal, refuse } from '../errors.ts';
import type { Soon } from '../soon.ts';
import type { OperatorKeys } from './operator-keys.ts';
import type { AccessClaims, QueueClaims, Tokens } from './tokens.ts';

/** What a kind of route takes. `desk`: the operator's key too. */
const NEEDS = {
  access: { access: 'needed', queue: 'compared', desk: false },
  'access or desk': { access: 'needed', queue: 'compared', desk: true },
  queue: { access: 'compared', queue: 'needed', desk: false },
  user: { access: 'either', queue: 'either', desk: false },
  'user or desk': { access: 'either', queue: 'either', desk: true },
  active: { access: 'either', queue: 'either', desk: false },
  place: { access: 'either', queue: 'either', desk: false },
  operator: { access: 'needed', queue: 'compared', desk: true },
} as const satisfies Record<string, { access: Need; queue: Need; desk: boolean }>;
type Need = 'compared' | 'needed' | 'either';
export type Auth = keyof typeof NEEDS | 'none';

/** As they came: the whole header's value, null where absent. */
export interface Presented {
  authorization: string | null;
  queueToken: string | null;
  /** the alias `USER-TOKEN: Bearer <queue token>`; the header above wins */
  userToken: string | null;
}

export interface Identity {
  /** null for an operator, and where nobody needs to be known */
  userId: string | null;
  claims: QueueClaims | null;
  /** the token that says `claims`, as it was sent */
  queueToken: string | null;
  operator: boolean;
  /** both tokens are good and name two users: refused by the guard */
  twoUsers: boolean;
}

export interface IdentifyDeps {
  tokens: Tokens;
  operatorKeys: OperatorKeys;
}

const NOBODY: Identity = { userId: null, claims: null, queueToken: null, operator: false, twoUsers: false };
const OPERATOR: Identity = { ...NOBODY, operator: true };

/** Refuses UNAUTHENTICATED, and FORBIDDEN where only an operator may call. Throws Unavailable like `verifyAccess`. */
export function identify(
  { tokens, operatorKeys }: IdentifyDeps,
  { authorization, queueToken, userToken }: Presented,
  auth: Auth,
): Soon<Identity | Refusal> {
  if (auth === 'none') return NOBODY;
  const needs = NEEDS[auth];
  const bearer = authorization === null ? null : (bearerOf(authorization) ?? '');
  // To compare with the operators' keys takes a hash, as long as all the rest: left out for what is known as a user's.
  const remembered = needs.desk && bearer ? tokens.knownAccess(bearer) : null;
  if (needs.desk && bearer && !remembered && operatorKeys.fits(bearer)) return OPERATOR;
  if (auth === 'operator') return refuse(bearer === null && !operatorKeys.off ? 'UNAUTHENTICATED' : 'FORBIDDEN');

  const alias = userToken === null ? null : (bearerOf(userToken) ?? '');
  const sent = queueToken ?? alias;
  const user: Soon<Seen<AccessClaims>> = bearer === null ? 'absent' : (remembered ?? tokens.verifyAccess(bearer));
  const claims: Soon<Seen<QueueClaims>> = sent === null ? 'absent' : tokens.verifyQueue(sent);
  if (user instanceof Promise || claims instanceof Promise)
    return Promise.all([user, claims]).then((seen) => judge(needs, seen, sent));
  return judge(needs, [user, claims], sent);
}

/** What came of one credential: what it says, or that none came, or null: that it is no good. */
type Seen<C extends object> = C | 'absent' | null;

function judge(
  needs: (typeof NEEDS)[keyof typeof NEEDS],
  [user, claims]: [Seen<AccessClaims>, Seen<QueueClaims>],
  sent: string | null,
): Identity | Refusal {
  if (lacks(needs.access, user, claims) || lacks(needs.queue, claims, user)) return refuse('UNAUTHENTICATED');
  const access = user === 'absent' ? null : user;
  const place = claims === 'absent' ? null : claims;
  return {
    userId: (access ?? place)?.userId ?? null,
    claims: place,
    queueToken: place && sent,
    operator: false,
    twoUsers: access !== null && place !== null && access.userId !== place.userId,
  };
}

/** Whether a needed credential is missing or bad; of two that will do, none may be bad and one must be there. */
function lacks(need: Need, seen: Seen<object>, other: Seen<object>): boolean {
  if (need === 'compared') return false;
  if (need === 'needed') return seen === null || seen === 'absent';
  return seen === null || (seen === 'absent' && other === 'absent');
}

const BEARER = /^Bearer +([^\s,]+) *$/i;

/** The token of `Bearer <token>`, null for anything else. */
function bearerOf(header: string): string | null {
  return BEARER.exec(header)?.[1] ?? null;
}
