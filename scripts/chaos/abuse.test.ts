/** What the case calls a violation is one: answers as a broken server would give them. */
import { createServer } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { createTokens } from '../../src/auth/tokens.ts';
import { framing, SMUGGLED } from './kit/abuse-requests.ts';
import { forge } from './kit/abuse-tokens.ts';
import { judge, say } from './kit/abuse-wire.ts';
import { dice } from './kit/random.ts';

/** Says the same to everybody. */
let says = '';
const ends = { connection: false };
const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => (ends.connection ? socket.end(says) : socket.write(says)));
});
const port = await new Promise<number>((done) => {
  server.listen(0, '127.0.0.1', () => done((server.address() as { port: number }).port));
});
afterAll(() => server.close());

const answer = (status: number, body: object | string, more = 'Content-Type: application/problem+json\r\n') => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return `HTTP/1.1 ${status} X\r\n${more}Content-Length: ${text.length}\r\n\r\n${text}`;
};
const parser = 'HTTP/1.1 400 X\r\nConnection: close\r\n\r\n<i>uWebSockets/20 Server</i>';

test.each<[string, string, boolean, string | null]>([
  ['a success', answer(200, {}), false, null],
  ['a refusal of the table', answer(404, { code: 'NOT_FOUND' }), false, null],
  ['the parser, and the end', parser, true, null],
  ['the end alone', '', true, null],
  ['100, then a refusal', `HTTP/1.1 100 Continue\r\n\r\n${answer(404, { code: 'NOT_FOUND' })}`, false, null],
  ['a fault', answer(500, { code: 'INTERNAL' }), false, 'a fault'],
  ['a code that is not there', answer(400, { code: 'NOPE' }), false, 'not of the table'],
  ['a code of the prototype', answer(400, { code: 'toString' }), false, 'not of the table'],
  ['another status', answer(400, { code: 'NOT_FOUND' }), false, 'not of the table'],
  ['another type', answer(404, { code: 'NOT_FOUND' }, ''), false, 'not of the table'],
  ['429 without Retry-After', answer(429, { code: 'RATE_LIMITED' }), false, 'not of the table'],
  ['no JSON', answer(400, 'oops'), false, 'no problem+json'],
])('%s', async (_, text, connectionEnds, violation) => {
  [says, ends.connection] = [text, connectionEnds];
  const judged = judge(await say(port, [Buffer.from('GET / HTTP/1.1\r\n\r\n')]));
  if (violation === null) expect(judged.violation).toBeNull();
  else expect(judged.violation).toContain(violation);
});

test('silence is a violation, and a connection that outlives what the parser says', () => {
  expect(judge({ answers: [], closed: false, ms: 20_000 }).violation).toContain('no answer');
  const answers = [{ status: 400, headers: {}, body: '<i>uWebSockets/20 Server</i>' }];
  expect(judge({ answers, closed: false, ms: 5_000 }).violation).toContain('lives on');
});

test('every forged token is refused, and the good one is not', async () => {
  const secret = 'a secret that is long enough for this';
  const tokens = createTokens({ jwtSecrets: [secret] });
  const claims = { queueId: 'q', userId: 'u', concertId: 'c', epoch: 'e', sequence: 1, joinedAtMs: 1 };
  const [access, queue] = [tokens.signAccess('u'), tokens.signQueue(claims)];
  expect([await tokens.verifyAccess(access), await tokens.verifyQueue(queue)]).not.toContain(null);
  const random = dice(1);
  for (let i = 0; i < 500; i++) {
    const forged = forge(random, queue, secret);
    expect([forged.what, await tokens.verifyQueue(forged.token)]).toEqual([forged.what, null]);
    const other = forge(random, access, secret);
    expect([other.what, await tokens.verifyAccess(other.token)]).toEqual([other.what, null]);
  }
});

test('the same seed makes the same requests; some hide another', () => {
  const made = (seed: number) => {
    const random = dice(seed);
    return Array.from({ length: 50 }, () => Buffer.concat(framing(random).pieces).toString('latin1'));
  };
  expect(made(3)).toEqual(made(3));
  expect(made(3)).not.toEqual(made(4));
  expect(made(3).some((text) => text.includes(SMUGGLED))).toBe(true);
});
