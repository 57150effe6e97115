/** A client of the public contract, as a stranger would write it: HTTP by fetch, push by a WebSocket. */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { OPERATOR_KEY } from './system.ts';
import { until } from './until.ts';

export interface Answer {
  status: number;
  headers: Headers;
  // The contract is what is tested here: bodies are looked at member by member.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

export interface CallOptions {
  method?: string;
  body?: unknown;
  /** `Authorization: Bearer …` */
  bearer?: string;
  /** `Queue-Token: …` */
  queue?: string;
  headers?: Record<string, string>;
}

/** One call; JSON both ways. */
export async function call(
  url: string,
  path: string,
  { method, body, bearer, queue, headers = {} }: CallOptions = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
      ...(queue ? { 'queue-token': queue } : {}),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? null : parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function operatorCall(url: string, path: string, options: CallOptions = {}): Promise<Answer> {
  return call(url, `/api/v1/admin${path}`, { bearer: OPERATOR_KEY, ...options });
}

/** A concert as small as a test wants it. */
export function concertInput({
  seats = 50,
  schedules = ['d1'],
  price = 1000,
  seatLimit = 4,
  holdSeconds = 300,
  room = {},
}: {
  seats?: number;
  schedules?: string[];
  price?: number;
  seatLimit?: number;
  holdSeconds?: number;
  room?: Record<string, unknown>;
} = {}) {
  return {
    title: 'A night',
    venue: 'A hall',
    timeZone: 'Asia/Seoul',
    seatLimit,
    holdSeconds,
    schedules: schedules.map((scheduleId, day) => ({
      scheduleId,
      startsAt: `2027-12-2${day}T19:00:00+09:00`,
      sections: [{ section: 'A', price, rows: [{ row: '1', seats }] }],
    })),
    room: { state: 'OPEN', capacity: 1000, admitPerSecond: 10_000, ...room },
  };
}

export async function putConcert(url: string, concertId: string, input: object): Promise<Answer> {
  return operatorCall(url, `/concerts/${concertId}`, { method: 'PUT', body: input });
}

export interface Fan {
  userId: string;
  email: string;
  accessToken: string;
}

/** Signs up and logs in. */
export async function newFan(url: string): Promise<Fan> {
  const email = `${randomUUID()}@example.com`;
  const password = 'correct horse battery';
  const created = await call(url, '/api/v1/users', { body: { email, password } });
  if (created.status !== 201) throw new Error(`sign-up: ${created.status} ${JSON.stringify(created.body)}`);
  const login = await call(url, '/api/v1/auth/login', { body: { email, password } });
  if (login.status !== 200) throw new Error(`login: ${login.status} ${JSON.stringify(login.body)}`);
  return { userId: login.body.userId, email, accessToken: login.body.accessToken };
}

/** Many fans, a few at once: passwords are checked two at a time, and beyond a short queue sign-ups get 503. */
export async function newFans(url: string, count: number): Promise<Fan[]> {
  const fans: Fan[] = [];
  while (fans.length < count) {
    const some = Math.min(20, count - fans.length);
    fans.push(...(await Promise.all(Array.from({ length: some }, () => newFan(url)))));
  }
  return fans;
}

/** Joins and waits, by polling, until the place is ACTIVE. Answers its queue token and id. */
export async function enter(url: string, fan: Fan, concertId: string): Promise<{ token: string; queueId: string }> {
  const joined = await call(url, '/api/v1/queue', { body: { concertId }, bearer: fan.accessToken });
  if (joined.status !== 201) throw new Error(`join: ${joined.status} ${JSON.stringify(joined.body)}`);
  const { token, queueId } = joined.body;
  await until(async () => (await call(url, `/api/v1/queue/${queueId}`, { queue: token })).body.status === 'ACTIVE', {
    everyMs: 150,
  });
  return { token, queueId };
}

export interface Socket {
  readonly messages: { type: string; [member: string]: unknown }[];
  /** resolves with the first message, past or to come, that fits */
  next(fits: (message: Socket['messages'][number]) => boolean, timeoutMs?: number): Promise<Socket['messages'][number]>;
  send(message: object | string): void;
  /** resolves with the close code */
  readonly closed: Promise<number>;
  close(): Promise<void>;
  readonly raw: WebSocket;
}

/** Opens a socket; with a token, authenticates on it. */
export async function openSocket(url: string, token?: string, headers: Record<string, string> = {}): Promise<Socket> {
  const raw = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers });
  const messages: Socket['messages'] = [];
  const closed = new Promise<number>((resolve) => raw.once('close', (code) => resolve(code)));
  raw.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString('utf8'))));
  await new Promise<void>((resolve, reject) => {
    raw.once('open', () => resolve());
    raw.once('error', reject);
  });
  raw.on('error', () => {});
  const socket: Socket = {
    raw,
    messages,
    closed,
    send: (message) => raw.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next(fits, timeoutMs = 8_000) {
      await until(() => messages.some(fits), { timeoutMs, what: 'a message that fits' });
      const found = messages.find(fits);
      if (!found) throw new Error('gone');
      return found;
    },
    async close() {
      raw.close();
      await closed;
    },
  };
  if (token) socket.send({ type: 'auth', token });
  return socket;
}
