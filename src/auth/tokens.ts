/**
 * The two tokens of the contract. The access token says who somebody is; the queue token is their place in one
 * waiting room, and proves identity and order: what state the place is in, Redis alone says.
 */
import { errors, jwtVerify, type JWTPayload, type JWTVerifyOptions, type JWTHeaderParameters } from 'jose';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { LIMITS } from '../limits.ts';
import { createReader, createSigner, SIGNATURE_CHARS, signingKey } from './hs256.ts';
import type { Soon } from '../soon.ts';
import { createOutsideProvider } from './outside-provider.ts';
import { createRecent } from '../recent.ts';

/** What a queue token says. `sequence` is the place's number in the room, `epoch` the life of the room it belongs to. */
export type QueueClaims = Readonly<{
  queueId: string;
  userId: string;
  concertId: string;
  epoch: string;
  sequence: number;
  joinedAtMs: number;
}>;

export interface TokenSettings {
  /** the first signs, all verify: that is how they are rotated */
  jwtSecrets: readonly string[];
  /** an outside identity provider, which then issues the access tokens; the queue tokens stay ours */
  jwksUrl?: string | null | undefined;
  jwtIssuer?: string | null | undefined;
  jwtAudience?: string | null | undefined;
}

export interface Tokens {
  /** true where an outside provider issues access tokens: there are no built-in accounts then */
  readonly outside: boolean;
  signAccess(userId: string): string;
  /** null for anything but a good access token; throws Unavailable where the outside provider's keys cannot be had */
  verifyAccess(token: string): Soon<AccessClaims | null>;
  /** What an access token says that was found good of late; null: ask `verifyAccess`. */
  knownAccess(token: string): AccessClaims | null;
  signQueue(claims: QueueClaims): string;
  verifyQueue(token: string): Soon<QueueClaims | null>;
  /** What is known of a queue token that was found good of late; null: ask `verifyQueue`. */
  knownQueue(token: string): KnownQueue | null;
}

/** A queue token that was found good, kept for those who come again. */
export interface KnownQueue {
  readonly token: string;
  readonly claims: QueueClaims;
  /** what does not change of its ticket, rendered by whoever first needed it (waiting-room/ticket.ts) */
  ticketParts?: readonly [before: string, after: string];
  /** the bucket of its polls (http/rate-limits.ts), which those who come again need each time */
  polls?: { take(): number; pace(refillMs: number): void };
}

export type AccessClaims = Readonly<{ userId: string }>;

export const ISSUER = 'onsale';
export const ACCESS = {
  audience: 'api',
  type: 'at+jwt',
  seconds: LIMITS.ACCESS_TOKEN_SECONDS,
} as const;
export const QUEUE = {
  audience: 'queue',
  type: 'queue+jwt',
  seconds: LIMITS.QUEUE_TOKEN_SECONDS,
} as const;

const QueuePayload = Type.Object({
  sub: Type.String({ minLength: 1 }),
  jti: Type.String({ minLength: 1 }),
  concertId: Type.String({ minLength: 1 }),
  epoch: Type.String({ minLength: 1 }),
  sequence: Type.Integer({ minimum: 1 }),
  joinedAt: Type.Integer({ minimum: 0 }),
});
const queuePayload = Compile(QueuePayload);
/** What `jwtVerify` makes sure of with OWN. */
const ownPayload = Compile(
  Type.Object({
    iss: Type.String(),
    aud: Type.String(),
    sub: Type.String(),
    exp: Type.Number(),
    nbf: Type.Optional(Type.Never()),
  }),
);

/** null, or a JOSEError: no good token. */
type Verifier = (token: string) => Soon<JWTPayload | null>;

/** Throws where the settings name no secret, or half an outside provider. */
export function createTokens(settings: TokenSettings): Tokens {
  const keys = settings.jwtSecrets.map(signingKey);
  const [first] = keys;
  if (!first) throw new Error('JWT_SECRET names no secret');
  // A CryptoKey verifies 50,000 a second, a KeyObject or raw bytes 35,000: jose would import it for each token.
  const byKid = new Map(
    keys.map(({ kid, key }) => [kid, key.toCryptoKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])]),
  );
  const signAccess = createSigner(first, ACCESS.type);
  const signQueue = createSigner(first, QUEUE.type);
  const outside = createOutsideProvider(settings);

  function keyOf({ kid }: JWTHeaderParameters) {
    const key = kid === undefined ? undefined : byKid.get(kid);
    if (!key) throw new errors.JWKSNoMatchingKey();
    return key;
  }

  function verifierOf({ audience, type }: typeof ACCESS | typeof QUEUE): Verifier {
    const read = createReader(keys, type);
    return (token) => {
      const payload = read(token);
      if (payload === null)
        return jwtVerify(token, keyOf, { ...OWN, audience, typ: type }).then((verified) => verified.payload);
      if (!ownPayload.Check(payload)) return null;
      const { iss, aud, exp } = payload;
      return iss === ISSUER && aud === audience && exp > Math.floor(Date.now() / 1000) ? payload : null;
    };
  }

  const access = remembering(outside ?? verifierOf(ACCESS), ({ sub }) =>
    sub !== undefined && isUserId(sub) ? { userId: sub } : null,
  );
  const queue = remembering(verifierOf(QUEUE), claimsOf);

  return {
    outside: outside !== null,
    signAccess: (userId) =>
      signAccess({
        iss: ISSUER,
        aud: ACCESS.audience,
        sub: userId,
        ...lifetime(ACCESS.seconds),
      }),
    signQueue: ({ queueId, userId, concertId, epoch, sequence, joinedAtMs: joinedAt }) => {
      const place = { sub: userId, jti: queueId, concertId, epoch, sequence, joinedAt };
      return signQueue({ iss: ISSUER, aud: QUEUE.audience, ...place, ...lifetime(QUEUE.seconds) });
    },
    verifyAccess: access.verify,
    knownAccess: (token) => access.known(token)?.claims ?? null,
    verifyQueue: queue.verify,
    knownQueue: queue.known,
  };
}

const OWN = {
  algorithms: ['HS256'],
  issuer: ISSUER,
  requiredClaims: ['sub', 'exp'],
} satisfies JWTVerifyOptions;

function lifetime(seconds: number): { iat: number; exp: number } {
  const iat = Math.floor(Date.now() / 1000);
  return { iat, exp: iat + seconds };
}

/**
 * An outside provider's `sub` becomes part of keys, rows and packed records. Text that is not well formed would turn
 * into other text there, and two people into one; PostgreSQL takes no NUL.
 */
function isUserId(sub: string): boolean {
  return (
    sub.length > 0 &&
    Buffer.byteLength(sub) <= LIMITS.OUTSIDE_SUB_MAX_BYTES &&
    sub.isWellFormed() &&
    !/\p{Cc}/u.test(sub)
  );
}

function claimsOf(payload: JWTPayload): QueueClaims | null {
  if (!queuePayload.Check(payload)) return null;
  const { sub, jti, concertId, epoch, sequence, joinedAt }: Static<typeof QueuePayload> = payload;
  return {
    userId: sub,
    queueId: jti,
    concertId,
    epoch,
    sequence,
    joinedAtMs: joinedAt,
  };
}

/** Every fault of a token is a JOSEError; anything else is a fault of ours or of the provider. */
function refuseFaulty(error: unknown): null {
  if (error instanceof errors.JOSEError) return null;
  throw error;
}

interface Known<C> {
  token: string;
  claims: C;
  endsMs: number;
}

/**
 * Remembers tokens that were verified, up to their end: a person polls with the same one for hours, and verifying
 * goes through the thread pool. Only good tokens are kept, so that a flood of bad ones forgets nobody.
 */
function remembering<C extends object>(
  check: Verifier,
  read: (payload: JWTPayload) => C | null,
): { verify: (token: string) => Soon<C | null>; known: (token: string) => Known<C> | null } {
  const verified = createRecent<Known<C>>(LIMITS.VERIFIED_TOKENS_KEPT);
  // A token of 300 characters takes longer to look up than to compare, and its signature, or the end of a longer one,
  // names it as well.
  const nameOf = (token: string) => token.slice(-SIGNATURE_CHARS);

  function known(token: string): Known<C> | null {
    const found = verified.get(nameOf(token));
    return found?.token === token && found.endsMs > Date.now() ? found : null;
  }

  function keep(token: string, payload: JWTPayload | null): C | null {
    const claims = payload && read(payload);
    const endsMs = (payload?.exp ?? 0) * 1000;
    if (claims) verified.set(nameOf(token), { token, claims: Object.freeze(claims), endsMs });
    return claims;
  }

  function verify(token: string): Soon<C | null> {
    const before = known(token);
    if (before) return before.claims;
    if (token.length > LIMITS.TOKEN_MAX_BYTES) return null;
    const payload = check(token);
    return payload instanceof Promise
      ? payload.then((checked) => keep(token, checked), refuseFaulty)
      : keep(token, payload);
  }

  return { verify, known };
}
