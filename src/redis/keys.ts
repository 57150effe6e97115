/**
 * Every Redis key of onsale: its name, type, lifetime and meaning.
 *
 * Three families of hash tags, which cannot meet because each starts with its own letter and a colon:
 *   `{c:<concertId>}`  one concert: waiting room, catalogue, seats, reservations, purchases, outbox
 *   `{w:<n>}`          one wallet partition, n = hash of the user id modulo WALLET_PARTITIONS
 *   `{a:<digest>}`     one built-in account, digest of the normalised email
 * plus `{directory}` for what is about the whole installation. One script touches one tag.
 */
import { hash } from 'node:crypto';
import { LIMITS } from '../limits.ts';
import { createRecent } from '../recent.ts';

/** Fixed at the first start of an installation and checked at each: changing it would lose every wallet. */
export const WALLET_PARTITIONS = 64;

/** A short, collision-resistant name for text of any length and alphabet (emails, idempotency keys). */
export function digest(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22);
}

/**
 * KEYS, in order, of every script that makes or ends a hold: it marks seats, settles the place of their user and logs
 * both. Further ones follow.
 */
export const HOLD_KEYS = [
  'base',
  'room',
  'places',
  'waiting',
  'active',
  'members',
  'ended',
  'left',
  'log',
  'stock',
  'holds',
] as const;

/** 2 KB of text, which most calls need. */
const concerts = createRecent<ConcertKeys>(LIMITS.CONCERT_KEYS_KEPT);

/** Keys of one concert. Names are the ones that Lua headers use for KEYS. */
export function concertKeys(concertId: string): ConcertKeys {
  let keys = concerts.get(concertId);
  if (!keys) concerts.set(concertId, (keys = keysOfConcert(concertId)));
  return keys;
}

function keysOfConcert(concertId: string) {
  const base = `{c:${concertId}}:`;
  return {
    /** prefix, from which scripts derive the keys named by data that they read (include `derived`) */
    base,
    /** hash: settings and counters of the waiting room, its epoch and sequence */
    room: `${base}room`,
    /** hash: queue id -> packed place record (include `place`) */
    places: `${base}places`,
    /** zset: queue id by sequence number */
    waiting: `${base}waiting`,
    /** zset: queue id by deadline in ms */
    active: `${base}active`,
    /** zset: queue id of an over place by the time of its end in ms; tidied after 12 h */
    ended: `${base}ended`,
    /** hash: `w:<user id>` -> queue id of the WAITING place, `a:<user id>` -> of the ACTIVE one */
    members: `${base}members`,
    /** zset: sequence numbers of places that ended while waiting and lie above the frontier */
    left: `${base}left`,
    /** stream, ids `<n>-0`: numbered changes of places and reservations (include `log_change`) */
    log: `${base}log`,
    /** hash: `revision`, `concert` (JSON), `schedule:<schedule id>` (JSON) */
    catalogue: `${base}catalogue`,
    /** hash: `v:<schedule id>` seat version, `f:<schedule id>` free seats, `sold`, `revenue` */
    stock: `${base}stock`,
    /** zset: reservation id of a live hold by deadline in ms, for the sweeper */
    holds: `${base}holds`,
    /** hash: user id -> seats bought in this concert */
    bought: `${base}bought`,
    /** stream: confirmed payments not yet in PostgreSQL */
    outbox: `${base}outbox`,
    /** string of one status byte per seat index of a schedule: `A`, `H`, `S`, `X` (removed) */
    status: (scheduleId: string) => `${base}status:${scheduleId}`,
    /** hash: seat id -> reservation id, taken seats only */
    seats: (scheduleId: string) => `${base}seats:${scheduleId}`,
    /** stream, ids `<version>-0`: numbered seat changes of a schedule */
    seatLog: (scheduleId: string) => `${base}seat-log:${scheduleId}`,
    /** hash: one reservation (and, once confirmed, its payment); TTL deadline + 12 h until confirmed */
    reservation: (reservationId: string) => `${base}r:${reservationId}`,
    /** zset: `<seat count> <reservation id>` of a user's live holds by deadline in ms */
    live: (userId: string) => `${base}live:${userId}`,
    /** zset: reservation id of a user's unpaid reservations by time of creation in ms; goes as their records go */
    ownedBy: (userId: string) => `${base}of:${userId}`,
    /** zset: reservation id of a user's paid reservations by time of creation in ms; `confirm` moves them here, for good */
    paidBy: (userId: string) => `${base}paid:${userId}`,
    /** string, TTL 24 h: the first success for an Idempotency-Key */
    idempotency: (userId: string, route: string, key: string) => `${base}idem:${digest(`${route}\n${key}\n${userId}`)}`,
    /** stands in KEYS where a call brought no Idempotency-Key; never written */
    noIdempotency: `${base}idem:none`,
  } as const;
}

interface UserHash {
  userId: string;
  /** as `digest` makes it */
  digest: string;
  partition: number;
}

/** The last one's: all keys and ids of a user's money are made in a row, and each hash is a fortieth of a charge. */
let last: UserHash | null = null;

function hashOf(userId: string): UserHash {
  if (last?.userId !== userId) {
    const text = digest(userId);
    last = { userId, digest: text, partition: firstBits(text) % WALLET_PARTITIONS };
  }
  return last;
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The first 32 bits of what base64url tells in steps of 6. */
function firstBits(text: string): number {
  let bits = 0;
  for (let i = 0; i < 6; i++) bits = bits * 64 + BASE64URL.indexOf(text.charAt(i));
  return Math.floor(bits / 16);
}

export function walletPartition(userId: string): number {
  return hashOf(userId).partition;
}

/** `digest` of a user's id. */
export function userDigest(userId: string): string {
  return hashOf(userId).digest;
}

const partitionBase = (partition: number) => `{w:${partition}}:`;

function keysOfPartition(partition: number) {
  const base = partitionBase(partition);
  return {
    base,
    /** zset: `<reservation id> <user id>` of PENDING transfers by deadline in ms */
    pending: `${base}pending`,
    /** zset: `<reservation id> <user id>` of POSTED and VOIDED transfers by the time they may be forgotten, in ms */
    over: `${base}over`,
    /** stream: history entries not yet in PostgreSQL */
    outbox: `${base}outbox`,
    /** set: user ids with a wallet here (audit, rebuild) */
    users: `${base}users`,
  } as const;
}

const PARTITION_KEYS = Array.from({ length: WALLET_PARTITIONS }, (_, partition) => keysOfPartition(partition));

/** Keys that all wallets of one partition share. */
export function partitionKeys(partition: number): ReturnType<typeof keysOfPartition> {
  return PARTITION_KEYS[partition] ?? keysOfPartition(partition);
}

/** Of `walletKeys`, for those who need no other key of thousands of users. */
export function walletKey(userId: string): string {
  return `${partitionBase(walletPartition(userId))}u:${userId}`;
}

/** Of `walletKeys`, for those who need no other key of thousands of users. */
export function walletConcertsKey(userId: string): string {
  return `${partitionBase(walletPartition(userId))}concerts:${userId}`;
}

/** Keys of one user's wallet. */
export function walletKeys(userId: string) {
  const shared = partitionKeys(walletPartition(userId));
  const { base } = shared;
  return {
    ...shared,
    /** hash: `available`, `pending`, `charged`, `posted` (money), `entries`, `first`, `recorded` (entry numbers), `created` */
    wallet: walletKey(userId),
    /** list: packed history entries, number `first` at index 0 */
    history: `${base}h:${userId}`,
    /** zset: numbers of entries that PostgreSQL has beyond `recorded` (chunks of an outbox may settle out of order) */
    gap: `${base}gap:${userId}`,
    /** hash: one transfer per user and reservation */
    transfer: (reservationId: string) => `${base}t:${reservationId}:${userId}`,
    /** set: concert ids in which this user may have places, reservations or purchases */
    concerts: walletConcertsKey(userId),
    idempotency: (route: string, key: string) => `${base}idem:${digest(`${route}\n${key}\n${userId}`)}`,
    noIdempotency: `${base}idem:none`,
  } as const;
}

/** Emails are compared without case. */
export function normaliseEmail(email: string): string {
  return email.trim().normalize('NFKC').toLowerCase();
}

export function accountKeys(email: string) {
  const base = `{a:${digest(normaliseEmail(email))}}:`;
  return {
    /** hash: `userId`, `email`, `password` (PHC string), `name`, `created` */
    account: `${base}account`,
    /** string, TTL 1 minute: failed logins with this email */
    failures: `${base}failures`,
  } as const;
}

export const directoryKeys = {
  /** zset: concert id by time of its first import in ms */
  concerts: '{directory}:concerts',
  /** hash: facts fixed at the first start: `partitions`, `currency`; `kids` of the secrets of the last start */
  installation: '{directory}:installation',
  /** string, short TTL that its run renews: id of the audit that is going on */
  auditRun: '{directory}:audit:run',
  /** string, TTL 60 s: report of an audit that its caller did not wait for */
  auditReport: '{directory}:audit:report',
  /** string: when the rebuild began that is not yet at its end; no process starts on such a Redis */
  rebuild: '{directory}:rebuild',
} as const;

/** Pattern of all account keys, for SCAN on each node. */
export const ACCOUNT_PATTERN = '{a:*}:account';

/** Prefix of BullMQ's keys, in braces: its scripts need all keys of a queue in one slot. */
export const JOBS_PREFIX = '{onsale-jobs}';

export type ConcertKeys = Readonly<ReturnType<typeof keysOfConcert>>;

/** string, TTL 60 s: in the slot of that key, what DURABILITY=replica writes before it waits for a replica */
export function barrierKey(key: string): string {
  return `${key.slice(0, key.indexOf('}') + 1)}:barrier`;
}
