/** What was asked of onsale under load, how often, and what it answered: all that the invariants are held against. */

export const KINDS = ['join', 'leave', 'hold', 'cancel', 'charge', 'pay'] as const;
export type Kind = (typeof KINDS)[number];

/** One sending of a call. Times by this machine's clock, which is also that of Redis. */
export interface Attempt {
  /** the server that was asked */
  url: string;
  sentMs: number;
  doneMs: number;
  /** 0: no answer came, so whether it took effect is unknown */
  status: number;
  /** of a refusal; `HUNG` where not even a deadline of the server's came */
  code: string | null;
  /** of what the answer names: queue, reservation, charge or payment */
  id: string | null;
}

/** What a call changed, as its answer told. */
export interface Effect {
  /** queueId, reservationId, chargeId or paymentId; of a cancel the reservation's, of a leave the place's */
  id: string;
  /** charged, or of the seats */
  amount: number;
  /** of a join */
  sequence: number;
  /** of a hold */
  createdMs: number;
  expiresMs: number;
}

export interface Operation {
  kind: Kind;
  /** its Idempotency-Key */
  key: string;
  userId: string;
  concertId: string;
  /** schedule and seats of a hold, as `<schedule id> <seat id>` */
  seats: readonly string[];
  /** asked for: of a charge */
  amount: number;
  /** the place with which it was asked; '' before there is one */
  queueId: string;
  /** of a cancel and a payment */
  reservationId: string;
  /** to send it again */
  call: { method: string; path: string; body: unknown; bearer: string; queue: string };
  attempts: Attempt[];
  /** null: refused, or never answered */
  effect: Effect | null;
  /** code of the refusal that ended it; null where it had an effect, or no answer by the end */
  refusal: string | null;
}

export interface Ledger {
  readonly operations: Operation[];
  /** concert ids that were opened */
  readonly concerts: Set<string>;
  /** user id -> access token */
  readonly users: Map<string, string>;
  /** answers that contradict what their fan knew */
  readonly contradictions: string[];
  /** how many answers were held against what their fan knew */
  compared: number;
  /** reads: polls, seat maps, balances */
  reads: number;
}

export function newLedger(): Ledger {
  return {
    operations: [],
    concerts: new Set(),
    users: new Map(),
    contradictions: [],
    compared: 0,
    reads: 0,
  };
}

export interface Tally {
  operations: number;
  answered: number;
  unknown: number;
  refused: Record<string, number>;
}

/** The numbers of a verdict: how many operations, how they ended, how many had at first no answer. */
export function tally({ operations }: Pick<Ledger, 'operations'>): Tally {
  const refused: Record<string, number> = {};
  for (const { refusal } of operations) if (refusal !== null) refused[refusal] = (refused[refusal] ?? 0) + 1;
  return {
    operations: operations.length,
    answered: operations.filter(({ effect, refusal }) => effect !== null || refusal !== null).length,
    unknown: operations.filter(({ attempts }) => attempts.some(({ status }) => status === 0 || status >= 500)).length,
    refused,
  };
}
