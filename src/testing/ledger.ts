/** Events as the scripts write them, for tests of what comes after the outbox. */
import { randomUUID } from 'node:crypto';
import { entryPrefix } from '../wallet/entry.ts';
import type { Fields } from '../outbox/events.ts';

const hex = () => randomUUID().replaceAll('-', '');

/** A payment of a seat or two; `changes` replaces fields. */
export function paymentEvent(concertId: string, seats: string[], changes: Fields = {}): Fields {
  const id = hex();
  return {
    e: 'payment',
    v: '1',
    paymentId: `pay_${concertId}_${id}`,
    reservationId: `rsv_${concertId}_${id}`,
    userId: `u_${id}`,
    concertId,
    scheduleId: 'day-1',
    seats: seats.join(','),
    prices: seats.map(() => '1000').join(','),
    amount: String(1000 * seats.length),
    currency: 'KRW',
    balance: '5000',
    transferId: `t_${id}`,
    paidAt: '1767225600123',
    ...changes,
  };
}

/** Entry `n` of a user's wallet, a charge of 1,000. */
export function entryEvent(userId: string, n: number, changes: Fields = {}): Fields {
  return {
    e: 'entry',
    v: '1',
    userId,
    n: String(n),
    kind: 'CHARGE',
    amount: '1000',
    balance: String(1000 * n),
    at: String(1767225600000 + n),
    reference: `chg_${hex()}`,
    entryId: entryPrefix(userId) + String(n),
    ...changes,
  };
}
