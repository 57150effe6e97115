/** A real server on a free port, over real Redis, with the table of the test's choice. */
import { Pool } from 'pg';
import { pino } from 'pino';
import { createOperatorKeys } from '../auth/operator-keys.ts';
import { createPasswords } from '../auth/passwords.ts';
import { createTokens, type QueueClaims, type TokenSettings } from '../auth/tokens.ts';
import { createCatalogues } from '../concerts/catalogues.ts';
import { createSeatMaps } from '../concerts/seat-maps.ts';
import type { RedisClient } from '../redis/script.ts';
import { createUsers } from '../users/users.ts';
import { createRoomViews } from '../waiting-room/room-views.ts';
import { asyncApiOf } from '../ws/asyncapi.ts';
import { type Deadlines, HttpServer } from './exchange.ts';
import type { HttpApp, HttpConfig } from './http-app.ts';
import { openApiOf } from './openapi.ts';
import { createRateLimits, type RateSettings } from './rate-limits.ts';
import type { Route } from './route.ts';
import { createService } from './service.ts';

export const OPERATOR_KEY = 'operator-key-of-the-tests';
export const JWT_SECRET = 'a secret of at least 32 characters';

const UNLIMITED = {
  loginPerSecond: 0,
  loginBurst: 0,
  failedLoginsPerMinute: 5,
  userPerSecond: 0,
  userBurst: 0,
  pollBurst: 0,
};

export interface Setup {
  table: readonly Route[];
  config?: Partial<HttpConfig>;
  limits?: Partial<RateSettings>;
  tokenSettings?: Partial<TokenSettings>;
  deadlines?: Partial<Deadlines>;
}

export interface Answer {
  status: number;
  headers: Headers;
  // The contract is what is tested: bodies are looked at member by member.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

export interface Served {
  app: HttpApp;
  server: HttpServer;
  port: number;
  url: string;
  /** lines of the log, as objects */
  log: Record<string, unknown>[];
  call(path: string, options?: CallOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface CallOptions {
  method?: string;
  /** as JSON, unless it is text already */
  body?: unknown;
  bearer?: string;
  queue?: string;
  headers?: Record<string, string>;
}

export async function serve(
  redis: RedisClient,
  { table, config, limits, tokenSettings, deadlines }: Setup,
): Promise<Served> {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const settings = { ...UNLIMITED, ...limits };
  const tokens = createTokens({ jwtSecrets: [JWT_SECRET], ...tokenSettings });
  const rooms = createRoomViews({ redis, log });
  const catalogues = createCatalogues({ redis, rooms });
  const seatMaps = createSeatMaps({ redis, catalogues, log });
  const fullConfig = {
    operatorKeys: [OPERATOR_KEY],
    corsOrigins: [],
    trustedProxies: [],
    currency: 'KRW',
    balanceRequiresActive: false,
    jobsUrl: '',
    ...config,
  };
  const app: HttpApp = {
    config: fullConfig,
    log,
    redis,
    // Connects when first asked, which only the audit and old history do.
    sql: new Pool({ connectionString: 'postgres://127.0.0.1:1/none' }),
    tokens,
    users: createUsers({ redis, tokens, passwords: createPasswords(), config: { limits: settings } }),
    rooms,
    catalogues,
    seatMaps,
    rateLimits: createRateLimits(settings),
    operatorKeys: createOperatorKeys(fullConfig.operatorKeys),
    assets: new Map(),
    documents: { openApi: openApiOf(table, '1.2.3'), asyncApi: asyncApiOf('1.2.3') },
    draining: () => server.draining,
    memory: { full: () => false, brimful: () => false },
    hasBooks: async () => true,
    renderMetrics: async () => '# none\n',
  };
  const server: HttpServer = new HttpServer(createService(app, table), deadlines);
  rooms.start();
  seatMaps.start();
  const port = await server.listen('127.0.0.1', 0, { shared: false });
  const url = `http://127.0.0.1:${port}`;
  return {
    app,
    server,
    port,
    url,
    log: lines,
    call: (path, options = {}) => callOver(url + path, options),
    async close() {
      server.close();
      await Promise.all([rooms.stop(), seatMaps.stop()]);
    },
  };
}

async function callOver(url: string, { method, body, bearer, queue, headers = {} }: CallOptions): Promise<Answer> {
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(queue === undefined ? {} : { 'queue-token': queue }),
      connection: 'close',
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text };
}

export const CLAIMS: QueueClaims = {
  queueId: 'q_1',
  userId: 'ann',
  concertId: 'winter',
  epoch: 'e',
  sequence: 1,
  joinedAtMs: 1,
};
