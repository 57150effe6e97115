/** The audit of a concert: every sold seat has its payment, every payment its seats, its money and its rows. */
import { LIMITS } from '../limits.ts';
import { concertKeys } from '../redis/keys.ts';
import type { AuditDeps } from './audit-pass.ts';
import { auditPayments } from './audit-payments.script.ts';
import { auditSeats } from './audit-seats.script.ts';
import { auditTransfersOf } from './audit-transfers.ts';
import type { AuditedPayment } from './audited-payment.ts';
import type { Findings } from './findings.ts';
import { eachPaymentSlice, type PaymentRow, paymentRows } from './ledger-rows.ts';
import { readConcert } from './read-concert.script.ts';

const SOLD = 'S'.charCodeAt(0);

export async function auditConcert(deps: AuditDeps, concertId: string, findings: Findings): Promise<void> {
  const keys = concertKeys(concertId);
  const before = await readConcert.run(deps.redis, { keys, args: {} });
  if (before.outcome === 'NONE') return; // its id is written before the concert itself
  auditCounters(concertId, before, findings);
  let paid = 0;
  for (const { scheduleId } of before.schedules) paid += await auditSchedule(deps, { concertId, scheduleId }, findings);
  const after = await readConcert.run(deps.redis, { keys, args: {} });
  if (after.outcome === 'NONE') return;
  if (paid < before.revenue || paid > after.revenue) {
    const detail = `the payments make ${paid}, the counter went from ${before.revenue} to ${after.revenue}`;
    findings.add('REVENUE', concertId, detail);
  }
}

type Concert = Extract<Awaited<ReturnType<typeof readConcert.run>>, { outcome: 'CONCERT' }>;

function auditCounters(concertId: string, { schedules, sold }: Concert, findings: Findings): void {
  for (const { scheduleId, freeCounter, free } of schedules) {
    if (freeCounter === free) continue;
    findings.add('FREE_SEATS', `${concertId} ${scheduleId}`, `${free} seats are free, the counter says ${freeCounter}`);
  }
  const bytes = schedules.reduce((sum, schedule) => sum + schedule.sold, 0);
  findings.totals.seatsSold += bytes;
  if (bytes !== sold) findings.add('SOLD_SEATS', concertId, `${bytes} seats are sold, the counter says ${sold}`);
}

interface ScheduleName {
  concertId: string;
  scheduleId: string;
}

/** Sold seats first, then the payments that are to cover them, then those payments' money and rows. Returns what was paid. */
async function auditSchedule(
  deps: AuditDeps,
  { concertId, scheduleId }: ScheduleName,
  findings: Findings,
): Promise<number> {
  const keys = concertKeys(concertId);
  const bytes = await deps.redis.getBuffer(keys.status(scheduleId));
  const covered = new Set<number>();
  const seen = new Set<string>();
  let paid = 0;
  let cursor = '0';
  do {
    const slice = await auditSeats.run(deps.redis, {
      keys: { ...keys, seats: keys.seats(scheduleId) },
      args: { cursor, count: LIMITS.AUDIT_SLICE },
    });
    const fresh = slice.reservations.filter(({ reservationId }) => !seen.has(reservationId));
    for (const reservation of fresh) {
      seen.add(reservation.reservationId);
      auditTaken(reservation, findings);
    }
    const confirmed = fresh.filter(({ status }) => status === 'CONFIRMED');
    for (const { indexes, amount } of confirmed) {
      paid += amount;
      for (const index of indexes) covered.add(index);
    }
    await auditConfirmed(deps, confirmed, findings);
    cursor = slice.cursor;
  } while (cursor !== '0');
  for (const [index, byte] of bytes?.entries() ?? []) {
    if (byte !== SOLD || covered.has(index)) continue;
    findings.add(
      'SEAT_WITHOUT_PAYMENT',
      `${concertId} ${scheduleId} ${index}`,
      'the seat of this index is sold, but no payment has it',
    );
  }
  return paid;
}

/** A taken seat belongs to a payment or to a hold. */
function auditTaken({ reservationId, status, unnamed, unsold }: AuditedPayment, findings: Findings): void {
  if (status === 'CONFIRMED') {
    if (unnamed !== '' || unsold !== '') {
      const detail = `its seats of index ${unnamed || '-'} are not its own, of index ${unsold || '-'} not sold`;
      findings.add('SEAT_NOT_SOLD', reservationId, detail);
    }
  } else if (status !== 'HELD') {
    const detail = `seats name this reservation, which is ${status === '' ? 'gone' : status}`;
    findings.add('SEAT_WITHOUT_HOLD', reservationId, detail);
  }
}

async function auditConfirmed(
  deps: AuditDeps,
  confirmed: readonly AuditedPayment[],
  findings: Findings,
): Promise<void> {
  const unrecorded = confirmed.filter(({ recorded }) => !recorded);
  for (const { reservationId, seats, inOutbox } of unrecorded) {
    findings.totals.outbox += seats.split(',').length;
    if (inOutbox) continue;
    findings.add('PAYMENT_OUTBOX', reservationId, 'is neither recorded nor in the outbox; see dead_letters');
  }
  await auditTransfersOf(deps, unrecorded, findings);
  await auditRecorded(
    deps,
    confirmed.filter(({ recorded }) => recorded),
    findings,
  );
}

/** Recorded ⊆ later rows, as they stand in Redis. */
async function auditRecorded(
  { sql }: AuditDeps,
  recorded: readonly AuditedPayment[],
  findings: Findings,
): Promise<void> {
  const rows = await paymentRows(
    sql,
    recorded.map(({ reservationId }) => reservationId),
  );
  for (const payment of recorded) {
    const row = rows.get(payment.reservationId);
    if (!row) findings.add('PAYMENT_ROW_MISSING', payment.reservationId, 'is recorded, but not in PostgreSQL');
    else compare(payment, row, findings);
  }
}

function compare(payment: AuditedPayment, row: PaymentRow, findings: Findings): void {
  const inRedis = [payment.userId, payment.amount, payment.transferId, payment.seats].join(' ');
  const inPostgres = [row.userId, row.amount, row.transferId, row.seats].join(' ');
  if (inRedis === inPostgres) return;
  findings.add('PAYMENT_ROW_DIFFERS', payment.reservationId, `Redis has ${inRedis}, PostgreSQL ${inPostgres}`);
}

/** Rows ⊆ later CONFIRMED and sold. */
export async function auditPaymentRows({ redis, sql }: AuditDeps, findings: Findings): Promise<void> {
  await eachPaymentSlice(sql, async (rows) => {
    for (const [concertId, ofConcert] of Map.groupBy(rows, (row) => row.concertId)) {
      const { reservations } = await auditPayments.run(redis, {
        keys: concertKeys(concertId),
        args: {},
        moreArgs: ofConcert.map(({ reservationId }) => reservationId),
      });
      for (const [i, row] of ofConcert.entries()) {
        const payment = reservations[i];
        if (payment?.status !== 'CONFIRMED') {
          const found = payment?.status || 'not there';
          findings.add(
            'ROW_WITHOUT_PAYMENT',
            row.reservationId,
            `is in PostgreSQL as ${row.paymentId}, but ${found} in Redis`,
          );
        } else {
          auditTaken(payment, findings);
          compare(payment, row, findings);
        }
      }
    }
  });
}
