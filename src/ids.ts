/** Names of new things: `q_4f1c…`, a prefix that says what it is, and 128 random bits in hexadecimal. */
import { randomFillSync } from 'node:crypto';

const ID_BYTES = 16;
/** Drawn for 256 of them at once: `randomUUID`, put together of pieces, costs three times as much in time and memory. */
const pool = Buffer.allocUnsafeSlow(256 * ID_BYTES);
let next = pool.length;

/** A prefix tells what an id names; each is used for one kind of thing. */
type Prefix = 'q' | 'u' | 'chg' | 't' | `rsv_${string}`;

export function newId(prefix: Prefix): string {
  return `${prefix}_${randomHex()}`;
}

/** 128 random bits. */
export function randomHex(): string {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  const from = next;
  next += ID_BYTES;
  return pool.toString('hex', from, next);
}
