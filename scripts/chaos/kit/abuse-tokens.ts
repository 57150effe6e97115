/** Tokens that we never gave out. None may open anything. */
import { createHmac } from 'node:crypto';
import type { Dice } from './random.ts';

const text = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const sign = (signed: string, secret: string, hash = 'sha256') =>
  createHmac(hash, secret).update(signed).digest('base64url');
const read = (part: string | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from(part ?? '', 'base64url').toString());

export interface Forged {
  what: string;
  token: string;
}

/** From a good one, and the secret where even that must not do. */
export function forge(random: Dice, good: string, secret: string): Forged {
  const [first, second, third = ''] = good.split('.');
  const [header, claims] = [read(first), read(second)];
  const signed = (head: unknown, body: unknown, by = secret) => {
    const both = `${text(head)}.${text(body)}`;
    return `${both}.${sign(both, by)}`;
  };
  const nowSeconds = Math.floor(Date.now() / 1000);
  // biome-ignore format: one forgery a line
  return random.pick<() => Forged>([
    () => ({ what: 'alg none', token: `${text({ ...header, alg: random.pick(['none', 'None', 'nOnE', '']) })}.${second}.` }),
    () => ({ what: 'alg none, signature kept', token: `${text({ ...header, alg: 'none' })}.${second}.${third}` }),
    () => ({ what: 'another secret', token: signed(header, claims, 'another secret that is long enough') }),
    () => ({ what: 'the kid as secret', token: signed(header, claims, String(header.kid)) }),
    () => ({ what: 'no secret', token: signed(header, claims, '') }),
    () => ({ what: 'another kid', token: signed({ ...header, kid: random.pick(['', 'x', '__proto__', '../key', null, {}, 1]) }, claims) }),
    () => ({ what: 'no kid', token: signed({ alg: 'HS256', typ: header.typ }, claims) }),
    () => ({ what: 'another type', token: signed({ ...header, typ: random.pick(['JWT', '', null, [], 'at+jwt ', 7]) }, claims) }),
    () => ({ what: 'another algorithm', token: signed({ ...header, alg: random.pick(['HS512', 'RS256', 'ES256', [], {}, null]) }, claims) }),
    () => ({ what: 'another audience', token: signed(header, { ...claims, aud: random.pick(['', 'x', null, {}, ['x'], 5]) }) }),
    () => ({ what: 'another issuer', token: signed(header, { ...claims, iss: random.pick(['', 'x', null, {}]) }) }),
    () => ({ what: 'past its end', token: signed(header, { ...claims, exp: random.pick([0, -1, nowSeconds - 1, '9999999999', null, 'x']) }) }),
    () => ({ what: 'no subject', token: signed(header, { ...claims, sub: random.pick(['', null, {}, 5]) }) }),
    () => ({ what: 'critical extension', token: signed({ ...header, crit: ['b64'], b64: false }, claims) }),
    () => ({ what: 'not yet good', token: signed(header, { ...claims, nbf: nowSeconds + 3_600 }) }),
    () => ({ what: 'other claims, old signature', token: `${first}.${text({ ...claims, sub: 'u_somebody_else' })}.${third}` }),
    () => ({ what: 'a bit of the signature', token: `${first}.${second}.${third.slice(0, 5)}${third[5] === 'A' ? 'B' : 'A'}${third.slice(6)}` }),
    () => ({ what: 'a cut signature', token: `${first}.${second}.${third.slice(0, random.between(0, 42))}` }),
    () => ({ what: 'odd JSON', token: `${first}.${text(random.pick(['null', '[]', '"x"', '5', '{', '', '\0', '{"a":'.repeat(300)]))}.${third}` }),
    () => ({ what: 'an odd header', token: `${text(random.pick(['null', '[]', '{}', '5', '{', '{"alg":"HS256","__proto__":{}}']))}.${second}.${third}` }),
    () => ({ what: 'parts', token: random.pick([`${first}.${second}`, `${good}.${third}`, '..', '...', '.', `${first}..${third}`, `.${second}.${third}`]) }),
    () => ({ what: 'long', token: `${good}${'A'.repeat(random.pick([100, 4_096, 9_000]))}` }),
    () => ({ what: 'other bytes', token: `${good.slice(0, -4)}${random.pick(['\xff\xfe', '====', '%41%41', '+/+/', '\u00e9'])}` }),
  ])();
}
