/** The headers that every answer carries. */
import type { HttpAnswer } from './exchange.ts';
import type { AnyReply, Route } from './route.ts';

const NOTHING_LOADS = "default-src 'none'; frame-ancestors 'none'";

/**
 * A reply as it is sent. `route`: none where none was found. `more`: further headers, of CORS.
 * Whoever serves this under TLS adds Strict-Transport-Security there.
 */
export function dress(
  { status, headers, text, body }: AnyReply,
  { route, requestId, more }: { route?: Route | undefined; requestId: string; more: Readonly<Record<string, string>> },
): HttpAnswer {
  const sent = text ?? (body === undefined ? null : JSON.stringify(body));
  const declared = route?.answers[status];
  let type = typeof declared === 'string' ? declared : 'application/json';
  let policy = NOTHING_LOADS;
  let others = '';
  for (const name in headers) {
    const value = headers[name] ?? '';
    if (name === 'Content-Type') type = value;
    else if (name === 'Content-Security-Policy') policy = value;
    else others += `\r\n${name}: ${value}`;
  }
  for (const name in more) others += `\r\n${name}: ${more[name] ?? ''}`;
  const caching = (status < 400 && route?.cache) || 'no-store';
  const safety = `X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: ${policy}`;
  const content = sent === null ? '' : `\r\nContent-Type: ${type}`;
  return {
    status,
    // As one text, written as one header with line ends in its value: a call to uWebSockets.js for each costs as much as
    // a bare answer does as a whole. It looks for no line ends in values, so nothing gets in that it would stop else.
    headers: `${caching}\r\nX-Request-Id: ${requestId}\r\n${safety}${content}${others}`,
    body: sent,
  };
}
