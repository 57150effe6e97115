/**
 * HTTP over kept connections, one request at a time on each, with as little of its own as can be: the time of a call is
 * taken when its bytes are handed to the system, and when its answer has come.
 */
import { connect, type Socket } from 'node:net';
import type { WallClock } from './clock.ts';
import type { Body } from './call.ts';

export interface Request {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  headers: Record<string, string>;
  body?: object;
  /** the connection is cut so long after the request was sent; null: not */
  cutAfterMs: number | null;
}

export interface Reply {
  /** 0: none came */
  status: number;
  body: Body;
  lo: number;
  hi: number;
}

export interface Lanes {
  /** to the server with that number */
  send(server: number, request: Request): Promise<Reply>;
  close(): void;
}

const DEADLINE_MS = 10_000;
const HEAD_END = '\r\n\r\n';

interface Lane {
  socket: Socket;
  /** told of all that comes; null while nobody waits for an answer */
  onData: ((chunk: Buffer) => void) | null;
  onEnd: (() => void) | null;
}

export function openLanes(ports: readonly number[], clock: WallClock): Lanes {
  const idle = ports.map((): Lane[] => []);
  const all = new Set<Lane>();

  function open(port: number, server: number): Promise<Lane> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const lane: Lane = { socket, onData: null, onEnd: null };
    all.add(lane);
    socket.on('data', (chunk) => lane.onData?.(chunk));
    socket.on('error', () => {}); // 'close' comes after it
    socket.on('close', () => {
      all.delete(lane);
      idle[server] = (idle[server] ?? []).filter((each) => each !== lane);
      lane.onEnd?.();
    });
    return new Promise((done, fail) => {
      socket.once('connect', () => done(lane));
      socket.once('error', fail);
    });
  }

  return {
    async send(server, request) {
      const lane = idle[server]?.pop() ?? (await open(ports[server] ?? 0, server).catch(() => null));
      if (!lane) return { status: 0, body: {}, lo: clock.now(), hi: clock.now() };
      const reply = await exchange(lane, request, clock);
      if (!lane.socket.destroyed) idle[server]?.push(lane);
      return reply;
    },
    close() {
      for (const lane of all) lane.socket.destroy();
    },
  };
}

function exchange(lane: Lane, request: Request, clock: WallClock): Promise<Reply> {
  const { promise, resolve } = Promise.withResolvers<Reply>();
  const text = render(request);
  let received: Buffer = Buffer.alloc(0);
  const lo = clock.now();
  const cut = () => void lane.socket.destroy();
  const timer = setTimeout(cut, request.cutAfterMs ?? DEADLINE_MS);
  const done = (answer: { status: number; body: Body }) => {
    clearTimeout(timer);
    lane.onData = lane.onEnd = null;
    resolve({ ...answer, lo, hi: clock.now() });
  };
  lane.onEnd = () => done({ status: 0, body: {} });
  lane.onData = (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const answer = parse(received);
    if (answer) done(answer);
  };
  lane.socket.write(text);
  return promise;
}

function render({ method, path, headers, body }: Request): string {
  const json = body === undefined ? '' : JSON.stringify(body);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const ofBody = json === '' ? '' : `content-type: application/json\r\ncontent-length: ${json.length}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nhost: onsale\r\n${lines.join('')}${ofBody}\r\n${json}`;
}

/** null while it has not come to its end. */
function parse(received: Buffer): { status: number; body: Body } | null {
  const end = received.indexOf(HEAD_END);
  if (end < 0) return null;
  const head = received.toString('latin1', 0, end);
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  const from = end + HEAD_END.length;
  if (received.length < from + length) return null;
  const json = received.toString('utf8', from, from + length);
  return { status: Number(head.slice(9, 12)), body: json === '' ? {} : (JSON.parse(json) as Body) };
}
