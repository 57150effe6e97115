/** Access tokens of an outside identity provider, verified with the keys that it publishes (JWKS_URL). */
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type RemoteJWKSet } from 'jose';
import { Unavailable } from '../errors.ts';
import type { TokenSettings } from './tokens.ts';

/** Asymmetric ones only: with a symmetric one the provider's public key would be a secret that everybody has. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Providers differ: RFC 9068 wants `at+jwt`, many write `JWT` or nothing. An ID token's audience is another one. */
const TYPES: readonly (string | undefined)[] = [undefined, 'jwt', 'at+jwt', 'application/at+jwt'];
const FETCH_TIMEOUT_MS = 2_000;
/** Clocks of two organisations are never quite the same. */
const CLOCK_TOLERANCE_SECONDS = 5;
const KEYS_FRESH_MS = 10 * 60_000;

/**
 * A verifier for the provider's tokens, null where none is set. It throws a JOSEError for a bad token and
 * `Unavailable` where the keys cannot be had.
 */
export function createOutsideProvider(settings: TokenSettings): ((token: string) => Promise<JWTPayload>) | null {
  const { jwksUrl, jwtIssuer, jwtAudience } = settings;
  if (!jwksUrl) return null;
  if (!jwtIssuer || !jwtAudience) throw new Error('JWKS_URL needs JWT_ISSUER and JWT_AUDIENCE');
  // Known keys never run out by age alone: a provider that is away for an hour must not log the crowd out.
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cacheMaxAge: Infinity,
  });
  const refresh = keepFresh(keys);
  const options = {
    algorithms: ALGORITHMS,
    issuer: jwtIssuer,
    audience: jwtAudience,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['sub', 'exp'],
  };
  return async (token) => {
    refresh();
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys, options);
      if (!TYPES.includes(protectedHeader.typ?.toLowerCase())) throw new errors.JWTInvalid('unexpected type');
      return payload;
    } catch (error) {
      if (isFaultOfToken(error)) throw error;
      throw new Unavailable('the identity provider’s keys cannot be had', {
        cause: error,
      });
    }
  };
}

/** jose tells of a failed fetch by its timeout error, by a plain JOSEError, or by whatever fetch threw. */
function isFaultOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JOSEError &&
    error.code !== 'ERR_JOSE_GENERIC' &&
    !(error instanceof errors.JWKSTimeout) &&
    !(error instanceof errors.JWKSInvalid)
  );
}

/** Fetches the keys anew every ten minutes while tokens come in, behind the answers; a revoked key is then gone. */
function keepFresh(keys: RemoteJWKSet): () => void {
  let fetchedMs = Date.now();
  return () => {
    if (Date.now() - fetchedMs < KEYS_FRESH_MS) return;
    fetchedMs = Date.now();
    // The old keys stay in use where this fails.
    keys.reload().catch(() => {});
  };
}
