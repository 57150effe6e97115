/**
 * One pass of the audit. In slices, and across slots what is named first is read first, so that what moves meanwhile
 * moves towards where it is looked for next:
 *   rows ⊆ later CONFIRMED and sold;  sold ⊆ later CONFIRMED
 *   POSTED transfers ⊆ later CONFIRMED
 *   CONFIRMED and unrecorded ⊆ later PENDING ∪ POSTED by the same transfer, and in the outbox in the same moment
 *   recorded ⊆ later rows
 *   payments in PostgreSQL = PAYMENT entries in PostgreSQL, but for what is still on its way in Redis
 * Each wallet is read in one moment: available + pending + paid = charged.
 */
import type { Pool } from 'pg';
import { listConcertIds } from '../concerts/directory.ts';
import { WALLET_PARTITIONS } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { auditConcert, auditPaymentRows } from './audit-concert.ts';
import { auditMoneyOfRows } from './audit-money.ts';
import { auditTransfers } from './audit-transfers.ts';
import { auditWalletRows, auditWallets } from './audit-wallets.ts';
import { createFindings, type Findings } from './findings.ts';
import { seatsRecorded } from './ledger-rows.ts';

export interface AuditDeps {
  redis: RedisClient;
  sql: Pool;
  /** how long past its deadline a transfer may be before the sweeper must have settled it */
  graceMs: number;
}

const PARTITIONS_AT_ONCE = 4;

export async function auditOnce(deps: AuditDeps): Promise<Findings> {
  const findings = createFindings();
  await auditPaymentRows(deps, findings);
  await auditWalletRows(deps, findings);
  await auditMoneyOfRows(deps, findings);
  const partitions = Array.from({ length: WALLET_PARTITIONS }, (_, partition) => partition).values();
  const lane = async () => {
    for (const partition of partitions) {
      await auditTransfers(deps, partition, findings);
      await auditWallets(deps, partition, findings);
    }
  };
  await Promise.all(Array.from({ length: PARTITIONS_AT_ONCE }, lane));
  for (const concertId of await listConcertIds(deps)) {
    await auditConcert(deps, concertId, findings);
  }
  findings.totals.seatsRecorded = await seatsRecorded(deps.sql);
  return findings;
}
