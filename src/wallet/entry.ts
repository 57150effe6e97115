/** Entries of a wallet's history: numbered 1, 2, 3 … per wallet, first in Redis, once recorded in PostgreSQL too. */
import { userDigest, walletPartition } from '../redis/keys.ts';
import type { Entry } from './shapes.ts';

export interface NumberedEntry {
  n: number;
  entryId: string;
  kind: 'CHARGE' | 'PAYMENT';
  /** signed */
  amount: number;
  /** available + pending after it */
  balance: number;
  atMs: number;
  /** charge or payment id */
  reference: string;
}

/** An entry's id is this and its number. */
export function entryPrefix(userId: string): string {
  return `ent_${walletPartition(userId)}_${userDigest(userId)}_`;
}

/** Reads an entry packed by lua/include/append_entry.lua. Throws where it is damaged. */
export function unpackEntry(userId: string, packed: string): NumberedEntry {
  const [n, kind, amount, balance, at, ...reference] = packed.split('|');
  if (kind !== 'CHARGE' && kind !== 'PAYMENT') throw new Error(`damaged history entry: ${packed}`);
  return {
    n: Number(n),
    entryId: entryPrefix(userId) + n,
    kind,
    amount: Number(amount),
    balance: Number(balance),
    atMs: Number(at),
    reference: reference.join('|'),
  };
}

/** As lua/include/append_entry.lua packs it. */
export function packEntry({ n, kind, amount, balance, atMs, reference }: Omit<NumberedEntry, 'entryId'>): string {
  return [n, kind, amount, balance, atMs, reference].join('|');
}

export function entryOf({ entryId, kind, amount, balance, atMs, reference }: NumberedEntry): Entry {
  return { entryId, kind, amount, balance, at: new Date(atMs).toISOString(), reference };
}
