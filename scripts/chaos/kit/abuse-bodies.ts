/** Bodies that no call takes, and good requests to which something happened. */
import { attack, type Attack, bytes, line, request, type Victim } from './abuse-requests.ts';
import type { Dice } from './random.ts';

/** JSON that no schema asks for, or a reader may stumble over. */
// biome-ignore format: a list
const NASTY = [
  '', 'null', 'true', '0', '-0', '-1', '1.5', '1e400', '-1e400', '9007199254740993', '1'.repeat(400), '""', '" "',
  '"\\u0000"', '"\\ud800"', '"__proto__"', '"constructor"', `"${'x'.repeat(5_000)}"`, '"é\u0301"', '"A-1-1"',
  '"../.."', '"{c:x}"', '"rsv_"', '[]', '{}', '[[]]', '["A-1-1","A-1-1"]', '['.repeat(30_000),
  `${'['.repeat(5_000)}${']'.repeat(5_000)}`, `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`,
  `[${'1,'.repeat(30_000)}1]`, `[${'{},'.repeat(20_000)}1]`,
  `[${Array.from({ length: 8_000 }, (_, i) => `"${i}"`).join()}]`,
  `{${Array.from({ length: 5_000 }, (_, i) => `"k${i}":${i}`).join()}}`, '{"__proto__":{"a":1}}', '{"toString":1}',
  '{"a":1,"a":2}', '{,}', "{'a':1}", 'NaN', '/**/1', '01', '\u2028',
];
// biome-ignore format: a list
const MEMBERS = [
  'email', 'password', 'name', 'concertId', 'scheduleId', 'seatIds', 'reservationId', 'amount', 'title', 'schedules',
  'room', 'state', 'opensAt', 'capacity', 'nope', '__proto__', '',
];
const ENCODERS: Record<string, (text: string) => Uint8Array> = {
  'utf-8': (text) => Buffer.from(text),
  'with a BOM': (text) => Buffer.from(`\ufeff${text}`),
  'utf-16': (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  latin1: (text) => Buffer.from(`${text.slice(0, -1)}\xe9"}`, 'latin1'),
  overlong: (text) => Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xc0, 0xaf, 0x7d])]),
  surrogates: (text) => Buffer.concat([Buffer.from('"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from(text)]),
  NULs: (text) => Buffer.concat([Buffer.from(text), Buffer.alloc(8)]),
};
// biome-ignore format: a list
const TYPES = [
  'application/json', 'application/json', 'application/json', 'text/plain', 'application/json; charset=utf-16',
  `application/json${' '.repeat(4_000)}x`, '',
];

/** Calls that change something, with a body of accidents: no amount of it is a good one. */
export function bodies(random: Dice, victim: Victim): Attack {
  const calls = [
    'POST /api/v1/users',
    'POST /api/v1/auth/login',
    'POST /api/v1/queue',
    'POST /api/v1/reservations',
    'POST /api/v1/payments',
    `POST /api/v1/users/${victim.userId}/balance`,
    'PATCH /api/v1/admin/concerts/nope/room',
    'PUT /api/v1/admin/concerts/nope',
    'DELETE /api/v1/reservations/rsv_nope',
    'POST /api/v1/admin/concerts/nope/room/reset',
  ];
  const members = Array.from({ length: random.between(0, 4) }, () => `"${random.pick(MEMBERS)}":${random.pick(NASTY)}`);
  const text = random.chance(0.2) ? random.pick(NASTY) : `{${members.join()}}`;
  const body = ENCODERS[random.chance(0.7) ? 'utf-8' : random.pick(Object.keys(ENCODERS))]?.(text) ?? Buffer.alloc(0);
  const start = random.pick(calls);
  const fields = [
    line('Authorization', `Bearer ${start.includes('/admin/') ? victim.operatorKey : victim.bearer}`),
    ...(start.includes('/admin/') ? [] : [line('Queue-Token', victim.active)]),
    line('Content-Type', random.pick(TYPES)),
    line('Content-Length', String(body.length)),
    ...(random.chance(0.3) ? [line('Idempotency-Key', random.pick(['', 'k', 'k'.repeat(129), 'é', 'a b']))] : []),
  ];
  const whole = Buffer.concat([Buffer.from(request(start, fields.join(''))), body]);
  return attack('bodies', whole, { pieces: random.chance(0.2) ? cut(random, whole) : [whole] });
}

/** A good request, with bytes changed, lost, doubled or put in; sent in pieces, or not to its end. */
export function accidents(random: Dice, victim: Victim): Attack {
  const good = random.pick([
    request(
      `GET /api/v1/concerts/${victim.concertId}/schedules/${victim.scheduleId}/seats`,
      line('Queue-Token', victim.active),
    ),
    request('GET /api/v1/queue', line('Queue-Token', victim.waiting)),
    request(
      `GET /api/v1/users/${victim.userId}/balance/history?limit=5`,
      line('Authorization', `Bearer ${victim.bearer}`),
    ),
    request(
      'POST /api/v1/payments',
      `${line('Queue-Token', victim.active)}Content-Length: 28\r\n`,
      '{"reservationId":"rsv_nope"}',
    ),
    request(
      'GET /ws',
      'Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n',
    ),
  ]);
  let whole = bytes(good);
  for (let changes = random.between(1, 4); changes > 0; changes--) {
    const at = random.between(0, whole.length);
    const put = bytes(
      random.pick(['', '\0', '\r\n', '\n', ' ', ':', '\xff', String.fromCharCode(random.between(0, 255))]),
    );
    whole = Buffer.concat([whole.subarray(0, at), put, whole.subarray(at + random.between(0, 2))]);
  }
  if (random.chance(0.05)) whole = whole.subarray(0, random.between(1, whole.length));
  return attack('accidents', whole, { pieces: random.chance(0.3) ? cut(random, whole) : [whole] });
}

function cut(random: Dice, whole: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < whole.length; ) {
    const next = Math.min(whole.length, at + random.between(1, Math.max(1, Math.ceil(whole.length / 3))));
    pieces.push(whole.subarray(at, next));
    at = next;
  }
  return pieces;
}
