/**
 * Calls that repeat each other (same key; payments of one reservation, whatever their key) as one: all their successes
 * must be the same answer, and what they changed they changed once, at a moment between the first sending and the
 * first such answer. A refusal stands for itself: it is not stored, so it must have come before the success.
 */
import { type Call, succeeded, timeOf, windowOf } from './call.ts';

export interface Once {
  /** those that may have had the effect: answered with success, or not answered */
  calls: readonly Call[];
  /** the answer; null where none came, and perhaps nothing happened */
  success: Call | null;
  refusals: readonly Call[];
  /** when the first of `calls` was sent */
  sent: number;
  /** when the effect was */
  lo: number;
  hi: number;
}

type Kind = 'join' | 'hold' | 'pay' | 'charge';

/** What makes two successes the same, and the server's own time of the effect. */
const EFFECT: Record<Kind, { same(call: Call): unknown[]; at(call: Call): number | undefined }> = {
  join: {
    same: ({ body }) => [body.queueId, body.sequence, body.joinedAt],
    at: ({ body }) => timeOf(body.joinedAt),
  },
  hold: {
    same: ({ body }) => [body.reservationId, body.createdAt, body.expiresAt, body.amount],
    at: ({ body }) => timeOf(body.createdAt),
  },
  pay: {
    same: ({ body }) => [body.paymentId, body.paidAt, body.balance, body.amount],
    at: ({ body }) => timeOf(body.paidAt),
  },
  charge: { same: ({ body }) => [body.chargeId, body.balance], at: () => undefined },
};

/** Everything asked once or more; contradictions are added to `wrong`. */
export function onceEach(calls: readonly Call[], kind: Kind, wrong: string[]): Once[] {
  const groups = Map.groupBy(
    calls.filter(({ asked }) => asked.kind === kind),
    ({ asked, key, fan, lo }) =>
      asked.kind === 'pay' ? `${fan} ${asked.reservationId}` : `${fan} ${key ?? `call at ${lo}`}`,
  );
  return [...groups.values()].map((group) => once(group, kind, wrong));
}

function once(group: readonly Call[], kind: Kind, wrong: string[]): Once {
  const { same, at } = EFFECT[kind];
  const successes = group.filter(succeeded).sort((a, b) => a.hi - b.hi);
  const calls = group.filter((call) => succeeded(call) || call.status === 0);
  const refusals = group.filter((call) => !calls.includes(call));
  const success = successes[0] ?? null;
  const lo = Math.min(...calls.map((call) => call.lo));
  const sent = windowOf({ lo, hi: lo }).lo;
  if (!success) return { calls, success, refusals, sent, lo: sent, hi: Number.POSITIVE_INFINITY };

  const told = new Set(successes.map((call) => JSON.stringify(same(call))));
  if (told.size > 1) wrong.push(`${kind} of ${success.fan}, asked ${group.length} times: ${[...told].join(' and ')}`);
  const happened = at(success);
  const window = windowOf({ lo, hi: success.hi }, happened);
  if (!(window.lo <= window.hi)) {
    wrong.push(`${kind} of ${success.fan}: the server's time of it, ${happened}, is not within ${lo} to ${success.hi}`);
  }
  const late = refusals.filter((call) => windowOf(call).lo > window.hi);
  for (const { body, key } of late) {
    wrong.push(`${kind} of ${success.fan}: ${body.code} was answered to ${key} after it had succeeded`);
  }
  return { calls, success, refusals: refusals.filter((call) => !late.includes(call)), sent, ...window };
}

/** The window of a refusal that must have come before the success of the same thing. */
export function refusedWindow({ success, hi }: Once, refusal: Call): { lo: number; hi: number } {
  const window = windowOf(refusal);
  return success ? { lo: window.lo, hi: Math.min(window.hi, hi) } : window;
}
