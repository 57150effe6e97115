import type { Reply } from '../redis/script.ts';
import { groupsOf } from './groups.ts';

/** A reservation as the audit sees it (lua/include/audit_payment.lua). */
export interface AuditedPayment {
  reservationId: string;
  /** '' where its record is gone */
  status: string;
  userId: string;
  seats: string;
  amount: number;
  transferId: string;
  recorded: boolean;
  indexes: number[];
  /** indexes of its seats that do not name it, separated by commas */
  unnamed: string;
  /** indexes of its seats that are not sold, separated by commas */
  unsold: string;
  inOutbox: boolean;
}

export function auditedPayments(flat: Reply | undefined): AuditedPayment[] {
  return groupsOf(flat, 11).map((row) => {
    const [reservationId = '', status = '', userId = '', seats = '', amount, transferId = ''] = row;
    const [recordedAt, indexes = '', unnamed = '', unsold = '', entry] = row.slice(6);
    return {
      reservationId,
      status,
      userId,
      seats,
      amount: Number(amount),
      transferId,
      recorded: recordedAt !== '',
      indexes: indexes === '' ? [] : indexes.split(',').map(Number),
      unnamed,
      unsold,
      inOutbox: entry !== '',
    };
  });
}
