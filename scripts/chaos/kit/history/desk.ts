/**
 * How a fan's wish becomes calls, all of them recorded: some connections are cut before the answer, some requests are
 * sent to two servers at once. What has no answer is repeated, with its key, until it has one.
 */
import { randomUUID } from 'node:crypto';
import type { Asked, Body, Call } from './call.ts';
import type { Lanes, Request } from './lanes.ts';
import type { Dice } from '../random.ts';

export interface Caller {
  userId: string;
  accessToken: string;
  /** of the present place */
  queueToken: string;
}

export interface Desk {
  readonly calls: Call[];
  /** The answer, or status 0 where none came in all attempts. */
  ask(caller: Caller, asked: Asked): Promise<{ status: number; body: Body }>;
}

export interface DeskOptions {
  lanes: Lanes;
  servers: number;
  concertId: string;
  random: Dice;
}

const CUT = 0.02;
const CUT_AFTER_MAX_MS = 4;
const TWIN = 0.06;
const OTHER_KEY = 0.5;
const ATTEMPTS = 20;
/** With a key, or safe to repeat without one. */
const TWINS: ReadonlySet<Asked['kind']> = new Set(['join', 'hold', 'cancel', 'pay', 'charge', 'leave']);
const KEYED: ReadonlySet<Asked['kind']> = new Set(['join', 'hold', 'pay', 'charge']);

export function openDesk({ lanes, servers, concertId, random }: DeskOptions): Desk {
  const calls: Call[] = [];

  async function once(caller: Caller, asked: Asked, key: string | null): Promise<Call> {
    const server = random.between(0, servers - 1);
    const cutAfterMs = random.chance(CUT) ? random.between(0, CUT_AFTER_MAX_MS) : null;
    const reply = await lanes.send(server, { ...requestOf(caller, asked, { key, concertId }), cutAfterMs });
    // 5xx: unknown, too (contract, "What is promised").
    const status = reply.status >= 500 ? 0 : reply.status;
    const call = { fan: caller.userId, asked, key, server, lo: reply.lo, hi: reply.hi, status, body: reply.body };
    calls.push(call);
    return call;
  }

  async function answered(caller: Caller, asked: Asked, key: string | null): Promise<Call> {
    let call = await once(caller, asked, key);
    for (let attempt = 1; call.status === 0 && attempt < ATTEMPTS; attempt++) call = await once(caller, asked, key);
    return call;
  }

  return {
    calls,
    async ask(caller, asked) {
      const key = KEYED.has(asked.kind) ? randomUUID() : null;
      if (!TWINS.has(asked.kind) || !random.chance(TWIN)) return answered(caller, asked, key);
      // A payment may be asked for twice under two keys: it is one all the same.
      const otherKey = asked.kind === 'pay' && random.chance(OTHER_KEY) ? randomUUID() : key;
      const [first, second] = await Promise.all([answered(caller, asked, key), answered(caller, asked, otherKey)]);
      return first.status >= 200 && first.status < 300 ? first : second;
    },
  };
}

function requestOf(
  { userId, accessToken, queueToken }: Caller,
  asked: Asked,
  { key, concertId }: { key: string | null; concertId: string },
): Omit<Request, 'cutAfterMs'> {
  const headers: Record<string, string> = asked.kind === 'join' ? { authorization: `Bearer ${accessToken}` } : {};
  if (asked.kind === 'charge' || asked.kind === 'balance') headers.authorization = `Bearer ${accessToken}`;
  else if (asked.kind !== 'join') headers['queue-token'] = queueToken;
  if (key !== null) headers['idempotency-key'] = key;
  switch (asked.kind) {
    case 'join':
      return { method: 'POST', path: '/api/v1/queue', headers, body: { concertId } };
    case 'poll':
      return { method: 'GET', path: `/api/v1/queue/${asked.queueId}`, headers };
    case 'leave':
      return { method: 'DELETE', path: `/api/v1/queue/${asked.queueId}`, headers };
    case 'map':
      return { method: 'GET', path: `/api/v1/concerts/${concertId}/schedules/${asked.scheduleId}/seats`, headers };
    case 'hold': {
      const { scheduleId, seatIds } = asked;
      return { method: 'POST', path: '/api/v1/reservations', headers, body: { scheduleId, seatIds } };
    }
    case 'cancel':
      return { method: 'DELETE', path: `/api/v1/reservations/${asked.reservationId}`, headers };
    case 'reservation':
      return { method: 'GET', path: `/api/v1/reservations/${asked.reservationId}`, headers };
    case 'pay':
      return { method: 'POST', path: '/api/v1/payments', headers, body: { reservationId: asked.reservationId } };
    case 'charge':
      return { method: 'POST', path: `/api/v1/users/${userId}/balance`, headers, body: { amount: asked.amount } };
    case 'balance':
      return { method: 'GET', path: `/api/v1/users/${userId}/balance`, headers };
  }
}
