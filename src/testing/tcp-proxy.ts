// A proxy between a test and a server, to play the network: replies that are lost after the request took effect, cut
// connections, slow ones, an address that takes none.
import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface Exchange {
  /** What the client sent on this connection since the last reply. */
  request: Buffer;
  /** What the server answered: one chunk as it came, which is one reply where the client waits for each. */
  reply: Buffer;
}

export interface TcpProxy {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** How many replies were swallowed so far. */
  readonly dropped: number;
  /** The server gets the next request; its reply is swallowed and that connection reset. */
  dropNextReply(): void;
  /** The same for every exchange that matches, until called with undefined. */
  dropRepliesMatching(matches: ((exchange: Exchange) => boolean) | undefined): void;
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
  delayMs: number;
  refusing: boolean;
  dropped: number;
}

interface Pair {
  client: Socket;
  upstream: Socket;
}

function reset({ client, upstream }: Pair): void {
  client.resetAndDestroy();
  upstream.resetAndDestroy();
}

function forward(pair: Pair, weather: Weather): void {
  const { client, upstream } = pair;
  let request = Buffer.alloc(0);
  for (const socket of [client, upstream]) {
    socket.setNoDelay(true);
    socket.on('error', () => reset(pair));
    socket.on('close', () => reset(pair));
  }
  client.on('data', (chunk: Buffer) => {
    request = Buffer.concat([request, chunk]);
    upstream.write(chunk);
  });
  client.on('end', () => upstream.end());
  const toClient = createDelayLine(client);
  upstream.on('data', (reply: Buffer) => {
    const exchange = { request, reply };
    request = Buffer.alloc(0);
    if (weather.dropNext || weather.shouldDrop?.(exchange)) {
      weather.dropNext = false;
      weather.dropped++;
      reset(pair);
    } else {
      toClient.send(reply, weather.delayMs);
    }
  });
  upstream.on('end', () => toClient.send(null, 0));
}

/** Chunks of one connection, each held back for its time and until those before it are out; null is the end. */
function createDelayLine(socket: Socket) {
  const held: { chunk: Buffer | null; dueMs: number }[] = [];

  function release(): void {
    for (let next = held[0]; next; next = held[0]) {
      const earlyMs = next.dueMs - performance.now();
      if (earlyMs > 0) return void setTimeout(release, earlyMs).unref();
      held.shift();
      if (!socket.writable) continue;
      if (next.chunk) socket.write(next.chunk);
      else socket.end();
    }
  }

  return {
    send(chunk: Buffer | null, delayMs: number): void {
      held.push({ chunk, dueMs: performance.now() + delayMs });
      // With others before it, their timer lets it go.
      if (held.length === 1) release();
    },
  };
}

/** @param target the server's port on 127.0.0.1, or host and port */
export async function startProxy({ target }: { target: number | { host: string; port: number } }): Promise<TcpProxy> {
  const upstreamAt = typeof target === 'number' ? { host: '127.0.0.1', port: target } : target;
  const weather: Weather = { dropNext: false, shouldDrop: undefined, delayMs: 0, refusing: false, dropped: 0 };
  const pairs = new Set<Pair>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (weather.refusing) {
      client.resetAndDestroy();
      return;
    }
    const pair = { client, upstream: connect({ ...upstreamAt, allowHalfOpen: true }) };
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
