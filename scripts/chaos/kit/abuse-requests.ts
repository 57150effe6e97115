/** Requests that nobody should send, by grammar and by accident. Each generator draws from the dice alone. */
import type { Dice } from './random.ts';

/** What the generators build on: credentials of people who are there. */
export interface Victim {
  userId: string;
  bearer: string;
  /** of an ACTIVE place in `concertId` */
  active: string;
  /** of a place that waits in another room */
  waiting: string;
  concertId: string;
  scheduleId: string;
  operatorKey: string;
}

export interface Attack {
  family: string;
  pieces: Uint8Array[];
  head: boolean;
}

/** X-Request-Id of the request that hides behind another: an answer that carries it is a request smuggled. */
export const SMUGGLED = 'smuggled-0123456789';

export const line = (name: string, value: string) => `${name}: ${value}\r\n`;
export const request = (start: string, headers: string, body = '') =>
  `${start} HTTP/1.1\r\nHost: a\r\n${headers}\r\n${body}`;
const hidden = request('GET /healthz', line('X-Request-Id', SMUGGLED));
export const bytes = (text: string) => Buffer.from(text, 'latin1');
export const attack = (family: string, text: string | Uint8Array, more: Partial<Attack> = {}): Attack => ({
  family,
  pieces: [typeof text === 'string' ? bytes(text) : text],
  head: false,
  ...more,
});

/** Two readers of these could see two requests where one is, or one where two are. */
const LENGTHS = [
  '',
  '0',
  '5',
  '5,5',
  '5, 6',
  '+5',
  '-5',
  '0x5',
  '5 5',
  '5;',
  '05',
  '1e1',
  '4294967301',
  '9'.repeat(30),
];
const ENCODINGS = [
  '',
  'chunked',
  'Chunked',
  'gzip, chunked',
  'chunked, chunked',
  'identity',
  'xchunked',
  'chunked;a=b',
];

export function framing(random: Dice): Attack {
  const fields = Array.from({ length: random.between(1, 3) }, () =>
    random.chance(0.6)
      ? line(
          random.pick(['Content-Length', 'content-length', 'CONTENT-LENGTH']),
          random.pick([...LENGTHS, String(hidden.length)]),
        )
      : line('Transfer-Encoding', random.pick(ENCODINGS)),
  );
  const start = random.pick(['GET /healthz', 'GET /api/v1/queue', 'POST /api/v1/users', 'POST /nope']);
  const chunk = random.pick(['0\r\n\r\n', '5\r\nabcde\r\n0\r\n\r\n', 'zz\r\n\r\n', '5;x=y\r\nabcde\r\n0\r\n\r\n', '']);
  return attack('framing', request(start, fields.join(''), chunk + (random.chance(0.7) ? hidden : 'abcde')));
}

// biome-ignore format: a list
const METHODS = [
  'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'BREW', 'get', 'CONNECT', 'PRI',
  'M'.repeat(300),
];
// biome-ignore format: a list
const SEGMENTS = [
  'api', 'v1', 'queue', 'concerts', 'users', 'seats', 'schedules', 'reservations', 'payments', 'admin', 'audit',
  'docs', 'healthz', 'ws',
];
// biome-ignore format: a list
const ODD = [
  '', '.', '..', '%2e%2e', '%2F', '%00', '%', '%zz', '%ff%fe', '%c0%af', '%ed%a0%80', '%F0%9F%8E%AB', '{c:x}', '*',
  ':', '\xff\xfe', '__proto__', 'a'.repeat(3_000), '~', ';x=1', '%0d%0aX: y',
];
// biome-ignore format: a list
const QUERIES = [
  '', '?', '?limit=', '?limit=1e9', '?limit=-1', '?limit=5&limit=6', '?cursor=%00', '?cursor=%ff', '?%',
  '?__proto__=1', '?a[b]=c', `?${'a=b&'.repeat(2_000)}`, '?status=AVAILABLE', '?date=9999-99-99', '?dryRun=TRUE',
  '#x',
];
// biome-ignore format: a list
const FIELDS = [
  'Authorization', 'Queue-Token', 'USER-TOKEN', 'Idempotency-Key', 'If-None-Match', 'X-Request-Id',
  'X-Forwarded-For', 'Origin', 'Content-Type', 'Accept-Encoding', 'Expect', 'Upgrade', 'Connection', 'Cookie', 'X-A',
];
// biome-ignore format: a list
const VALUES = [
  '', ' ', 'Bearer', 'Bearer ', 'bearer x y', ',', '"', 'W/"x"', '*', '100-continue', 'close', 'websocket', 'h2c',
  '\xff', '\x01', '\t', 'a'.repeat(5_000), '${jndi:x}', 'null', '[', "';--",
];

/** Start lines, paths, queries and headers. */
export function heads(random: Dice, victim: Victim): Attack {
  const segments = Array.from({ length: random.between(0, 6) }, () =>
    random.pick(random.chance(0.75) ? SEGMENTS : ODD),
  );
  const form = random.pick(['', '', '', '', '', 'http://a', '//a', '\\', ' ']);
  const method = random.pick(METHODS);
  const target = `${form}/${segments.join('/')}${random.pick(QUERIES)}`;
  const version = random.pick(['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTP/1.1', '']);
  const many = random.chance(0.05) ? 400 : random.between(0, 5);
  const fields = Array.from({ length: many }, () =>
    line(random.pick(FIELDS), random.pick([...VALUES, victim.active, `Bearer ${victim.bearer}`])),
  );
  const breaks = random.chance(0.9) ? '\r\n' : random.pick(['\n', '\r', '\r\n ', '\0']);
  return attack('heads', `${method} ${target} ${version}${breaks}Host: a\r\n${fields.join('')}\r\n`, {
    head: method === 'HEAD',
  });
}

/** Many at once on one connection: none may get more than its share of the process. */
export function rows(random: Dice, victim: Victim): Attack {
  const one = random.pick([
    ...['/metrics', '/openapi.json', '/docs', '/healthz', '/nope', '/api/v1/concerts', '/ws'].map((path) =>
      request(`GET ${path}`, ''),
    ),
    request(
      `GET /api/v1/concerts/${victim.concertId}/schedules/${victim.scheduleId}/seats`,
      line('Queue-Token', victim.active),
    ),
    request('POST /api/v1/users', 'Content-Length: 2\r\n', '{}'),
  ]);
  return attack('rows', one.repeat(Math.ceil(400_000 / one.length)));
}
