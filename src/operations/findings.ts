import { LIMITS } from '../limits.ts';
import type { AuditReport, Difference, DifferenceKind } from './shapes.ts';

type Totals = Omit<AuditReport, 'clean' | 'differences'>;

/** What one pass of the audit has found. */
export interface Findings {
  add(kind: DifferenceKind, subject: string, detail: string): void;
  differences(): Difference[];
  totals: Totals;
}

// More than are reported, so that two passes over many differences have the reported ones in common.
const KEPT_MAX = 20 * LIMITS.AUDIT_DIFFERENCES_MAX;

export function createFindings(): Findings {
  const found = new Map<string, Difference>();
  return {
    totals: { wallets: 0, pending: 0, payments: 0, charges: 0, seatsSold: 0, seatsRecorded: 0, outbox: 0 },
    add(kind, subject, detail) {
      if (found.size < KEPT_MAX) found.set(`${kind} ${subject}`, { kind, subject, detail });
    },
    differences: () => [...found.values()],
  };
}

/** Those of `later` that `earlier` has too: of the same kind and subject, whatever the figures. */
export function inBoth(earlier: readonly Difference[], later: readonly Difference[]): Difference[] {
  const before = new Set(earlier.map(({ kind, subject }) => `${kind} ${subject}`));
  return later.filter(({ kind, subject }) => before.has(`${kind} ${subject}`));
}
