/** Every bound of onsale, the unit last in the name. Relations between them are asserted at start. */
export const LIMITS = {
  // money, in the smallest unit of the currency
  PRICE_MAX: 100_000_000,
  CHARGE_MIN: 1,
  CHARGE_MAX: 10_000_000,
  WALLET_MAX: 1_000_000_000,

  // HTTP
  BODY_MAX_BYTES: 64 * 1024,
  IMPORT_BODY_MAX_BYTES: 4 * 1024 * 1024,
  REQUEST_DEADLINE_MS: 12_000,
  BODY_DEADLINE_MS: 10_000,
  JSON_DEPTH_MAX: 16,
  /** of a body that is no import; the largest that any call takes has a dozen */
  JSON_VALUES_MAX: 1_000,
  LIST_LIMIT_MAX: 100,
  LIST_LIMIT_DEFAULT: 20,
  IDEMPOTENCY_KEY_MAX_CHARS: 128,

  // ids and tokens
  OUTSIDE_SUB_MAX_BYTES: 128,
  ACCESS_TOKEN_SECONDS: 12 * 3600,
  QUEUE_TOKEN_SECONDS: 24 * 3600,
  VERIFIED_TOKENS_KEPT: 50_000,
  TOKEN_MAX_BYTES: 4096,

  // passwords: Argon2id shares libuv's four threads with token checks, so at most two at once
  PASSWORD_CHECKS_AT_ONCE: 2,
  PASSWORD_CHECKS_QUEUED: 64,
  /** they take turns, so that the failures before are counted */
  LOGINS_OF_ONE_EMAIL_AT_ONCE: 16,

  // who was seen lately; 0.1 kB each
  KNOWN_USERS_KEPT: 200_000,
  WALLETS_ASKED_A_CALL: 200,
  RATE_BUCKETS_KEPT: 200_000,

  /** concerts, 4 kB each, those that somebody only made up too */
  CONCERT_KEYS_KEPT: 1_000,

  // waiting room
  JOINS_A_CALL: 200,
  ADMIT_A_CALL: 500,
  LEFT_SLICE: 5_000,
  TICK_MS: 200,
  ROOM_UNREAD_AFTER_MS: 30_000,
  TICK_STALE_MS: 1_000,
  VERDICT_TRUSTED_MS: 500,
  PLACE_KEPT_MS: 12 * 3600 * 1000,
  /** a worker that has died leaves its rooms to others after this; longer than a tick */
  ADMIT_LEASE_MS: 300,
  /** a run ends after so many calls and goes on with the next tick */
  ADMIT_CALLS_A_RUN: 400,
  /** an entry that tells of 500 admissions has 18 kB */
  ROOM_LOG_A_READ: 1_000,
  ROOM_READS_AT_ONCE: 200,
  VERDICTS_KEPT: 50_000,
  EXPECTED_WAITS_KEPT: 50_000,
  TIDY_A_CALL: 500,
  CONCERT_NOTES_KEPT: 50_000,
  CONCERTS_ASKED_AT_ONCE: 200,

  // concerts and reservations
  SCHEDULES_MAX: 100,
  SEATS_A_CONCERT_MAX: 200_000,
  SEATS_A_HOLD_MAX: 8,
  SEAT_LOG_KEPT: 10_000,
  CATALOGUES_KEPT: 256,
  /** indexes of a schedule, those of removed seats included */
  SEAT_INDEXES_MAX: 400_000,
  SWEEP_A_CALL: 100,
  /** full batches that a sweeper of transfers takes in one run of a partition */
  SWEEP_CALLS_A_RUN: 10,

  // payments
  /** after this a transfer that is still PENDING is the sweeper's; longer than any request may run */
  TRANSFER_DEADLINE_MS: 15_000,
  /** one that could not be settled is tried again after this, and lets the others go first */
  TRANSFER_SWEEP_AGAIN_MS: 5_000,
  TRANSFER_KEPT_MS: 24 * 3600 * 1000,
  /** a POSTED transfer whose payment is not yet in PostgreSQL is looked at again after this */
  TRANSFER_FORGET_AGAIN_MS: 3600 * 1000,

  // Redis: a call that has no answer by then is 503, its outcome unknown
  REDIS_COMMAND_TIMEOUT_MS: 800,
  /**
   * A connection that owes an answer and says nothing for this long is replaced: one whose other side is gone without a
   * word (a firewall that forgot it, a host that lost its power) would take commands for the 15 minutes until TCP gives up.
   */
  REDIS_SILENT_MS: 2_000,
  /** the same of BullMQ's, whose blocking reads are silent for 5 to 10 s */
  REDIS_PATIENT_SILENT_MS: 15_000,
  /** from this share of maxmemory on, joins and holds are refused … */
  MEMORY_REFUSE_SHARE: 0.8,
  /** … and from this one on, payments and charges: the rest is for BullMQ, without which no outbox empties */
  MEMORY_REFUSE_MONEY_SHARE: 0.9,
  MEMORY_WATCH_MS: 1_000,
  REPLICA_WAIT_MS: 500,

  // PostgreSQL, beside the recorder: old history and the audit
  READ_CONNECTIONS: 4,
  CLOSE_POOL_MS: 1_000,

  // outbox
  CHUNK_MAX: 500,
  /** chunks on their way to PostgreSQL at once: in a long outage an outbox grows, and BullMQ does not */
  CHUNKS_A_CONCERT: 8,
  CHUNKS_A_PARTITION: 1,
  RELAY_BUSY_MS: 250,
  RELAY_IDLE_MAX_MS: 1_000,
  /** after this, what was read and is not settled is looked at again: its relay may be dead, its job lost */
  RELAY_ADOPT_MS: 30_000,
  RECORD_RETRY_MAX_MS: 5_000,
  RECORD_AT_ONCE: 8,
  /** Redis was too full for BullMQ: the relay records by itself, and tries a job again after this */
  JOBS_TRIED_AGAIN_MS: 5_000,
  /** … and where PostgreSQL did not answer it then, asks it again after this */
  RECORD_HERE_AGAIN_MS: 1_000,
  /** recorded entries of a wallet that stay in Redis; older ones are read from PostgreSQL */
  HISTORY_KEPT: 100,

  // accounts backup: keys that one SCAN looks at, about a millisecond of Redis
  SCAN_A_CALL: 500,

  // PostgreSQL
  POSTGRES_CONNECT_MS: 3_000,
  POSTGRES_QUERY_MS: 15_000,

  // audit
  AUDIT_SLICE: 500,
  AUDIT_DIFFERENCES_MAX: 1_000,
  AUDIT_ANSWER_MS: 10_000,
  AUDIT_REPORT_KEPT_MS: 60_000,

  // rebuild: rows of PostgreSQL, or accounts, at once
  REBUILD_SLICE: 2_000,
  /** about 2 ms of Redis; nobody else is there */
  REBUILD_SALES_A_CALL: 50,

  // WebSocket
  WS_MESSAGE_MAX_BYTES: 4096,
  WS_MESSAGES_A_SECOND: 20,
  WS_PLACES_MAX: 8,
  WS_WATCHES_MAX: 4,
  WS_AUTH_DEADLINE_MS: 5_000,
  WS_PING_MS: 30_000,
  WS_BAD_MESSAGES_MAX: 3,
  WS_CLOSE_AFTER_OVER_MS: 5_000,
  WS_BACKPRESSURE_MAX_BYTES: 256 * 1024,
  WS_CROWD_SOCKETS: 2_000,
  /** one socket is one file: below the 20,000 that a process commonly may open */
  WS_SOCKETS_MAX: 18_000,
  /** sockets that have not said who they are */
  WS_STRANGERS_MAX: 4_000,
  /** a longer message is cut off by the server's parser, without a word */
  WS_CUT_OFF_BYTES: 16 * 1024,
  WS_INBOX_MAX: 32,
  WS_SILENT_MS: 75_000,
  /** a snapshot may take this long to be read; nothing else is published to its socket meanwhile */
  WS_CATCH_UP_MS: 10_000,
  WS_CATCH_UP_BYTES: 64 * 1024,
  WS_PENDING_FRAMES_MAX: 64,
  WS_BUFFER_MAX_BYTES: 16 * 1024 * 1024,
  WS_BEAT_MS: 100,
  /** every position that the room frames cannot tell is told anew within this */
  WS_POSITIONS_MS: 3_000,
  WS_READ_PLACES_MAX: 200,
  WS_CLOSE_ALL_MS: 2_000,

  // stopping
  DRAIN_MS: 4_000,
  BACKUP_AT_EXIT_MS: 3_000,
  /** by then everything that was started is gone */
  STOP_MS: 9_500,
} as const;

/** Throws where two bounds contradict each other; called at start. */
export function assertLimits(): void {
  const relations: [boolean, string][] = [
    [
      LIMITS.PRICE_MAX * LIMITS.SEATS_A_HOLD_MAX <= LIMITS.WALLET_MAX,
      'the dearest hold can be paid from a full wallet',
    ],
    [LIMITS.TRANSFER_DEADLINE_MS > LIMITS.REQUEST_DEADLINE_MS, 'no request outlives its transfer'],
    [LIMITS.REQUEST_DEADLINE_MS > LIMITS.AUDIT_ANSWER_MS + 1_000, 'an audit that takes long is told so in time'],
    [
      LIMITS.MEMORY_REFUSE_SHARE < LIMITS.MEMORY_REFUSE_MONEY_SHARE && LIMITS.MEMORY_REFUSE_MONEY_SHARE < 1,
      'as Redis fills, first nothing new begins, then no money moves, and BullMQ has the rest',
    ],
    [LIMITS.TRANSFER_SWEEP_AGAIN_MS < LIMITS.TRANSFER_DEADLINE_MS, 'the sweeper puts off no transfer that is not due'],
    [LIMITS.REDIS_SILENT_MS > LIMITS.REDIS_COMMAND_TIMEOUT_MS, 'a late answer costs its call, not its connection'],
    [LIMITS.TICK_MS * 2 <= LIMITS.VERDICT_TRUSTED_MS, 'a tick may be late once'],
    [LIMITS.TICK_STALE_MS > LIMITS.TICK_MS * 2, 'one late tick is no outage'],
    [LIMITS.SEATS_A_CONCERT_MAX * LIMITS.PRICE_MAX < 1e14, 'revenue stays exact in Lua'],
    [LIMITS.WS_POSITIONS_MS + LIMITS.TICK_STALE_MS < 5_000, 'a position is told within 5 s, a late tick included'],
    [LIMITS.WS_SILENT_MS > LIMITS.WS_PING_MS * 2, 'a socket may miss one ping'],
    [LIMITS.WS_CUT_OFF_BYTES > LIMITS.WS_MESSAGE_MAX_BYTES, 'a message that is too long is answered'],
    [LIMITS.WS_CLOSE_ALL_MS < LIMITS.DRAIN_MS, 'all sockets are told to reconnect before the end'],
  ];
  for (const [holds, text] of relations) if (!holds) throw new Error(`limits contradict each other: ${text}`);
}
