/** HTTP over a bare TCP connection, to say what no client library would: half bodies, two lengths, requests in a row. */
import { connect, type Socket } from 'node:net';
import { until } from './until.ts';

export interface RawAnswer {
  status: number;
  /** lower-case name -> value */
  headers: Record<string, string>;
  body: string;
}

export interface RawConnection {
  write(text: string | Uint8Array): void;
  /** The next answer; `head`: one that has no body whatever its headers say. */
  next(options?: { head?: boolean }): Promise<RawAnswer>;
  /** everything that came and was not yet taken by `next` */
  rest(): string;
  /** resolves when the other side has ended the connection */
  closed: Promise<void>;
  /** stops reading, as a client does that is too slow */
  pause(): void;
  resume(): void;
  destroy(): void;
}

export async function connectRaw(port: number): Promise<RawConnection> {
  const socket: Socket = connect(port, '127.0.0.1');
  let received = Buffer.alloc(0);
  const parts: Buffer[] = [];
  let ended = false;
  socket.on('data', (data) => void parts.push(Buffer.from(data)));
  // A connection that was cut off has ended, which is what tests ask about.
  socket.on('error', () => {});
  const closed = new Promise<void>((done) => {
    socket.once('close', () => {
      ended = true;
      done();
    });
  });
  await new Promise<void>((done, fail) => {
    socket.once('connect', () => done());
    socket.once('error', fail);
  });

  /** A big answer comes in thousands of parts, so they are put together only when somebody looks. */
  function gather(): Buffer {
    if (parts.length > 0) received = Buffer.concat([received, ...parts.splice(0)]);
    return received;
  }

  function take(head: boolean): RawAnswer | null {
    gather();
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const [first = '', ...lines] = received.subarray(0, end).toString('latin1').split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const length = head ? 0 : Number(headers['content-length'] ?? 0);
    const from = end + 4;
    if (received.length < from + length) return null;
    const body = received.subarray(from, from + length).toString();
    received = received.subarray(from + length);
    return { status: Number(first.split(' ')[1]), headers, body };
  }

  return {
    write: (text) => void socket.write(text),
    async next({ head = false } = {}) {
      let answer: RawAnswer | null = null;
      await until(() => {
        answer = take(head);
        if (!answer && ended)
          throw new Error(`the connection ended without an answer; it said: ${gather().toString()}`);
        return answer !== null;
      });
      return answer as unknown as RawAnswer;
    },
    rest: () => gather().toString(),
    closed,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy: () => void socket.destroy(),
  };
}

/** One request on a connection of its own. */
export async function rawCall(
  port: number,
  text: string | Uint8Array,
  options?: { head?: boolean },
): Promise<RawAnswer> {
  const connection = await connectRaw(port);
  try {
    connection.write(text);
    return await connection.next(options);
  } finally {
    connection.destroy();
  }
}
