import { defineScript } from '../redis/script.ts';
import { groupsOf } from './groups.ts';

export const auditWallets = defineScript({
  file: 'operations/audit-wallets.lua',
  keys: ['base', 'users', 'pending'],
  args: ['cursor', 'count', 'pending_max'],
  outcomes: {
    WALLETS: ([cursor], raw) => ({ cursor: String(cursor), wallets: groupsOf(raw[1], 12).map(walletOf) }),
  },
});

/** A wallet as the audit sees it. */
export type AuditedWallet = ReturnType<typeof walletOf>;

function walletOf([userId = '', ...rest]: string[]) {
  const [available, pending, charged, posted, entries, first, recorded] = rest.map(Number);
  const [length, lastEntry = '', gap, transfers] = rest.slice(7);
  return {
    userId,
    exists: rest[0] !== '',
    available: available ?? 0,
    pending: pending ?? 0,
    charged: charged ?? 0,
    posted: posted ?? 0,
    entries: entries ?? 0,
    first: first ?? 0,
    recorded: recorded ?? 0,
    historyLength: Number(length),
    /** packed, '' where there is none */
    lastEntry,
    gap: Number(gap),
    /** sum of its PENDING transfers; null where there were too many to look at */
    transfers: transfers === '' ? null : Number(transfers),
  };
}
