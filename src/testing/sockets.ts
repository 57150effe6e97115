/** A real server with nothing but its WebSocket, and clients of it that keep what they were told. */
import { Redis } from 'ioredis';
import { Compile } from 'typebox/compile';
import { WebSocket } from 'ws';
import { createTokens, type QueueClaims, type Tokens } from '../auth/tokens.ts';
import { type Catalogues, createCatalogues } from '../concerts/catalogues.ts';
import { createSeatMaps, type SeatMaps } from '../concerts/seat-maps.ts';
import { HttpServer } from '../http/exchange.ts';
import { LIMITS } from '../limits.ts';
import { createLog, type Log } from '../observability/log.ts';
import type { RedisClient } from '../redis/script.ts';
import type { Reservation } from '../reservations/shapes.ts';
import { createRoomViews, type RoomViews } from '../waiting-room/room-views.ts';
import type { Room, Ticket } from '../waiting-room/shapes.ts';
import type { SocketLimits } from '../ws/connection.ts';
import { SERVER_MESSAGES } from '../ws/frames.ts';
import { registerSockets, type Sockets } from '../ws/socket.ts';
import { startRedis } from './redis-server.ts';
import { JWT_SECRET } from './system.ts';
import { until } from './until.ts';

export interface SocketServer {
  readonly port: number;
  readonly url: string;
  readonly sockets: Sockets;
  readonly redis: RedisClient;
  readonly rooms: RoomViews;
  readonly catalogues: Catalogues;
  readonly seatMaps: SeatMaps;
  readonly tokens: Tokens;
  readonly log: Log;
  /** frames by type, and codes of sockets that the server has closed, with how often */
  readonly told: Map<string | number, number>;
  /** an authenticated client */
  enter(claims: QueueClaims): Promise<Client>;
  stop(): Promise<void>;
}

interface Options {
  limits?: Partial<SocketLimits>;
  corsOrigins?: string[];
}

export async function startSocketServer(redis: RedisClient, options: Options = {}): Promise<SocketServer> {
  const log = createLog('silent', 'test');
  const tokens = createTokens({ jwtSecrets: [JWT_SECRET] });
  const rooms = createRoomViews({ redis, log });
  const catalogues = createCatalogues({ redis, rooms });
  const seatMaps = createSeatMaps({ redis, catalogues, log });
  const told = new Map<string | number, number>();
  const tell = (what: string | number, count: number) => void told.set(what, (told.get(what) ?? 0) + count);
  const notFound = { status: 404, headers: '', body: null };
  const server = new HttpServer({
    plan: () => ({ bodyMaxBytes: 0, keepBody: false, run: async () => notFound }),
    refusal: () => notFound,
  });
  const app = { redis, rooms, catalogues, seatMaps, tokens, log, config: { corsOrigins: options.corsOrigins ?? [] } };
  const sockets = registerSockets(server.app, app, {
    limits: { ...LIMITS, ...options.limits },
    observer: { sockets: () => {}, frames: tell, closed: (code) => tell(code, 1) },
  });
  const port = await server.listen('127.0.0.1', 0, { shared: false });
  rooms.start();
  seatMaps.start();
  return {
    ...app,
    port,
    url: `ws://127.0.0.1:${port}/ws`,
    sockets,
    told,
    async enter(claims) {
      const client = await openClient(port);
      client.send({ type: 'auth', token: tokens.signQueue(claims) });
      return client;
    },
    async stop() {
      sockets.close();
      server.close();
      await Promise.all([rooms.stop(), seatMaps.stop()]);
    },
  };
}

/** A Redis of the test's own, to be stopped and started under a server, and a connection that behaves as a server's does. */
export async function startOwnRedis() {
  const process = await startRedis({ appendonly: true });
  const redis = new Redis(process.port, '127.0.0.1', {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    commandTimeout: 10_000,
    retryStrategy: () => 50,
  });
  redis.on('error', () => {});
  const isReady = () => redis.status === 'ready';
  await until(isReady);
  return {
    redis,
    kill9: () => process.kill9(),
    async restart() {
      await process.restart();
      await until(isReady);
    },
    async stop() {
      redis.disconnect();
      await process.stop();
    },
  };
}

export interface SeatsMessage {
  concertId: string;
  scheduleId: string;
  version: number;
  full?: true;
  changes: [seatId: string, status: string][];
}

export type Message =
  | { type: 'ticket'; ticket: Ticket }
  | { type: 'room'; room: Room }
  | ({ type: 'seats' } & SeatsMessage)
  | { type: 'reservation'; reservation: Reservation }
  | { type: 'error'; problem: { code: string; [member: string]: unknown } };

export interface Client {
  readonly raw: WebSocket;
  readonly messages: Message[];
  send(message: object | string | Buffer): void;
  /** the first message of that type, past or to come, that fits */
  next<T extends Message['type']>(
    type: T,
    fits?: (message: Extract<Message, { type: T }>) => boolean,
  ): Promise<Extract<Message, { type: T }>>;
  /** so many messages of that type, once there are */
  all<T extends Message['type']>(type: T, count: number): Promise<Extract<Message, { type: T }>[]>;
  /** what a client shows as its position: the contract's formula over the messages so far; null when not waiting */
  position(queueId?: string): number | null;
  /** resolves with the close code */
  readonly closed: Promise<number>;
  close(): Promise<void>;
}

const frames = Object.fromEntries(Object.entries(SERVER_MESSAGES).map(([type, schema]) => [type, Compile(schema)]));

/** Throws where the server says what its schemas do not. */
function readFrame(text: string): Message {
  const message = JSON.parse(text) as Message;
  const [fault] = frames[message.type]?.Errors(message) ?? [{ message: 'there is no such message' }];
  if (fault) throw new Error(`${text.slice(0, 500)}: ${JSON.stringify(fault)}`);
  return message;
}

/** Opens a socket; rejects where the upgrade is refused. */
export async function openClient(port: number, headers: Record<string, string> = {}): Promise<Client> {
  const raw = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers });
  const messages: Message[] = [];
  raw.on('message', (data: Buffer) => messages.push(readFrame(data.toString())));
  const closed = new Promise<number>((resolve) => raw.once('close', (code) => resolve(code)));
  await new Promise<void>((resolve, reject) => {
    raw.once('open', () => resolve());
    raw.once('error', reject);
  });
  raw.on('error', () => {});
  const of = <T extends Message['type']>(type: T) =>
    messages.filter((message): message is Extract<Message, { type: T }> => message.type === type);
  return {
    raw,
    messages,
    closed,
    send: (message) =>
      raw.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message)),
    async next(type, fits = () => true) {
      let found = of(type).find(fits);
      await until(() => (found ??= of(type).find(fits)) !== undefined, { what: `a ${type} that fits` });
      if (!found) throw new Error('gone');
      return found;
    },
    async all(type, count) {
      await until(() => of(type).length >= count, { what: `${count} ${type} messages` });
      return of(type);
    },
    position(queueId) {
      const ticket = of('ticket').findLast((message) => !queueId || message.ticket.queueId === queueId)?.ticket;
      if (!ticket || ticket.position === null) return null;
      const last = of('room').findLast(({ room }) => room.concertId === ticket.concertId)?.room;
      return Math.max(1, ticket.position - Math.max(0, (last?.admitted ?? 0) - ticket.admitted));
    },
    async close() {
      raw.close();
      await closed;
    },
  };
}
