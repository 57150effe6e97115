/** Cross-origin calls by browsers: off unless CORS_ORIGINS names origins. */
import type { Head } from './head.ts';

export interface Cors {
  readonly on: boolean;
  /** headers for an answer to a page of this origin, '' where the request names none */
  headers(origin: string): Record<string, string>;
  /** further headers for the answer to a preflight, null where it is none (or CORS is off) */
  preflight(head: Head, allowed: readonly string[]): Record<string, string> | null;
}

const REQUEST_HEADERS =
  'Authorization, Content-Type, Idempotency-Key, If-None-Match, Queue-Token, USER-TOKEN, X-Request-Id';
const EXPOSED_HEADERS = 'ETag, Location, Retry-After, X-Request-Id';
const PREFLIGHT_SECONDS = 600;

export function createCors(origins: readonly string[]): Cors {
  const known = new Set(origins);

  function headers(origin: string): Record<string, string> {
    if (known.size === 0) return {};
    // Caches between must not give one origin the answer to another.
    if (!known.has(origin)) return { Vary: 'Origin' };
    return { Vary: 'Origin', 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': EXPOSED_HEADERS };
  }

  return {
    on: known.size > 0,
    headers,
    preflight(head, allowed) {
      const asked = head.method === 'OPTIONS' && head.headers.has('access-control-request-method');
      if (!asked || known.size === 0) return null;
      if (!('Access-Control-Allow-Origin' in headers(head.headers.get('origin') ?? ''))) return {};
      return {
        'Access-Control-Allow-Methods': allowed.join(', '),
        'Access-Control-Allow-Headers': REQUEST_HEADERS,
        'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
      };
    },
  };
}
