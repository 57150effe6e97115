// A proxy between a test and a server, to play the network: replies that are lost after the request took effect, halves
// of requests and replies, cut connections, slow and silent ones, an address that takes none.
import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface Exchange {
  /** What the client sent on this connection since the last reply. */
  request: Buffer;
  /** What the server answered: one chunk as it came, which is one reply where the client waits for each. */
  reply: Buffer;
}

export type Way = 'request' | 'reply';

/** What becomes of what one side sent in one piece. */
export interface Fate {
  /** So many bytes of it pass as ever … */
  passBytes: number;
  /** … and then the rest comes late; or both sides are reset; or nothing passes any more while both stay open. */
  next: { lateMs: number } | 'reset' | 'silence';
}

/** null: it passes as ever */
export type FateOf = (piece: { way: Way; bytes: Buffer }) => Fate | null;

export interface TcpProxy {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** How many replies were swallowed so far. */
  readonly dropped: number;
  /** The server gets the next request; its reply is swallowed and that connection reset. */
  dropNextReply(): void;
  /** The same for every exchange that matches, until called with undefined. */
  dropRepliesMatching(matches: ((exchange: Exchange) => boolean) | undefined): void;
  /** Decides from now on about every piece, in either direction, until called with undefined. */
  decide(fateOf: FateOf | undefined): void;
  /** Resets all connections that are open now. */
  cut(): void;
  /** Holds back every reply from now on for that long; 0 ends it. None overtakes one before it on its connection. */
  delay(ms: number): void;
  /** Whether new connections are reset at once; the open ones go on. */
  refuse(on: boolean): void;
  stop(): Promise<void>;
}

/** What the test has asked of the network. */
interface Weather {
  dropNext: boolean;
  shouldDrop: ((exchange: Exchange) => boolean) | undefined;
  fateOf: FateOf | undefined;
  delayMs: number;
  refusing: boolean;
  dropped: number;
}

interface Pair {
  client: Socket;
  upstream: Socket;
  /** nothing passes any more, and neither side is told */
  silent: boolean;
}

/** Long enough for the other side to read what came before the reset; a reset throws away what was not read. */
const READ_BEFORE_RESET_MS = 20;
const LOST: Fate = { passBytes: 0, next: 'reset' };

function reset({ client, upstream }: Pair): void {
  for (const socket of [client, upstream]) end(socket);
}

const ended = new WeakSet<Socket>();

/**
 * A reset, once; not of one that is being ended already, by a reset before or otherwise: libuv resets none of those, and
 * Node then keeps its handle for ever.
 */
function end(socket: Socket): void {
  if (ended.has(socket)) return;
  ended.add(socket);
  if (socket.writableEnded || socket.writableLength > 0) socket.destroy();
  else socket.resetAndDestroy();
}

function forward(pair: Pair, weather: Weather): void {
  const { client, upstream } = pair;
  let request = Buffer.alloc(0);
  for (const socket of [client, upstream]) {
    socket.setNoDelay(true);
    socket.on('error', () => reset(pair));
    socket.on('close', () => reset(pair));
  }
  const toUpstream = createDelayLine(pair, upstream);
  const toClient = createDelayLine(pair, client);
  client.on('data', (bytes: Buffer) => {
    request = Buffer.concat([request, bytes]);
    toUpstream.send(bytes, weather.fateOf?.({ way: 'request', bytes }));
  });
  client.on('end', () => toUpstream.send(null));
  upstream.on('data', (reply: Buffer) => {
    const exchange = { request, reply };
    request = Buffer.alloc(0);
    if (weather.dropNext || weather.shouldDrop?.(exchange)) {
      weather.dropNext = false;
      weather.dropped++;
      toClient.send(reply, LOST);
    } else {
      const fate = weather.fateOf?.({ way: 'reply', bytes: reply });
      toClient.send(reply, fate ?? { passBytes: 0, next: { lateMs: weather.delayMs } });
    }
  });
  upstream.on('end', () => toClient.send(null));
}

/** Pieces for one side of a connection, each held back for its time and until those before it are out; null is the end. */
function createDelayLine(pair: Pair, socket: Socket) {
  type Held = { chunk: Buffer | null; dueMs: number };
  const held: Held[] = [];

  function release(): void {
    for (let next = held[0]; next; next = held[0]) {
      const earlyMs = next.dueMs - performance.now();
      if (earlyMs > 0) return void setTimeout(release, earlyMs).unref();
      held.shift();
      if (!socket.writable || pair.silent) continue;
      if (next.chunk) socket.write(next.chunk);
      else socket.end();
    }
  }

  function hold(chunk: Buffer | null, lateMs: number): void {
    held.push({ chunk, dueMs: performance.now() + lateMs });
    // With others before it, their timer lets it go.
    if (held.length === 1) release();
  }

  return {
    send(piece: Buffer | null, fate?: Fate | null): void {
      if (pair.silent) return;
      if (!piece || !fate) return hold(piece, 0);
      const { passBytes, next } = fate;
      if (passBytes > 0) hold(piece.subarray(0, passBytes), 0);
      if (typeof next === 'object') return hold(piece.subarray(passBytes), next.lateMs);
      pair.silent = true;
      if (next === 'silence') return;
      if (passBytes === 0) reset(pair);
      else setTimeout(() => reset(pair), READ_BEFORE_RESET_MS).unref();
    },
  };
}

/** @param target the server's port on 127.0.0.1, or host and port */
export async function startProxy({ target }: { target: number | { host: string; port: number } }): Promise<TcpProxy> {
  const upstreamAt = typeof target === 'number' ? { host: '127.0.0.1', port: target } : target;
  const weather: Weather = {
    dropNext: false,
    shouldDrop: undefined,
    fateOf: undefined,
    delayMs: 0,
    refusing: false,
    dropped: 0,
  };
  const pairs = new Set<Pair>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (weather.refusing) {
      client.resetAndDestroy();
      return;
    }
    const pair = { client, upstream: connect({ ...upstreamAt, allowHalfOpen: true }), silent: false };
    pairs.add(pair);
    client.on('close', () => pairs.delete(pair));
    forward(pair, weather);
  });
  server.listen({ port: 0, host: '127.0.0.1', exclusive: true });
  await once(server, 'listening');
  const cut = () => {
    for (const pair of pairs) reset(pair);
  };
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    get dropped() {
      return weather.dropped;
    },
    dropNextReply: () => void (weather.dropNext = true),
    dropRepliesMatching: (matches) => void (weather.shouldDrop = matches),
    decide: (fateOf) => void (weather.fateOf = fateOf),
    cut,
    delay: (ms) => void (weather.delayMs = ms),
    refuse: (on) => void (weather.refusing = on),
    async stop() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
