/** What of a request is read from uWebSockets.js, whose request is dead after the first await. */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { requestIdOf } from './request-id.ts';

/** A copy: good for as long as the call lasts. */
export interface Head {
  method: string;
  /** raw, still percent-encoded */
  path: string;
  /** without `?` */
  query: string;
  /** lower-case name -> value; several of one name are joined by commas */
  headers: ReadonlyMap<string, string>;
  /** the client's own where it is plain, else a new one */
  requestId: string;
  /** address of the peer; may be asked until the first await */
  peer(): string;
}

/** The request itself, to be asked within the turn in which it came. */
export type Glance = Pick<HttpRequest, 'getQuery' | 'forEach' | 'getParameter'>;

/** Not `getHeader`, which tells nothing of a second one of a name, and not an empty one from none. */
export function headersOf(req: Pick<HttpRequest, 'forEach'>): Head['headers'] {
  const headers = new Map<string, string>();
  req.forEach((name, value) => {
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  });
  return headers;
}

/** Everything that is needed of a request, in one pass. */
export function copyHead(res: HttpResponse, req: HttpRequest): Head {
  const headers = headersOf(req);
  return {
    method: req.getCaseSensitiveMethod(),
    path: req.getUrl(),
    query: req.getQuery() ?? '',
    headers,
    requestId: requestIdOf(headers.get('x-request-id') ?? ''),
    peer: () => Buffer.from(res.getRemoteAddressAsText()).toString('latin1'),
  };
}
