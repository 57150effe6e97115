/**
 * Very many WebSocket clients in one process on the generator's core: raw TCP, no library, since 15,000 of those would
 * cost more than the server. Told by its parent whom to connect to, and when to count.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export type ToListeners =
  | { open: { port: number; count: number; tokens: readonly string[] } }
  | { reset: true }
  | { tell: true }
  | { end: true };

export interface Heard {
  open: number;
  closed: number;
  /** frames by their type; those of the bare server are rooms too */
  frames: Record<string, number>;
  bytes: number;
  /** of each room frame that followed another on its socket: how old that other one had become, ms */
  ages: { p50: number; p99: number; max: number };
}

interface Listener {
  socket: Socket;
  rest: Buffer;
  upgraded: boolean;
  /** time of the server in its last room frame */
  told: number;
}

const CONNECTING_MAX = 200;
const listeners = new Set<Listener>();
let frames: Record<string, number> = {};
let ages: number[] = [];
let [bytes, closed] = [0, 0];

async function openAll({
  port,
  count,
  tokens,
}: {
  port: number;
  count: number;
  tokens: readonly string[];
}): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await openOne(port, tokens[next++]);
  };
  await Promise.all(Array.from({ length: CONNECTING_MAX }, lane));
}

/** Resolves at the first frame where there is a token to say, else when the socket is open. */
function openOne(port: number, token: string | undefined): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const listener: Listener = { socket, rest: Buffer.alloc(0), upgraded: false, told: 0 };
    listeners.add(listener);
    socket.on('connect', () =>
      socket.write(
        `GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
      ),
    );
    socket.on('data', (chunk) => {
      const before = listener.upgraded;
      const count = hear(listener, chunk);
      if (!before && listener.upgraded && token) say(socket, 1, JSON.stringify({ type: 'auth', token }));
      if (token ? count > 0 : listener.upgraded) resolve();
    });
    socket.on('error', () => {}); // and then it closes
    socket.on('close', () => {
      closed += listeners.delete(listener) ? 1 : 0;
      resolve();
    });
  });
}

/** A frame of a client is masked; a mask of zeros leaves its text as it is. */
function say(socket: Socket, opcode: number, text: string): void {
  const body = Buffer.from(text);
  const head = body.length < 126 ? Buffer.from([0x80 | opcode, 0x80 | body.length]) : Buffer.alloc(4);
  if (body.length >= 126) {
    head[0] = 0x80 | opcode;
    head[1] = 0x80 | 126;
    head.writeUInt16BE(body.length, 2);
  }
  socket.write(Buffer.concat([head, Buffer.alloc(4), body]));
}

/** @returns how many text frames came */
function hear(listener: Listener, chunk: Buffer): number {
  let data = listener.rest.length > 0 ? Buffer.concat([listener.rest, chunk]) : chunk;
  if (!listener.upgraded) {
    const end = data.indexOf('\r\n\r\n');
    if (end < 0) {
      listener.rest = data;
      return 0;
    }
    listener.upgraded = true;
    data = data.subarray(end + 4);
  }
  let [count, at] = [0, 0];
  while (data.length - at >= 2) {
    const short = (data[at + 1] ?? 0) & 0x7f;
    const headBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (data.length - at < headBytes) break;
    const length =
      short === 126 ? data.readUInt16BE(at + 2) : short === 127 ? Number(data.readBigUInt64BE(at + 2)) : short;
    if (data.length - at < headBytes + length) break;
    const opcode = (data[at] ?? 0) & 0x0f;
    const body = data.subarray(at + headBytes, at + headBytes + length);
    at += headBytes + length;
    if (opcode === 9) say(listener.socket, 10, body.toString('latin1'));
    if (opcode !== 1) continue;
    count++;
    bytes += headBytes + length;
    note(listener, body);
  }
  listener.rest = Buffer.from(data.subarray(at));
  return count;
}

// The same frame goes to thousands: it is read once.
let last = { text: Buffer.alloc(0), type: '', serverMs: 0 };

function note(listener: Listener, body: Buffer): void {
  if (!body.equals(last.text)) {
    const message = JSON.parse(body.toString()) as { type: string; room?: { serverTime: string } };
    last = { text: Buffer.from(body), type: message.type, serverMs: Date.parse(message.room?.serverTime ?? '') };
  }
  frames[last.type] = (frames[last.type] ?? 0) + 1;
  if (last.type !== 'room') return;
  if (listener.told > 0) ages.push(Date.now() - listener.told);
  listener.told = last.serverMs;
}

function heard(): Heard {
  ages.sort((a, b) => a - b);
  const at = (share: number) => ages[Math.floor((ages.length - 1) * share)] ?? 0;
  return {
    open: [...listeners].filter(({ upgraded }) => upgraded).length,
    closed,
    frames,
    bytes,
    ages: { p50: at(0.5), p99: at(0.99), max: at(1) },
  };
}

process.on('message', (message: ToListeners) => {
  if ('open' in message) void openAll(message.open).then(() => process.send?.(heard()));
  else if ('reset' in message) [frames, ages, bytes] = [{}, [], 0];
  else if ('tell' in message) process.send?.(heard());
  else {
    for (const { socket } of listeners) socket.resetAndDestroy();
    listeners.clear();
    process.send?.(heard());
  }
});
process.on('disconnect', () => process.exit());
