/**
 * The money of one fan: what can be spent. A payment takes its amount when it is authorised, which is before the seats
 * are sold; one that is refused afterwards gives it back.
 */
import { type Call, succeeded, windowOf } from './call.ts';
import { type Once, onceEach, refusedWindow } from './repeats.ts';
import type { Model, Step, Timed } from './search.ts';

export type WalletOp = Timed &
  (
    | { kind: 'charge'; amount: number; balance: number | null }
    | { kind: 'pay'; amount: number; balance: number }
    | { kind: 'read'; balance: number; less?: number }
    /** what a payment that came to nothing set aside, if it got so far, and gave back */
    | { kind: 'set-aside' | 'give-back'; attempt: number; amount: number }
  );

export interface WalletState {
  available: number;
  /** `<attempt>:<amount>`, in order */
  aside: readonly string[];
}

export const walletModel: Model<WalletState, WalletOp> = {
  initial: { available: 0, aside: [] },
  key: ({ available, aside }) => `${available} ${aside.join()}`,
  step,
  tell: ({ available, aside }) => `${available} to spend, ${aside.length} payments without an end`,
  tellOp: (op) => `${op.kind} ${'amount' in op ? op.amount : ''} ${'balance' in op ? `-> ${op.balance}` : ''}`.trim(),
};

function step(state: WalletState, op: WalletOp, at: number): Step<WalletState>[] {
  const { available, aside } = state;
  switch (op.kind) {
    case 'charge':
      if (op.balance !== null && available + op.amount !== op.balance) return [];
      return [{ at, state: { ...state, available: available + op.amount } }];
    case 'pay':
      if (available - op.amount !== op.balance || op.balance < 0) return [];
      return [{ at, state: { ...state, available: op.balance } }];
    case 'read':
      if (available !== op.balance || available >= (op.less ?? Number.POSITIVE_INFINITY)) return [];
      return [{ at, state }];
    case 'set-aside': {
      const refusedAtOnce = { at, state: { ...state, aside: [...aside, `${op.attempt}:0`].sort() } };
      if (available < op.amount) return [refusedAtOnce];
      const set = { available: available - op.amount, aside: [...aside, `${op.attempt}:${op.amount}`].sort() };
      return [refusedAtOnce, { at, state: set }];
    }
    case 'give-back': {
      const mine = aside.find((entry) => entry.startsWith(`${op.attempt}:`));
      if (mine === undefined) return [];
      const amount = Number(mine.split(':')[1]);
      return [{ at, state: { available: available + amount, aside: aside.filter((entry) => entry !== mine) } }];
    }
  }
}

/** A payment is refused with these before any money moves, or after some has been set aside. */
const PERHAPS_AFTER_MONEY = new Set(['NOT_ACTIVE', 'RESERVATION_EXPIRED', 'RESERVATION_CANCELLED']);

/** The calls of one fan about money; `amountOf`: of a reservation. */
export function walletOps(calls: readonly Call[], amountOf: (reservationId: string) => number, wrong: string[]) {
  const ops: WalletOp[] = [];
  for (const each of onceEach(calls, 'charge', wrong)) ops.push(...charge(each));
  for (const each of onceEach(calls, 'pay', wrong)) ops.push(...pay(each, { amountOf, attempts: ops.length }));
  for (const call of calls) {
    if (call.asked.kind === 'balance' && succeeded(call)) {
      ops.push({ kind: 'read', balance: call.body.balance ?? Number.NaN, ...windowOf(call) });
    }
  }
  return ops;
}

function charge({ calls, success, lo, hi }: Once): WalletOp[] {
  const asked = calls[0]?.asked;
  if (asked?.kind !== 'charge') return [];
  const balance = success ? (success.body.balance ?? Number.NaN) : null;
  return [{ kind: 'charge', amount: asked.amount, balance, lo, hi, ...(success ? {} : { optional: true }) }];
}

function pay(each: Once, { amountOf, attempts }: { amountOf(id: string): number; attempts: number }): WalletOp[] {
  const { success, calls, refusals } = each;
  const ops: WalletOp[] = [];
  if (success) {
    const { amount = Number.NaN, balance = Number.NaN } = success.body;
    // Authorised in the first call or later, and before the seats were sold: `each` ends with that very millisecond.
    ops.push({ kind: 'pay', amount, balance, lo: each.sent, hi: each.hi });
  }
  for (const [index, call] of refusals.entries()) {
    const { asked, body } = call;
    if (asked.kind !== 'pay') continue;
    const window = refusedWindow(each, call);
    const amount = amountOf(asked.reservationId);
    if (body.code === 'INSUFFICIENT_BALANCE') {
      ops.push({ kind: 'read', balance: body.balance ?? Number.NaN, less: amount, ...window });
    } else if (PERHAPS_AFTER_MONEY.has(body.code ?? '')) {
      const attempt = attempts * 1000 + index;
      ops.push({ kind: 'set-aside', attempt, amount, ...windowOf(call) });
      ops.push({ kind: 'give-back', attempt, amount, ...windowOf(call) });
    }
  }
  // Nobody knows what became of it: set aside or not, given back or not.
  if (!success && calls.length > 0) {
    const asked = calls[0]?.asked;
    const amount = asked?.kind === 'pay' ? amountOf(asked.reservationId) : 0;
    const unknown = { attempt: attempts * 1000 + 999, amount, lo: each.lo, hi: each.hi, optional: true };
    ops.push({ kind: 'set-aside', ...unknown }, { kind: 'give-back', ...unknown });
  }
  return ops;
}
