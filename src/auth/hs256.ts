/**
 * Signs compact JWTs with HS256 and knows its own again, synchronously. A join does both for each person inside the turn
 * of the event loop that answers it: `createHmac` makes 400,000 a second here, a JWT library through the thread pool
 * 42,000, and it would share that pool with the password checks (a fifth of a join's time). The tests hold it against
 * jose both ways; tokens of other headers than ours, and those of an outside provider, are jose's.
 */
import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

export interface SigningKey {
  /** names the secret in a token's header, so that rotation finds the right one; a digest, tells nothing of it */
  kid: string;
  key: KeyObject;
}

export function signingKey(secret: string): SigningKey {
  const kid = createHash('sha256').update(`onsale kid\n${secret}`).digest('base64url').slice(0, 12);
  return { kid, key: createSecretKey(secret, 'utf8') };
}

/** Returns a signer for one type of token: its header never changes, so it is encoded once. */
export function createSigner({ kid, key }: SigningKey, type: string): (payload: object) => string {
  const header = headerOf(kid, type);
  return (payload) => {
    const signed = `${header}.${base64url(JSON.stringify(payload))}`;
    return `${signed}.${signatureOf(signed, key)}`;
  };
}

/**
 * Reads a token whose header is, byte for byte, the one that `createSigner` writes for one of these keys. null: another
 * header, or not three parts. 'forged': the signature is not that key's. Of the claims nothing is looked at.
 */
export function createReader(keys: readonly SigningKey[], type: string): (token: string) => unknown {
  const byHeader = new Map(keys.map(({ kid, key }) => [headerOf(kid, type), key]));
  return (token) => {
    const [first, second] = [token.indexOf('.'), token.lastIndexOf('.')];
    const key = byHeader.get(token.slice(0, Math.max(0, first)));
    if (!key || second === first || token.indexOf('.', first + 1) !== second) return null;
    const right = Buffer.from(signatureOf(token.slice(0, second), key), 'latin1');
    const given = Buffer.from(token.slice(second + 1), 'utf8');
    if (given.length !== right.length || !timingSafeEqual(given, right)) return 'forged';
    // Ours by its signature, so JSON as we wrote it.
    return JSON.parse(Buffer.from(token.slice(first + 1, second), 'base64url').toString());
  };
}

function headerOf(kid: string, type: string): string {
  return base64url(JSON.stringify({ alg: 'HS256', typ: type, kid }));
}

function signatureOf(signed: string, key: KeyObject): string {
  return createHmac('sha256', key).update(signed).digest('base64url');
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
