/**
 * The ledger after Redis was lost. A payment and its money are recorded through two outboxes, so that the loss may have
 * come between them; each half is mended, once, by further entries:
 *   a payment without its entry:  the ticket is there, so its price leaves the wallet. Where the balance is too small
 *     for it, a charge is lost that PostgreSQL never had: the payment proves so much of it, which is entered before.
 *   an entry without its payment: the ticket is lost, so its price comes back, as a CHARGE that names the payment.
 */
import type { Pool } from 'pg';
import { newId } from '../ids.ts';
import { entryPrefix } from '../wallet/entry.ts';
import type { EntryRecord } from '../wallet/records.ts';
import { type TornWallet, tornWallets, writeEntries } from './rebuild-ledger.ts';

/** How many of each, and which, for the operator. */
export interface Mended {
  paid: string[];
  provenCharges: string[];
  givenBack: string[];
}

/** Safe to repeat: what is mended is no longer torn. No worker may write meanwhile. */
export async function mendLedger(sql: Pool, now: number = Date.now()): Promise<Mended> {
  const mended: Mended = { paid: [], provenCharges: [], givenBack: [] };
  for await (const wallets of tornWallets(sql)) {
    await writeEntries(
      sql,
      wallets.flatMap((wallet) => entriesFor(wallet, now, mended)),
    );
  }
  return mended;
}

function entriesFor({ userId, last, balance, torn }: TornWallet, now: number, mended: Mended): EntryRecord[] {
  const entries: EntryRecord[] = [];
  const append = (
    kind: EntryRecord['kind'],
    amount: number,
    { atMs, reference }: { atMs: number; reference: string },
  ) => {
    const n = last + entries.length + 1;
    balance += amount;
    entries.push({ userId, n, entryId: entryPrefix(userId) + n, kind, amount, balance, atMs, reference });
  };
  // The unpaid first (so they come): money given back is no proof against a charge that is lost.
  for (const { kind, paymentId, amount, atMs } of torn) {
    if (kind === 'UNUSED') {
      append('CHARGE', amount, { atMs: now, reference: paymentId });
      mended.givenBack.push(`${paymentId}: ${amount} back to ${userId}`);
      continue;
    }
    if (balance < amount) {
      mended.provenCharges.push(`${userId}: ${amount - balance} for ${paymentId}`);
      append('CHARGE', amount - balance, { atMs, reference: newId('chg') });
    }
    append('PAYMENT', -amount, { atMs, reference: paymentId });
    mended.paid.push(`${paymentId}: ${amount} from ${userId}`);
  }
  return entries;
}
