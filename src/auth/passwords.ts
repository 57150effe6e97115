/**
 * Passwords as Argon2id in PHC strings. A check costs 19 MiB and 28 ms of one of libuv's four threads, which it
 * shares with every token check (with four at once a token waits 44 ms, with two 6 ms): so at most two at once, a
 * short queue, and beyond it 503.
 */
import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { Unavailable } from '../errors.ts';
import { LIMITS } from '../limits.ts';

export interface Passwords {
  /** A PHC string: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. Throws Unavailable where too many are asked for. */
  hash(password: string): Promise<string>;
  /**
   * Whether the password fits. With null (no such account) it takes as long and answers false, so that the time does
   * not tell who has an account. Throws Unavailable as `hash` does.
   */
  fits(password: string, phc: string | null): Promise<boolean>;
}

interface Cost {
  memory: number;
  passes: number;
  parallelism: number;
}

/** OWASP's least for Argon2id: memory in KiB. */
const COST: Cost = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,172})$/;

export function createPasswords({ atOnce, queued }: { atOnce: number; queued: number } = QUEUE): Passwords {
  const inTurn = createTurns({ atOnce, queued });
  const nobody = { salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES), cost: COST };
  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      return phcOf(salt, await inTurn(() => derive(password, salt, COST, HASH_BYTES)));
    },
    async fits(password, phc) {
      const kept = phc === null ? null : parsePhc(phc);
      const { salt, hash, cost } = kept ?? nobody;
      const derived = await inTurn(() => derive(password, salt, cost, hash.length));
      return timingSafeEqual(derived, hash) && kept !== null;
    },
  };
}

const QUEUE = { atOnce: LIMITS.PASSWORD_CHECKS_AT_ONCE, queued: LIMITS.PASSWORD_CHECKS_QUEUED };

function derive(password: string, salt: Buffer, cost: Cost, tagLength: number): Promise<Buffer> {
  // The same letters typed on two systems are the same password.
  const message = Buffer.from(password.normalize('NFKC'));
  const parameters: Argon2Parameters = { message, nonce: salt, tagLength, ...cost };
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, derived) => (error ? reject(error) : resolve(derived)));
  });
}

function phcOf(salt: Buffer, hash: Buffer): string {
  const { memory, passes, parallelism } = COST;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(hash)}`;
}

/** Throws for a string that is no such hash: accounts hold nothing else. */
function parsePhc(phc: string): { salt: Buffer; hash: Buffer; cost: Cost } {
  const parts = PHC.exec(phc);
  if (!parts) throw new Error('an account holds a password hash of an unknown form');
  const [, memory, passes, parallelism, salt = '', hash = ''] = parts;
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  return { salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64'), cost };
}

/** PHC strings carry base64 without padding. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

/** Runs at most `atOnce` tasks at once and lets at most `queued` wait, in order; throws Unavailable beyond. */
function createTurns({
  atOnce,
  queued,
}: {
  atOnce: number;
  queued: number;
}): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= atOnce) {
      if (waiting.length >= queued) throw new Unavailable('too many password checks at once', { retryAfterSeconds: 2 });
      // Whoever ends hands its turn on, so `running` stays as it is.
      await new Promise<void>((turn) => waiting.push(turn));
    } else {
      running += 1;
    }
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
