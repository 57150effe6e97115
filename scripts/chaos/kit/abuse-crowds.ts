/** More of everything than a process takes: sockets that never say who they are, joins, logins. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../../src/limits.ts';
import { call } from '../../../src/testing/fan.ts';

export interface Crowd {
  what: string;
  count: number;
  outcomes: Map<string, number>;
  violations: string[];
}

const UPGRADE =
  'GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
/** Beyond those that are taken. */
const TOO_MANY = 200;
const ENDED_WITHIN_MS = LIMITS.WS_AUTH_DEADLINE_MS + 10_000;
const OPENED_AT_ONCE = 1_000;

/** More strangers than may be: the last are told 503, all are shown out in time, and then there is room again. */
export async function strangers(port: number): Promise<Crowd> {
  const count = LIMITS.WS_STRANGERS_MAX + TOO_MANY;
  const [outcomes, violations]: [Map<string, number>, string[]] = [new Map(), []];
  const sockets: Socket[] = [];
  let [open, taken, most] = [0, 0, 0];
  const enter = (): Promise<void> =>
    new Promise((told) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(UPGRADE));
      sockets.push(socket);
      open += 1;
      socket.once('data', (data) => {
        const status = data.subarray(9, 12).toString();
        outcomes.set(status, (outcomes.get(status) ?? 0) + 1);
        if (status === '101') {
          taken += 1;
          most = Math.max(most, taken);
          socket.once('close', () => void (taken -= 1));
        }
        told();
      });
      socket.on('error', () => {});
      socket.on('end', () => socket.end());
      socket.once('close', () => {
        open -= 1;
        told();
      });
    });
  while (sockets.length < count)
    await Promise.all(Array.from({ length: Math.min(OPENED_AT_ONCE, count - sockets.length) }, enter));
  const others = [...outcomes.keys()].filter((status) => status !== '101' && status !== '503');
  if (others.length > 0) violations.push(`an upgrade was answered ${others.join()}`);
  if (most > LIMITS.WS_STRANGERS_MAX) violations.push(`${most} strangers were taken at once`);
  const until = performance.now() + ENDED_WITHIN_MS;
  while (open > 0 && performance.now() < until) await sleep(50);
  if (open > 0) violations.push(`${open} strangers are still there after ${ENDED_WITHIN_MS} ms`);
  for (const socket of sockets) socket.destroy();
  return { what: 'strangers on sockets', count, outcomes, violations };
}

/** One user who joins, and one address that logs in, as often as they can: one place, and refusals of the table. */
export async function floods(
  url: string,
  { bearer, concertId, count }: { bearer: string; concertId: string; count: number },
): Promise<Crowd> {
  const [outcomes, violations]: [Map<string, number>, string[]] = [new Map(), []];
  const flood = (path: string, options: Parameters<typeof call>[2]) =>
    Array.from({ length: count }, async () => {
      const { status, body } = await call(url, path, options);
      const outcome = status < 300 ? String(status) : String(body?.code);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    });
  const login = { email: 'nobody@example.com', password: 'not the password' };
  await Promise.all([
    ...flood('/api/v1/queue', { bearer, body: { concertId } }),
    ...flood('/api/v1/auth/login', { body: login }),
  ]);
  const expected = new Set(['201', 'ALREADY_QUEUED', 'RATE_LIMITED', 'INVALID_CREDENTIALS', 'UNAVAILABLE']);
  for (const [outcome, times] of outcomes)
    if (!expected.has(outcome)) violations.push(`a flood was answered ${outcome}, ${times} times`);
  if ((outcomes.get('201') ?? 0) !== 1) violations.push(`one user has ${outcomes.get('201') ?? 0} places of a flood`);
  return { what: 'joins and logins', count: 2 * count, outcomes, violations };
}
