/** How the scripts of this room answer what two of them can answer. */

/** A payment as the concert's slot has it; times in ms, money in the smallest unit. */
export interface Confirmed {
  transferId: string;
  scheduleId: string;
  /** comma separated, prices in the order of the seats */
  seats: string;
  prices: string;
  amount: number;
  currency: string;
  /** what was left to spend in the wallet */
  balance: number;
  paidAtMs: number;
  /** null until PostgreSQL has it */
  recordedAtMs: number | null;
}

/** Out of reply elements in the order of lua/include/payment_of.lua. */
export function confirmedOf(elements: string[]): Confirmed {
  const [
    transferId = '',
    scheduleId = '',
    seats = '',
    prices = '',
    amount,
    currency = '',
    balance,
    paidAt,
    recordedAt,
  ] = elements;
  return {
    transferId,
    scheduleId,
    seats,
    prices,
    amount: Number(amount),
    currency,
    balance: Number(balance),
    paidAtMs: Number(paidAt),
    recordedAtMs: recordedAt ? Number(recordedAt) : null,
  };
}

/** What a refused guard tells of the token's place: its status letter (include place), '' where it is gone. */
export function notActiveOf([status = '', sequence]: string[]): {
  status: string;
  sequence: number;
} {
  return { status, sequence: Number(sequence) };
}
