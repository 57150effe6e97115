/**
 * The WebSocket itself: `GET /ws`, and what uWebSockets.js tells of its sockets. The only file here that touches it. It
 * aborts the process where a handler throws, and throws where a closed socket is touched: handlers are wrapped, and
 * `Connection` touches no socket after its end.
 */
import { STATUS_CODES } from 'node:http';
import uWS from 'uWebSockets.js';
import type { QueueClaims, Tokens } from '../auth/tokens.ts';
import type { Catalogues } from '../concerts/catalogues.ts';
import type { SeatMaps } from '../concerts/seat-maps.ts';
import { CLOSE, type Refusal, refuse } from '../errors.ts';
import { replyOf } from '../http/answer.ts';
import { requestIdOf } from '../http/request-id.ts';
import { LIMITS } from '../limits.ts';
import type { Log } from '../observability/log.ts';
import { metrics } from '../observability/metrics.ts';
import type { RedisClient } from '../redis/script.ts';
import { readReservationForPush } from '../reservations/read.ts';
import { claimPlace, requireActive } from '../waiting-room/guard.ts';
import { leaveRoom } from '../waiting-room/leave.ts';
import { readTickets } from '../waiting-room/read-ticket.ts';
import type { RoomViews } from '../waiting-room/room-views.ts';
import { Connection, type SocketLimits, type SocketObserver, type Wire } from './connection.ts';
import { follow } from './conversation.ts';
import { FanOut } from './fan-out.ts';
import { Inbox, type InboxDeps } from './inbox.ts';
import { Lifetimes } from './lifetimes.ts';
import { SeatWatches } from './seat-watches.ts';

export interface SocketDeps {
  redis: RedisClient;
  rooms: RoomViews;
  catalogues: Catalogues;
  seatMaps: SeatMaps;
  tokens: Tokens;
  log: Log;
  config: { corsOrigins: readonly string[] };
}

export interface Sockets {
  /** open sockets of this process */
  count(): number;
  /** Takes no new sockets, and tells all to reconnect (1012) in slices, so that they do not come back in one moment. */
  drain(): Promise<void>;
  /** Ends what is left at once, and all timers. */
  close(): void;
}

interface Settings {
  observer: SocketObserver;
  limits: SocketLimits;
}

interface UserData {
  socket: { connection: Connection; inbox: Inbox } | null;
}
type Socket = uWS.WebSocket<UserData>;

/** The parts of this folder, put together. */
interface Parts extends Settings {
  log: Log;
  corsOrigins: readonly string[];
  lifetimes: Lifetimes;
  fanOut: FanOut;
  watches: SeatWatches;
  follow: InboxDeps['follow'];
}

const metricsObserver: SocketObserver = {
  sockets: (count) => metrics.sockets.set(count),
  frames: (type, count) => metrics.frames.inc({ type }, count),
  closed: (code) => metrics.socketsClosed.inc({ code }),
};

/** Serves `GET /ws`. To be called before the server listens; the settings are for tests. */
export function registerSockets(
  uwsApp: uWS.TemplatedApp,
  app: SocketDeps,
  { observer = metricsObserver, limits = LIMITS }: Partial<Settings> = {},
): Sockets {
  const parts = createParts(app, { observer, limits, publish: (topic, text) => void uwsApp.publish(topic, text) });
  const { lifetimes, fanOut, watches, log } = parts;
  uwsApp.ws('/ws', behaviourOf(parts));

  const timer = setInterval(() => {
    try {
      const nowMs = performance.now();
      lifetimes.onBeat(nowMs);
      fanOut.onBeat(nowMs);
    } catch (error) {
      log.error({ err: error }, 'the beat of the sockets failed');
    }
  }, limits.WS_BEAT_MS);

  function stop(): void {
    clearInterval(timer);
    fanOut.stop();
    watches.stop();
  }

  return {
    count: () => lifetimes.count,
    async drain() {
      await lifetimes.drain();
      stop();
    },
    close() {
      lifetimes.endAll();
      stop();
    },
  };
}

function createParts(
  app: SocketDeps,
  { observer, limits, publish }: Settings & { publish(topic: string, text: string): void },
): Parts {
  const { log, rooms, tokens } = app;
  const lifetimes = new Lifetimes({ limits, observer });
  const watches = new SeatWatches({ ...app, limits, observer, publish });
  const fanOut = new FanOut({
    log,
    limits,
    observer,
    rooms,
    publish,
    readTickets: (claims) => readTickets(app, claims),
    readReservation: (reservationId) => readReservationForPush(app, reservationId),
    claimPlace: (claims) => claimPlace(app, claims),
    inactive: (connection, concertId) => watches.endIn(connection, concertId),
  });
  const conversation = {
    limits,
    tokens,
    fanOut,
    watches,
    requireActive: (claims: QueueClaims, concertId: string) => requireActive(app, { claims, concertId }),
    leave: (claims: QueueClaims) => leaveRoom(app, { claims }),
    authenticated: (connection: Connection) => lifetimes.authenticated(connection),
  };
  return {
    observer,
    limits,
    log,
    lifetimes,
    fanOut,
    watches,
    corsOrigins: app.config.corsOrigins,
    follow: (connection, message) => follow(conversation, connection, message),
  };
}

function behaviourOf(parts: Parts): uWS.WebSocketBehavior<UserData> {
  const { limits, observer, log, lifetimes, fanOut, watches } = parts;

  /** A handler that throws would abort the process. */
  function guarded<A extends unknown[]>(
    handle: (socket: { connection: Connection; inbox: Inbox }, ...rest: A) => void,
  ) {
    return (ws: Socket, ...rest: A) => {
      try {
        const { socket } = ws.getUserData();
        if (socket) handle(socket, ...rest);
      } catch (error) {
        log.error({ err: error }, 'a handler of a socket failed');
      }
    };
  }

  return {
    compression: uWS.DISABLED,
    // Longer than a message may be, so that a long one is answered; beyond it the parser cuts the connection.
    maxPayloadLength: limits.WS_CUT_OFF_BYTES,
    maxBackpressure: limits.WS_BUFFER_MAX_BYTES,
    // A backstop: what is sent counts as life there, so half-open sockets are found by our own pings. 0 or 8..960 only.
    idleTimeout: 120,
    sendPingsAutomatically: false,
    upgrade: (res, req, context) => upgrade(parts, res, req, context),
    open(ws) {
      const connection = new Connection(wireOf(ws), { observer, limits, nowMs: performance.now() });
      ws.getUserData().socket = { connection, inbox: new Inbox(connection, parts) };
      lifetimes.opened(connection);
    },
    message: guarded(({ connection, inbox }, data: ArrayBuffer, isBinary: boolean) => {
      connection.heardMs = performance.now();
      const text = isBinary || data.byteLength > limits.WS_MESSAGE_MAX_BYTES ? null : Buffer.from(data).toString();
      fanOut.heard(connection);
      inbox.receive({ text, bytes: data.byteLength });
    }),
    ping: guarded(({ connection, inbox }) => {
      connection.heardMs = performance.now();
      inbox.receivePing();
    }),
    pong: guarded(({ connection }, data: ArrayBuffer) => {
      connection.heardMs = performance.now();
      fanOut.heard(connection, numberOf(data));
    }),
    drain: guarded(({ connection }) => {
      if (!connection.drained()) return;
      fanOut.caughtUp(connection);
      watches.caughtUp(connection);
    }),
    // Within it the socket must not be closed: uWebSockets.js is on its way through all followers of a topic.
    dropped: guarded(({ connection }) => void setImmediate(() => connection.end(CLOSE.TOO_SLOW, 'too slow'))),
    close: guarded(({ connection }) => {
      lifetimes.closed(connection);
      fanOut.remove(connection);
      watches.remove(connection);
    }),
  };
}

function upgrade(
  { lifetimes, corsOrigins, log }: Parts,
  res: uWS.HttpResponse,
  req: uWS.HttpRequest,
  context: uWS.us_socket_context_t,
): void {
  try {
    const requestId = requestIdOf(req.getHeader('x-request-id'));
    if (!lifetimes.takes) return refuseUpgrade(res, refuse('UNAVAILABLE', { retryAfterSeconds: 2 }), requestId);
    const page = { origin: req.getHeader('origin'), host: req.getHeader('host') };
    if (!isOriginAllowed(page, corsOrigins)) return refuseUpgrade(res, refuse('FORBIDDEN'), requestId);
    const data: UserData = { socket: null };
    res.writeStatus('101 Switching Protocols').writeHeader('X-Request-Id', requestId);
    const [key, protocol] = [req.getHeader('sec-websocket-key'), req.getHeader('sec-websocket-protocol')];
    res.upgrade(data, key, protocol, req.getHeader('sec-websocket-extensions'), context);
  } catch (error) {
    log.error({ err: error }, 'an upgrade failed');
    res.close();
  }
}

function refuseUpgrade(res: uWS.HttpResponse, refusal: Refusal, requestId: string): void {
  const { status, headers, body } = replyOf(refusal);
  res.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`);
  const all = { ...headers, 'Cache-Control': 'no-store', 'X-Request-Id': requestId };
  for (const [name, value] of Object.entries(all)) res.writeHeader(name, value);
  res.end(JSON.stringify(body), true);
}

/** Browsers name the page's origin and cannot lie about it; other clients name none. */
function isOriginAllowed({ origin, host }: { origin: string; host: string }, allowed: readonly string[]): boolean {
  if (allowed.length === 0 || origin === '' || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function wireOf(ws: Socket): Wire {
  return {
    send: (text) => ws.send(text) === 1,
    ping: (payload) => void ws.ping(payload),
    subscribe: (topic) => void ws.subscribe(topic),
    unsubscribe: (topic) => void ws.unsubscribe(topic),
    buffered: () => ws.getBufferedAmount(),
    end: (code, reason) => ws.end(code, reason),
  };
}

/** The number of a ping, from its pong; 0 where it is none of ours. */
function numberOf(data: ArrayBuffer): number {
  const text = Buffer.from(data).toString();
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}
