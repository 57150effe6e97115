import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { createMac, createReader, createSigner, signingKey } from './hs256.ts';

const hmac = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('base64url');
const macOf = (secret: string) => createMac(createSecretKey(secret, 'utf8'));

test('the signature is HMAC-SHA256, for keys and texts of every length and alphabet', () => {
  for (const length of [1, 31, 32, 63, 64, 65, 200]) {
    for (const secret of ['k'.repeat(length), 'é'.repeat(length), randomBytes(length).toString('base64')]) {
      const mac = macOf(secret);
      for (const text of ['', 'a', 'longer than the next', 'ł€😀', 'x'.repeat(LIMITS.TOKEN_MAX_BYTES), 'short'])
        expect(mac(text)).toBe(hmac(secret, text));
      for (let i = 0; i < 150; i++) expect(mac('y'.repeat(i))).toBe(hmac(secret, 'y'.repeat(i)));
    }
  }
  const mac = macOf('secret');
  for (const long of ['€'.repeat(LIMITS.TOKEN_MAX_BYTES), '€'.repeat(LIMITS.TOKEN_MAX_BYTES + 1)])
    expect(mac(long)).toBe(hmac('secret', long));
  expect(mac('short')).toBe(hmac('secret', 'short'));
});

test('a character that has the last byte of the signed one is not the signed one', () => {
  const key = signingKey('a secret of at least 32 characters');
  const token = createSigner(key, 'test+jwt')({ sub: 'u_1' });
  const read = createReader([key], 'test+jwt');
  expect(read(token)).toEqual({ sub: 'u_1' });
  const at = token.indexOf('.') + 3;
  for (const page of [0x100, 0x400, 0xff00])
    expect(read(token.slice(0, at) + String.fromCharCode(page + token.charCodeAt(at)) + token.slice(at + 1))).toBe(
      'forged',
    );
});

test('a signature of other length or characters is forged, whatever was read before', () => {
  const key = signingKey('a secret of at least 32 characters');
  const token = createSigner(key, 'test+jwt')({ sub: 'u_1' });
  const read = createReader([key], 'test+jwt');
  const [signed, signature] = [token.slice(0, token.lastIndexOf('.') + 1), token.slice(token.lastIndexOf('.') + 1)];
  const last = signature.at(-1) ?? '';
  const wrong = [
    '',
    signature.slice(0, -1),
    `${signature}A`,
    `${signature.slice(0, -1)}€`,
    `${signature.slice(0, -1)}${String.fromCharCode(0x100 + last.charCodeAt(0))}`,
    `€${signature.slice(1)}`,
    `${signature.slice(0, -1)}${last === 'A' ? 'B' : 'A'}`,
  ];
  for (const one of wrong) {
    expect(read(token)).toEqual({ sub: 'u_1' }); // its signature is in the memory that is used for all
    expect(read(signed + one)).toBe('forged');
  }
  expect(read(signed + 'x'.repeat(LIMITS.TOKEN_MAX_BYTES))).toBeNull();
});
