/**
 * Who calls. Two credentials may come with a call: the access token (or an operator's key in its place) and the queue
 * token. What a route needs must be good; a credential that it does not look at may be stale, but when it is good it
 * must name the same user.
 */
import { type Refusal, refuse } from '../errors.ts';
import type { OperatorKeys } from './operator-keys.ts';
import type { QueueClaims, Tokens } from './tokens.ts';

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

/** What came of one credential: what it says, or that none came, or that it is no good. */
type Seen<C extends object> = C | 'absent' | 'bad';

/** Refuses UNAUTHENTICATED, and FORBIDDEN where only an operator may call. Throws Unavailable like `verifyAccess`. */
export async function identify(
  { tokens, operatorKeys }: IdentifyDeps,
  { authorization, queueToken, userToken }: Presented,
  auth: Auth,
): Promise<Identity | Refusal> {
  if (auth === 'none') return NOBODY;
  const needs = NEEDS[auth];
  const bearer = authorization === null ? null : (bearerOf(authorization) ?? '');
  if (needs.desk && bearer && operatorKeys.fits(bearer)) return OPERATOR;
  if (auth === 'operator') return refuse(bearer === null && !operatorKeys.off ? 'UNAUTHENTICATED' : 'FORBIDDEN');

  const user = await see(bearer, tokens.verifyAccess);
  const alias = userToken === null ? null : (bearerOf(userToken) ?? '');
  const sent = queueToken ?? alias;
  const claims = await see(sent, tokens.verifyQueue);
  if (lacks(needs.access, user, claims) || lacks(needs.queue, claims, user)) return refuse('UNAUTHENTICATED');
  const access = typeof user === 'object' ? user : null;
  const place = typeof claims === 'object' ? claims : null;
  return {
    userId: (access ?? place)?.userId ?? null,
    claims: place,
    queueToken: place && sent,
    operator: false,
    twoUsers: access !== null && place !== null && access.userId !== place.userId,
  };
}

async function see<C extends object>(
  token: string | null,
  verify: (token: string) => Promise<C | null>,
): Promise<Seen<C>> {
  if (token === null) return 'absent';
  return (await verify(token)) ?? 'bad';
}

/** Whether a needed credential is missing or bad; of two that will do, none may be bad and one must be there. */
function lacks(need: Need, seen: Seen<object>, other: Seen<object>): boolean {
  if (need === 'compared') return false;
  if (need === 'needed') return typeof seen !== 'object';
  return seen === 'bad' || (seen === 'absent' && other === 'absent');
}

/** The token of `Bearer <token>`, null for anything else. */
function bearerOf(header: string): string | null {
  return /^Bearer +([^\s,]+) *$/i.exec(header)?.[1] ?? null;
}
