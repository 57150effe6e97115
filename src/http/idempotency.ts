/**
 * `Idempotency-Key`: a changing call that carries one can be sent again, and gets the first success as it was. The
 * key is kept in the slot of the effect, by the script that makes the effect (lua/include/repeat_of.lua).
 */
import { digest } from '../redis/keys.ts';
import { LIMITS } from '../limits.ts';

/** `key`: the client's, 1 to 128 visible ASCII characters. `fingerprint`: of the route and payload; holds no space. */
export type Idempotency = {
  readonly key: string;
  readonly fingerprint: string;
} | null;

const KEY = new RegExp(`^[\\x21-\\x7e]{1,${LIMITS.IDEMPOTENCY_KEY_MAX_CHARS}}$`);

export function isIdempotencyKey(text: string): boolean {
  return KEY.test(text);
}

/** Two calls have the same fingerprint where route, parameters and body say the same, in whatever order of members. */
export function fingerprintOf(
  { method, path }: { method: string; path: string },
  { params, body }: { params: unknown; body: unknown },
): string {
  return digest(`${method}\n${path}\n${canonical(params)}\n${canonical(body)}`);
}

/** JSON with the members of every object in alphabetical order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}
