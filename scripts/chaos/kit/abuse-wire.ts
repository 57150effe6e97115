/** Says bytes to a port and hears what comes back; and the judge of that: refusals of the table, or an end. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, type ErrorCode } from '../../../src/errors.ts';

export interface Heard {
  answers: { status: number; headers: Record<string, string>; body: string }[];
  /** the other side ended the connection */
  closed: boolean;
  ms: number;
}

/** A body may take 10 s; the rest is for a busy machine. */
const HUNG_MS = 20_000;
/** What else comes after the first answer comes at once; an end that it tells of may take a moment more. */
const LISTEN_ON_MS = 25;
const END_MS = 5_000;
const BETWEEN_PIECES_MS = 5;
/** What waits for more gets it, past the 16 KiB of a head: silence is another case (slow-client), and uWebSockets.js suffers it for half a minute. */
const NUDGE_MS = 1_000;
const NUDGE = `\r\n\r\n${'x'.repeat(17_000)}\r\n\r\n`;

/** Until an answer and what came right behind it, the end of the connection, or the time in which one had to come. */
export async function say(port: number, pieces: readonly Uint8Array[], { head = false } = {}): Promise<Heard> {
  const started = performance.now();
  const socket = connect(port, '127.0.0.1');
  const parts: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  let closed = false;
  let first = true;
  socket.on('data', (data) => {
    parts.push(data);
    const [answer] = first ? take(Buffer.concat(parts), head) : [];
    if (!answer) return;
    first = false;
    setTimeout(resolve, answer.headers.connection === 'close' ? END_MS : LISTEN_ON_MS);
  });
  socket.on('error', () => {}); // a connection that was cut has ended
  socket.once('close', () => {
    closed = true;
    resolve();
  });
  const timer = setTimeout(resolve, HUNG_MS);
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await sleep(BETWEEN_PIECES_MS);
    if (!socket.writable) break;
    socket.write(piece);
  }
  const nudges = setInterval(() => first && socket.writable && socket.write(NUDGE), NUDGE_MS);
  await promise;
  clearTimeout(timer);
  clearInterval(nudges);
  socket.destroy();
  return { answers: take(Buffer.concat(parts), head), closed, ms: performance.now() - started };
}

/** The whole answers in it; `head`: none has a body, whatever its headers say. */
function take(received: Buffer, head: boolean): Heard['answers'] {
  const answers: Heard['answers'] = [];
  for (let at = 0; ; ) {
    const end = received.indexOf('\r\n\r\n', at);
    if (end < 0) return answers;
    const [first = '', ...lines] = received.subarray(at, end).toString('latin1').split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const status = Number(first.split(' ')[1]);
    const length = head || status < 200 || status === 204 || status === 304 ? 0 : headers['content-length'];
    // The parser's own answers tell no length: they end with the connection.
    const until = length === undefined ? received.length : end + 4 + Number(length);
    if (until > received.length) return answers;
    if (status !== 100) answers.push({ status, headers, body: received.subarray(end + 4, until).toString() });
    at = until;
  }
}

/** Of uWebSockets.js itself, where it can make no request of the bytes; the connection ends with them. */
const PARSER = new Set([400, 431, 505]);

/** What came of it, for the counts: `taken`, `cut`, a code of the table, `parser 400` … */
export interface Judged {
  outcome: string;
  violation: string | null;
}

export function judge({ answers, closed, ms }: Heard, { head = false } = {}): Judged {
  const [answer] = answers;
  if (!answer)
    return closed
      ? { outcome: 'cut', violation: null }
      : { outcome: 'hung', violation: `no answer within ${Math.round(ms)} ms` };
  if (answer.status < 400) return { outcome: 'taken', violation: null };
  if (PARSER.has(answer.status) && answer.body.includes('uWebSockets')) {
    const outcome = `parser ${answer.status}`;
    return { outcome, violation: closed ? null : `${outcome} and the connection lives on` };
  }
  // A HEAD tells no code.
  if (head) return { outcome: `HEAD ${answer.status}`, violation: answer.status === 500 ? 'HEAD 500' : null };
  return judgeProblem(answer);
}

function judgeProblem({ status, headers, body }: Heard['answers'][number]): Judged {
  const told = `${status} ${body.slice(0, 200)}`;
  let code = '';
  try {
    code = String((JSON.parse(body) as { code?: unknown }).code);
  } catch {
    return { outcome: 'no problem', violation: `no problem+json: ${told}` };
  }
  const row = Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : null;
  const fits = row?.status === status && headers['content-type'] === 'application/problem+json';
  const waits = status !== 429 && status !== 503 ? true : Number(headers['retry-after']) >= 1;
  const violation = !fits || !waits ? `not of the table: ${told}` : code === 'INTERNAL' ? `a fault: ${told}` : null;
  return { outcome: code, violation };
}
