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

/** The headers that matter to a call which memory can answer; '' for one that was not sent. */
export interface PlainHeaders {
  queueToken: string;
  ifNoneMatch: string;
  requestId: string;
  origin: string;
}

/** Not `getHeader`, which tells nothing of a second one of a name, and not an empty one from none. */
function headersOf(req: Pick<HttpRequest, 'forEach'>): Head['headers'] {
  const headers = new Map<string, string>();
  req.forEach((name, value) => {
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  });
  return headers;
}

/** One for all requests, since each is over before the next: a map and its closure cost a tenth of a poll. */
const plain: PlainHeaders & { isPlain: boolean } = {
  queueToken: '',
  ifNoneMatch: '',
  requestId: '',
  origin: '',
  isPlain: true,
};

function lookAt(name: string, value: string): void {
  switch (name) {
    case 'queue-token':
      plain.isPlain &&= plain.queueToken === '' && value !== '';
      plain.queueToken = value;
      break;
    case 'if-none-match':
      plain.ifNoneMatch = plain.ifNoneMatch === '' ? value : `${plain.ifNoneMatch},${value}`;
      break;
    case 'x-request-id':
      plain.requestId = plain.requestId === '' ? value : `${plain.requestId},${value}`;
      break;
    case 'origin':
      plain.origin = plain.origin === '' ? value : `${plain.origin},${value}`;
      break;
    case 'authorization':
    case 'user-token':
    case 'content-length':
    case 'transfer-encoding':
      plain.isPlain = false; // more to check, or a body
  }
}

/** To be read before the next call. null: without one queue token, or with a header that changes what is checked. */
export function plainHeadersOf(req: Pick<HttpRequest, 'forEach'>): Readonly<PlainHeaders> | null {
  plain.queueToken = plain.ifNoneMatch = plain.requestId = plain.origin = '';
  plain.isPlain = true;
  req.forEach(lookAt);
  return plain.isPlain && plain.queueToken !== '' ? plain : null;
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
