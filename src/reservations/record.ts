/** A reservation as it is stored (lua/include/reservation_read.lua), and as its user sees it. */
import type { Seat } from '../concerts/shapes.ts';
import type { Reply } from '../redis/script.ts';
import { concertOf, paymentIdOf } from './ids.ts';
import type { Reservation, ReservationStatus } from './shapes.ts';

export interface ReservationRecord {
  userId: string;
  scheduleId: string;
  seatIds: readonly string[];
  /** of each seat */
  prices: readonly number[];
  amount: number;
  currency: string;
  /** as written, not yet judged by the clock */
  status: ReservationStatus;
  createdMs: number;
  deadlineMs: number;
}

/** Reads field, value ... Throws on anything but a record: that is a bug of ours. */
export function readRecord(flat: readonly Reply[]): ReservationRecord {
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(String(flat[i]), String(flat[i + 1]));
  const field = (name: string) => {
    const value = fields.get(name);
    if (value === undefined) throw new Error(`a reservation without ${name}`);
    return value;
  };
  return {
    userId: field('user'),
    scheduleId: field('schedule'),
    seatIds: field('seats').split(','),
    prices: field('prices').split(',').map(Number),
    amount: Number(field('amount')),
    currency: field('currency'),
    status: field('status') as ReservationStatus,
    createdMs: Number(field('created')),
    deadlineMs: Number(field('deadline')),
  };
}

/** Judged by the clock of Redis: a hold past its deadline is EXPIRED, whether or not anybody wrote so. */
export function reservationOf(reservationId: string, record: ReservationRecord, nowMs: number): Reservation {
  const { userId, scheduleId, seatIds, prices, amount, currency, createdMs, deadlineMs } = record;
  const status = record.status === 'HELD' && deadlineMs <= nowMs ? 'EXPIRED' : record.status;
  return {
    reservationId,
    userId,
    concertId: concertOf(reservationId) ?? '',
    scheduleId,
    seats: seatIds.map((seatId, i) => seatOf(seatId, prices[i] ?? 0)),
    amount,
    currency,
    status,
    createdAt: new Date(createdMs).toISOString(),
    expiresAt: new Date(deadlineMs).toISOString(),
    paymentId: status === 'CONFIRMED' ? paymentIdOf(reservationId) : null,
    serverTime: new Date(nowMs).toISOString(),
  };
}

/** Section and row names hold no dash, so that a seat id falls apart at its two. */
function seatOf(seatId: string, price: number): Seat {
  const [section = '', row = '', number] = seatId.split('-');
  return { seatId, section, row, number: Number(number), price };
}
