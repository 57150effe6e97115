/** A WebSocket over a bare TCP connection, for what no client library does: answer no ping, send half a frame, read nothing. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { until } from './until.ts';

export interface RawSocket {
  /** texts so far */
  readonly texts: string[];
  /** payloads of pings so far */
  readonly pings: string[];
  /** of the close frame; 0 where the connection ended without one; null while it is open */
  code(): number | null;
  text(text: string): void;
  pong(payload: string): void;
  /** bytes as they are */
  write(bytes: Uint8Array): void;
  pause(): void;
  resume(): void;
  destroy(): void;
  closed: Promise<number>;
}

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export async function openRawSocket(port: number): Promise<RawSocket> {
  const socket = connect(port, '127.0.0.1');
  const texts: string[] = [];
  const pings: string[] = [];
  let received = Buffer.alloc(0);
  let upgraded = false;
  let code: number | null = null;
  const closed = new Promise<number>((resolve) => {
    socket.once('close', () => {
      code ??= 0;
      resolve(code);
    });
  });
  socket.on('error', () => {});
  socket.on('data', (data: Buffer) => {
    received = Buffer.concat([received, data]);
    if (!upgraded) {
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      upgraded = received.subarray(0, 12).toString() === 'HTTP/1.1 101';
      received = received.subarray(end + 4);
    }
    for (let frame = take(received); frame; frame = take(received)) {
      received = received.subarray(frame.end);
      if (frame.opcode === TEXT) texts.push(frame.payload.toString());
      if (frame.opcode === PING) pings.push(frame.payload.toString());
      if (frame.opcode === CLOSE) {
        code = frame.payload.length >= 2 ? frame.payload.readUInt16BE(0) : 1005;
        socket.end();
      }
    }
  });
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  await until(() => upgraded, { what: 'the upgrade' });
  return {
    texts,
    pings,
    closed,
    code: () => code,
    text: (text) => void socket.write(frameOf(TEXT, text)),
    pong: (payload) => void socket.write(frameOf(PONG, payload)),
    write: (bytes) => void socket.write(bytes),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy: () => void socket.destroy(),
  };
}

/** A whole frame as clients send them, masked. */
export function frameOf(opcode: number, text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const long = payload.length > 125;
  const head = Buffer.from([0x80 | opcode, 0x80 | (long ? 126 : payload.length)]);
  const length = Buffer.alloc(long ? 2 : 0);
  if (long) length.writeUInt16BE(payload.length);
  return Buffer.concat([head, length, mask, payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]);
}

function take(bytes: Buffer): { opcode: number; payload: Buffer; end: number } | null {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return null;
  const short = second & 0x7f;
  const start = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < start) return null;
  const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
  const end = start + length;
  return bytes.length < end ? null : { opcode: first & 0x0f, payload: bytes.subarray(start, end), end };
}
