/** The audit of a wallet partition: each wallet in itself, against its rows, and its outbox. */
import { LIMITS } from '../limits.ts';
import { partitionKeys, walletKeys } from '../redis/keys.ts';
import type { AuditDeps } from './audit-pass.ts';
import { type AuditedWallet, auditWallets as script } from './audit-wallets.script.ts';
import type { Findings } from './findings.ts';
import { eachWalletSlice, walletSums } from './ledger-rows.ts';

const PENDING_LOOKED_AT_MAX = 5_000;

export async function auditWallets(deps: AuditDeps, partition: number, findings: Findings): Promise<void> {
  const keys = partitionKeys(partition);
  const seen = new Set<string>(); // SSCAN may name a user twice while the set grows
  const unsettled: AuditedWallet[] = [];
  let cursor = '0';
  do {
    const args = { cursor, count: LIMITS.AUDIT_SLICE, pending_max: PENDING_LOOKED_AT_MAX };
    const slice = await script.run(deps.redis, { keys, args });
    const wallets = slice.wallets.filter(({ userId }) => !seen.has(userId));
    for (const wallet of wallets) {
      seen.add(wallet.userId);
      auditWallet(wallet, findings);
      if (wallet.entries > wallet.recorded) unsettled.push(wallet);
    }
    await compareRows(deps, wallets, findings);
    cursor = slice.cursor;
  } while (cursor !== '0');
  await auditOutbox(deps, partition, unsettled, findings);
}

function auditWallet(wallet: AuditedWallet, findings: Findings): void {
  const { userId, exists, available, pending, charged, posted, entries, first, historyLength, transfers } = wallet;
  if (!exists) return findings.add('WALLET_MISSING', userId, 'its user is known, but there is no wallet');
  const { totals } = findings;
  totals.wallets += available;
  totals.pending += pending;
  totals.payments += posted;
  totals.charges += charged;
  const sum = available + pending + posted;
  if (sum !== charged || available < 0 || pending < 0 || posted < 0) {
    const detail = `${available} available + ${pending} pending + ${posted} paid, but ${charged} charged`;
    findings.add('WALLET_UNBALANCED', userId, detail);
  }
  if (transfers !== null && transfers !== pending) {
    findings.add('WALLET_PENDING', userId, `${pending} set aside, but pending transfers of ${transfers}`);
  }
  if (historyLength !== entries - first + 1) {
    const detail = `${historyLength} entries are kept, but they should be ${first} to ${entries}`;
    findings.add('WALLET_HISTORY', userId, detail);
  }
  const [n, , , balance] = wallet.lastEntry.split('|');
  if (wallet.lastEntry !== '' && (Number(n) !== entries || Number(balance) !== available + pending)) {
    const detail = `the last entry says ${n}: ${balance}, the wallet ${entries}: ${available + pending}`;
    findings.add('WALLET_HISTORY', userId, detail);
  }
}

/** Recorded ⊆ later rows; a wallet whose entries are all recorded has their very sums. */
async function compareRows({ sql }: AuditDeps, wallets: readonly AuditedWallet[], findings: Findings): Promise<void> {
  const existing = wallets.filter(({ exists }) => exists);
  const sums = await walletSums(
    sql,
    existing.map(({ userId, recorded }) => ({ userId, upTo: recorded })),
  );
  for (const { userId, recorded, entries, charged, posted } of existing) {
    const rows = sums.get(userId) ?? { count: 0, charged: 0, posted: 0 };
    if (rows.count !== recorded) {
      findings.add(
        'WALLET_ROWS',
        userId,
        `${recorded} entries are recorded, but ${rows.count} of them are in PostgreSQL`,
      );
    } else if (recorded === entries && (rows.charged !== charged || rows.posted !== posted)) {
      const detail = `charged ${charged} and paid ${posted}, but ${rows.charged} and ${rows.posted} in PostgreSQL`;
      findings.add('WALLET_ROWS', userId, detail);
    }
  }
}

/** Every entry that was not recorded is in the outbox later, or recorded later still. */
async function auditOutbox(
  { redis }: AuditDeps,
  partition: number,
  unsettled: readonly AuditedWallet[],
  findings: Findings,
): Promise<void> {
  if (unsettled.length === 0) return;
  const { outbox } = partitionKeys(partition);
  const waiting = new Set<string>();
  for (let after = '-'; ; ) {
    const page = await redis.xrange(outbox, after, '+', 'COUNT', LIMITS.AUDIT_SLICE);
    for (const [, fields] of page) waiting.add(`${field(fields, 'n')} ${field(fields, 'userId')}`);
    if (page.length < LIMITS.AUDIT_SLICE) break;
    after = `(${page.at(-1)?.[0]}`;
  }
  for (const { userId, recorded, entries } of unsettled) {
    const missing: number[] = [];
    for (let n = recorded + 1; n <= entries; n++) if (!waiting.has(`${n} ${userId}`)) missing.push(n);
    if (missing.length === 0) continue;
    const keys = walletKeys(userId);
    // In this order: a number goes from the gap to `recorded`.
    const ahead = await redis.zrange(keys.gap, '0', '-1');
    const now = await redis.hget(keys.wallet, 'recorded');
    const lost = missing.filter((n) => n > Number(now) && !ahead.includes(String(n)));
    if (lost.length === 0) continue;
    const named = lost.slice(0, 20).join(', ');
    findings.add('WALLET_OUTBOX', userId, `entries ${named} are neither in the outbox nor recorded; see dead_letters`);
  }
}

function field(flat: readonly string[], name: string): string {
  for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) return flat[i + 1] ?? '';
  return '';
}

/** Rows ⊆ later wallets: nobody has rows without a wallet, or more entries in PostgreSQL than in Redis. */
export async function auditWalletRows({ redis, sql }: AuditDeps, findings: Findings): Promise<void> {
  await eachWalletSlice(sql, async (rows) => {
    const entries = await Promise.all(rows.map(({ userId }) => redis.hget(walletKeys(userId).wallet, 'entries')));
    for (const [i, { userId, last }] of rows.entries()) {
      const has = entries[i];
      if (has === null || has === undefined)
        findings.add('WALLET_MISSING', userId, `${last} entries in PostgreSQL, but no wallet`);
      else if (Number(has) < last) {
        findings.add('WALLET_ROWS', userId, `entry ${last} is in PostgreSQL, but the wallet's last is ${has}`);
      }
    }
  });
}
