/**
 * Signs compact JWTs with HS256 and knows its own again, synchronously. A join does both for each person inside the turn
 * of the event loop that answers it: this makes a million signatures a second here, `createHmac`, with two objects for
 * each, half of that, and a JWT library through the thread pool 42,000, and it would share that pool with the password
 * checks (a fifth of a join's time). The tests hold it against jose both ways; tokens of other headers than ours, and
 * those of an outside provider, are jose's.
 */
import { createHash, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto';
import { LIMITS } from '../limits.ts';

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
  const signatureOf = createMac(key);
  return (payload) => {
    const signed = `${header}.${base64url(JSON.stringify(payload))}`;
    return `${signed}.${signatureOf(signed)}`;
  };
}

/**
 * Reads a token whose header is, byte for byte, the one that `createSigner` writes for one of these keys. null: another
 * header, not three parts, or too long. 'forged': the signature is not that key's. Of the claims nothing is looked at.
 */
export function createReader(keys: readonly SigningKey[], type: string): (token: string) => unknown {
  const byHeader = new Map(keys.map(({ kid, key }) => [headerOf(kid, type), createMac(key)]));
  const [right, given] = [Buffer.alloc(SIGNATURE_CHARS), Buffer.alloc(SIGNATURE_CHARS)];
  const payload = Buffer.alloc(LIMITS.TOKEN_MAX_BYTES);
  return (token) => {
    if (token.length > LIMITS.TOKEN_MAX_BYTES) return null;
    const [first, second] = [token.indexOf('.'), token.lastIndexOf('.')];
    const signatureOf = byHeader.get(token.slice(0, Math.max(0, first)));
    if (!signatureOf || second === first || token.indexOf('.', first + 1) !== second) return null;
    right.write(signatureOf(token.slice(0, second)), 'latin1');
    // As UTF-8, where characters beyond ASCII are bytes that no signature has; one that does not fit at the end is left out.
    const signature = token.slice(second + 1);
    const fits = signature.length === SIGNATURE_CHARS && given.write(signature, 'utf8') === SIGNATURE_CHARS;
    if (!fits || !timingSafeEqual(given, right)) return 'forged';
    // Ours by its signature, so JSON as we wrote it.
    return JSON.parse(payload.toString('utf8', 0, payload.write(token.slice(first + 1, second), 'base64url')));
  };
}

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
/** of so many bytes in base64url */
export const SIGNATURE_CHARS = 43;

/** HMAC-SHA256 in base64url (RFC 2104), in memory that is its own: no object is made for a text as long as a token. */
export function createMac(key: KeyObject): (text: string) => string {
  const secret = key.export();
  const block = Buffer.alloc(BLOCK_BYTES);
  block.set(secret.length > BLOCK_BYTES ? hash('sha256', secret, 'buffer') : secret);
  const inner = Buffer.alloc(BLOCK_BYTES + 3 * LIMITS.TOKEN_MAX_BYTES);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);
  inner.set(block.map((byte) => byte ^ 0x36));
  outer.set(block.map((byte) => byte ^ 0x5c));
  return (text) => {
    // As UTF-8: cut to bytes, characters beyond ASCII would pass for those that were signed.
    const message =
      text.length <= LIMITS.TOKEN_MAX_BYTES
        ? inner.subarray(0, BLOCK_BYTES + inner.write(text, BLOCK_BYTES, 'utf8'))
        : Buffer.concat([inner.subarray(0, BLOCK_BYTES), Buffer.from(text, 'utf8')]);
    outer.write(hash('sha256', message, 'binary'), BLOCK_BYTES, 'latin1');
    return hash('sha256', outer, 'base64url');
  };
}

function headerOf(kid: string, type: string): string {
  return base64url(JSON.stringify({ alg: 'HS256', typ: type, kid }));
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
