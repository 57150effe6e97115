/** What the calls need of the program; src/app.ts builds it. */
import type { Pool } from 'pg';
import type { OperatorKeys } from '../auth/operator-keys.ts';
import type { Tokens } from '../auth/tokens.ts';
import type { Catalogues } from '../concerts/catalogues.ts';
import type { SeatMaps } from '../concerts/seat-maps.ts';
import type { Log } from '../observability/log.ts';
import type { MemoryWatch } from '../redis/memory.ts';
import type { RedisClient } from '../redis/script.ts';
import type { Users } from '../users/users.ts';
import type { RoomViews } from '../waiting-room/room-views.ts';
import type { Assets } from './assets.ts';
import type { RateLimits } from './rate-limits.ts';

export interface HttpConfig {
  operatorKeys: readonly string[] | 'off';
  corsOrigins: readonly string[];
  trustedProxies: readonly string[];
  currency: string;
  balanceRequiresActive: boolean;
  /** where the console's link to the jobs leads; '' for none */
  jobsUrl: string;
}

/** The part of the program that the calls use. */
export interface ServedApp {
  config: HttpConfig;
  log: Log;
  redis: RedisClient;
  /** history older than Redis keeps, and the audit */
  sql: Pool;
  tokens: Tokens;
  users: Users;
  rooms: RoomViews;
  catalogues: Catalogues;
  seatMaps: SeatMaps;
  rateLimits: RateLimits;
  memory: Pick<MemoryWatch, 'full' | 'brimful'>;
  /** false where Redis was emptied since the start: what was sold is not known there */
  hasBooks(): Promise<boolean>;
  /** Prometheus text for all processes of this start */
  renderMetrics(): Promise<string>;
}

/** What the server itself adds. */
export interface HttpApp extends ServedApp {
  operatorKeys: OperatorKeys;
  documents: { openApi: object; asyncApi: object };
  assets: Assets;
  /** true while the server drains */
  draining(): boolean;
}
