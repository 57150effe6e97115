/** An answer as uWebSockets.js takes it with the fewest calls. */
import { STATUS_CODES } from 'node:http';
import type { HttpResponse } from 'uWebSockets.js';
import type { HttpAnswer } from './exchange.ts';

const LINES: ReadonlyMap<number, string> = new Map(
  Object.entries(STATUS_CODES).map(([status, reason]) => [Number(status), `${status} ${reason}`]),
);

/** `201 Created` */
function statusLine(status: number): string {
  return LINES.get(status) ?? `${status} `;
}

/** Status and headers. */
export function writeHead(res: HttpResponse, { status, headers }: HttpAnswer): void {
  if (status !== 200) res.writeStatus(statusLine(status));
  // All lines in one call, as the value of the first.
  if (headers !== '') res.writeHeader('Cache-Control', headers);
}

/** Tries to send a whole body after its head. False: its answer is still owed, and the rest of it waits for a reader. */
export function isTaken(res: HttpResponse, body: string | Uint8Array): boolean {
  const [, done] = res.tryEnd(body, typeof body === 'string' ? Buffer.byteLength(body) : body.length);
  return done;
}

/** All of it. `ends`: the connection too. `withoutBody`: its length is told all the same. */
export function send(
  res: HttpResponse,
  answer: HttpAnswer,
  { ends, withoutBody }: { ends: boolean; withoutBody: boolean } = { ends: false, withoutBody: false },
): void {
  writeHead(res, answer);
  const { body } = answer;
  // No length can be left out only where nothing else is said: uWS takes an undefined one for 2^63.
  if (body === null && !ends) res.endWithoutBody();
  else if (body === null) res.end('', true);
  else if (withoutBody) res.endWithoutBody(Buffer.byteLength(body), ends);
  else res.end(body, ends);
}
