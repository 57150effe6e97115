/** What stands between a good credential and the call: whose it is, and whether its place is ACTIVE. */
import type { Identity } from '../auth/credentials.ts';
import { type Refusal, refuse, Unavailable } from '../errors.ts';
import { walletKeys } from '../redis/keys.ts';
import { andThen, type Soon } from '../soon.ts';
import { requireActive } from '../waiting-room/guard.ts';
import type { Parts } from './checks.ts';
import type { HttpApp } from './http-app.ts';
import type { Route } from './route.ts';

interface Checked {
  parts: Parts;
  identity: Identity;
}

/** Refuses FORBIDDEN, QUEUE_ID_MISMATCH, NOT_ACTIVE, and before that CONCERT_NOT_FOUND; QUEUE_NOT_FOUND for a place of another epoch. */
export function guard(app: HttpApp, route: Route, { parts, identity }: Checked): Soon<Refusal | null> {
  const { userId, queueId, concertId } = parts.params;
  const { claims, operator } = identity;
  if (identity.twoUsers) return refuse('FORBIDDEN');
  // Whether or not that other user exists.
  if (userId !== undefined && !operator && userId !== identity.userId) return refuse('FORBIDDEN');
  if (route.auth === 'queue' && queueId !== undefined && queueId !== claims?.queueId)
    return refuse('QUEUE_ID_MISMATCH');
  if (route.auth === 'active') return guardActive(app, { claims, concertId: concertId ?? claims?.concertId });
  if (route.spends && app.config.balanceRequiresActive && !operator) {
    return guardMoney(app, { parts, identity });
  }
  return null;
}

async function guardMoney(app: HttpApp, { parts, identity }: Checked): Promise<Refusal | null> {
  if (await isRepeatedCharge(app, { parts, identity })) return null;
  const { claims } = identity;
  return guardActive(app, { claims, concertId: claims?.concertId });
}

function guardActive(
  app: HttpApp,
  { claims, concertId }: { claims: Identity['claims']; concertId: string | undefined },
): Soon<Refusal | null> {
  if (concertId === undefined) return notActive();
  return requireActive(app, { claims, concertId });
}

/** Without a queue token there is no place to tell of. */
export function notActive(): Refusal {
  return refuse('NOT_ACTIVE', { status: null, position: null });
}

/** A repeat is answered before the guard: the place may be over since the charge that is asked about. */
async function isRepeatedCharge({ redis }: HttpApp, { parts, identity }: Checked): Promise<boolean> {
  if (parts.idempotency === null || identity.userId === null) return false;
  return (await redis.exists(walletKeys(identity.userId).idempotency('charge', parts.idempotency.key))) === 1;
}

/**
 * USER_NOT_FOUND: a good token whose user is not there, or an operator's question about nobody. A place proves its
 * user, so calls by queue token alone ask nobody.
 */
export function refuseUnknownUser(
  { users }: HttpApp,
  { auth }: Route,
  { parts, identity }: Checked,
): Soon<Refusal | null> {
  const { userId } = parts.params;
  if (identity.operator && userId !== undefined && auth !== 'operator') return unless(users.has(userId));
  if (identity.userId === null || auth === 'queue' || auth === 'active' || auth === 'place') return null;
  return unless(users.admits(identity.userId));
}

function unless(there: Soon<boolean>): Soon<Refusal | null> {
  return andThen(there, (isThere) => (isThere ? null : refuse('USER_NOT_FOUND')));
}

/** Joins and holds end here while Redis is nearly full: what is under way needs the rest. Throws Unavailable. */
export function refuseWhileFull({ memory }: HttpApp): void {
  if (memory.full()) throw nearlyFull();
}

/**
 * Payments and charges end here while Redis is fuller still: each adds to an outbox, and BullMQ, which empties them,
 * needs memory for its jobs. Nothing has begun, so the same key may be sent again. Throws Unavailable.
 */
export function refuseMoneyWhileFull({ memory }: HttpApp): void {
  if (memory.brimful()) throw nearlyFull();
}

function nearlyFull(): Unavailable {
  return new Unavailable('Redis is nearly full', { retryAfterSeconds: 5 });
}
