// A proxy between a test and a server, to play the network: replies that are lost after the request took effect, cut connections,
// slow ones, an address that takes none.
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
  /** Holds back every reply from now on for that long; 0 ends it. */
  delay(ms: number): void;
  /** Whether new connections are reset at once; the open ones go on. */
  refuse(on: boolean): void;
  stop(): Promise<void>;
}

/** @param target the server's port on 127.0.0.1, or host and port */
export async function startProxy({ target }: { target: number | { host: string; port: number } }): Promise<TcpProxy> {
  const upstreamAt = typeof target === 'number' ? { host: '127.0.0.1', port: target } : target;
  const pairs = new Set<{ client: Socket; upstream: Socket }>();
  let shouldDrop: ((exchange: Exchange) => boolean) | undefined;
  let dropNext = false;
  let delayMs = 0;
  let refusing = false;
  let dropped = 0;

  const forward = (client: Socket) => {
    const upstream = connect(upstreamAt);
    const pair = { client, upstream };
    pairs.add(pair);
    let request = Buffer.alloc(0);
    const reset = () => {
      pairs.delete(pair);
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    };
    const replied = (reply: Buffer) => {
      const exchange = { request, reply };
      request = Buffer.alloc(0);
      if (dropNext || shouldDrop?.(exchange)) {
        dropNext = false;
        dropped++;
        reset();
      } else if (delayMs > 0) {
        setTimeout(() => client.writable && client.write(reply), delayMs).unref();
      } else {
        client.write(reply);
      }
    };
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', reset);
      socket.on('close', reset);
    }
    client.on('data', (chunk: Buffer) => {
      request = Buffer.concat([request, chunk]);
      upstream.write(chunk);
    });
    client.on('end', () => upstream.end());
    upstream.on('data', replied);
    upstream.on('end', () => client.end());
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (refusing) client.resetAndDestroy();
    else forward(client);
  });
  server.listen({ port: 0, host: '127.0.0.1', exclusive: true });
  await once(server, 'listening');
  const cut = () => {
    for (const { client, upstream } of pairs) {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    }
  };
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    get dropped() {
      return dropped;
    },
    dropNextReply: () => void (dropNext = true),
    dropRepliesMatching: (matches) => void (shouldDrop = matches),
    cut,
    delay: (ms) => void (delayMs = ms),
    refuse: (on) => void (refusing = on),
    async stop() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
