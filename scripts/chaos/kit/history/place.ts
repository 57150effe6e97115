/**
 * One fan in one waiting room: their places one after the other, what admits and ends them, and the holds that keep a
 * place alive. Admission is the system's own doing, at any moment; deadlines pass by themselves. When a place was
 * admitted or claimed is known within bounds until a ticket tells its deadline.
 */
import type { Model, Step, Timed } from './search.ts';

export type PlaceOp = Timed &
  (
    | { kind: 'join' | 'admit' | 'leave'; place: number }
    /** what a ticket says of a place */
    | { kind: 'ticket'; place: number; status: string; reason: string | null; expiresAt: number }
    /** a guarded call that passed, which claims the place */
    | { kind: 'guarded'; place: number }
    | { kind: 'not-active'; place: number; status: string }
    | { kind: 'session-over'; place: number; expiresAt: number }
    | { kind: Change; place: number; reservation: string; until: Range }
  );

export interface Range {
  min: number;
  max: number;
}

export interface PlaceState {
  /** by number of the place: what became of those before the present one, as tickets say it */
  over: readonly string[];
  place: number;
  word: 'NONE' | 'WAITING' | 'ACTIVE' | 'LEFT';
  /** end of the claim window; null once claimed */
  claim: Range | null;
  session: Range;
  paid: boolean;
  /** deadlines of the fan's holds, by reservation: neither cancelled nor paid */
  holds: ReadonlyMap<string, Range>;
}

/** Just before a deadline. */
const BEFORE_MS = 0.001;
const NEVER: Range = { min: 0, max: 0 };
const START: PlaceState = {
  over: [],
  place: -1,
  word: 'NONE',
  claim: null,
  session: NEVER,
  paid: false,
  holds: new Map(),
};

type Steps = Step<PlaceState>[];
interface Span {
  from: number;
  to: number;
}

/** The latest deadline of holds; of one that was never answered it is known within bounds. */
function lastHold(holds: PlaceState['holds']): Range {
  const all = [...holds.values()];
  return { min: Math.max(0, ...all.map(({ min }) => min)), max: Math.max(0, ...all.map(({ max }) => max)) };
}

function deadlineOf({ claim, session, paid, holds }: PlaceState): Range {
  if (claim) return claim;
  const last = lastHold(holds);
  return paid ? last : { min: Math.max(session.min, last.min), max: Math.max(session.max, last.max) };
}

/** Its end, once it is past its deadline. */
function endOf({ word, claim, paid }: PlaceState): string {
  if (word === 'LEFT') return 'LEFT LEFT';
  if (paid) return 'USED PAID';
  return `EXPIRED ${claim ? 'UNCLAIMED' : 'SESSION_OVER'}`;
}

function at(span: Span, state: PlaceState): Steps {
  return span.from <= span.to ? [{ state, at: span.from }] : [];
}

/** Narrows to the moments when the present place is ACTIVE. */
function whileActive(state: PlaceState, place: number, span: Span): Span | null {
  if (state.place !== place || state.word !== 'ACTIVE') return null;
  return { ...span, to: Math.min(span.to, deadlineOf(state).max - BEFORE_MS) };
}

/** … and to those when it has ended by its deadline. */
function whileOver(state: PlaceState, span: Span): Span | null {
  return state.word === 'ACTIVE' ? { ...span, from: Math.max(span.from, deadlineOf(state).min) } : null;
}

interface Lengths {
  claimMs: number;
  sessionMs: number;
}
type Change = 'hold' | 'cancel' | 'pay';

/** The session of a place that was not claimed before begins within the span. */
function claimed(state: PlaceState, { from, to, sessionMs }: Span & { sessionMs: number }): PlaceState {
  return state.claim ? { ...state, claim: null, session: { min: from + sessionMs - 1, max: to + sessionMs } } : state;
}

function join(state: PlaceState, place: number, span: Span): Steps {
  if (state.word === 'WAITING') return [];
  const since = state.word === 'ACTIVE' ? whileOver(state, span) : span;
  if (!since) return [];
  const over = state.place < 0 ? state.over : withEnd(state.over, state.place, endOf(state));
  return at(since, { ...START, over, place, word: 'WAITING' });
}

function ticket(state: PlaceState, op: PlaceOp & { kind: 'ticket' }, { claimMs, ...span }: Span & Lengths): Steps {
  const { place, status, reason, expiresAt } = op;
  if (place !== state.place) return `${status} ${reason}` === state.over[place] ? at(span, state) : [];
  if (status === 'WAITING') return state.word === 'WAITING' ? at(span, state) : [];
  if (status === 'ACTIVE') {
    const live = whileActive(state, place, { ...span, to: Math.min(span.to, expiresAt - BEFORE_MS) });
    const told = live && toldDeadline(state, expiresAt);
    // Admitted by then.
    return told && !(state.claim && expiresAt - claimMs > span.to) ? at(live, told) : [];
  }
  if (`${status} ${reason}` !== endOf(state)) return [];
  if (state.word === 'LEFT') return at(span, state);
  const over = whileOver(state, span);
  return over ? at(over, state) : [];
}

function leave(state: PlaceState, place: number, span: Span): Steps {
  if (place !== state.place) return place < state.place ? at(span, state) : [];
  const left: PlaceState = { ...state, word: 'LEFT', holds: new Map() };
  if (state.word === 'WAITING') return at(span, left);
  if (state.word === 'LEFT') return at(span, state);
  const live = whileActive(state, place, span);
  const over = whileOver(state, span);
  return [...(live ? at(live, left) : []), ...(over ? at(over, state) : [])];
}

function notActive(state: PlaceState, { place, status }: { place: number; status: string }, span: Span): Steps {
  if (place !== state.place) return state.over[place]?.startsWith(`${status} `) ? at(span, state) : [];
  if (status === 'WAITING' || status === 'LEFT') return state.word === status ? at(span, state) : [];
  const over = endOf(state).startsWith(`${status} `) ? whileOver(state, span) : null;
  return over ? at(over, state) : [];
}

/** A live place whose session is over, or which has paid, and which holds keep alive. */
function sessionOver(state: PlaceState, { place, expiresAt }: { place: number; expiresAt: number }, span: Span) {
  const live = whileActive(state, place, span);
  const last = lastHold(state.holds);
  if (!live || state.claim || expiresAt < last.min || expiresAt > last.max) return [];
  return at(state.paid ? live : { ...live, from: Math.max(live.from, state.session.min) }, state);
}

function change(state: PlaceState, op: PlaceOp & { kind: Change }, { sessionMs, ...span }: Span & Lengths): Steps {
  const { kind, place, reservation, until } = op;
  if (kind === 'cancel') {
    // Needs no place, and what was cancelled with its place, or before, changes nothing.
    if (!state.holds.has(reservation)) return at(span, state);
    return at({ ...span, to: Math.min(span.to, until.max - BEFORE_MS) }, without(state, reservation));
  }
  const live = whileActive(state, place, span);
  if (!live) return [];
  const own = claimed(state, { ...live, sessionMs });
  if (kind === 'pay') return state.holds.has(reservation) ? at(live, { ...without(own, reservation), paid: true }) : [];
  if (state.paid) return [];
  const inSession = { ...live, to: Math.min(live.to, own.session.max - BEFORE_MS) };
  return at(inSession, { ...own, holds: new Map([...own.holds, [reservation, until]]) });
}

export function placeModel({ claimMs, sessionMs }: Lengths): Model<PlaceState, PlaceOp> {
  function step(state: PlaceState, op: PlaceOp, from: number): readonly Step<PlaceState>[] {
    const span = { from, to: op.hi };
    switch (op.kind) {
      case 'join':
        return join(state, op.place, span);
      case 'admit': {
        if (state.place !== op.place || state.word !== 'WAITING') return [];
        return at(span, {
          ...state,
          word: 'ACTIVE',
          claim: { min: from + claimMs - 1, max: Number.POSITIVE_INFINITY },
        });
      }
      case 'leave':
        return leave(state, op.place, span);
      case 'ticket':
        return ticket(state, op, { ...span, claimMs, sessionMs });
      case 'guarded': {
        const live = whileActive(state, op.place, span);
        return live ? at(live, claimed(state, { ...live, sessionMs })) : [];
      }
      case 'not-active':
        return notActive(state, op, span);
      case 'session-over':
        return sessionOver(state, op, span);
      case 'hold':
      case 'cancel':
      case 'pay':
        return change(state, op, { ...span, claimMs, sessionMs });
    }
  }

  return {
    initial: START,
    key: (state) =>
      JSON.stringify([
        state.over,
        state.place,
        state.word,
        state.claim,
        state.session,
        state.paid,
        [...state.holds.keys()].sort(),
      ]),
    step,
    tell: (state) =>
      `place ${state.place} ${state.word}, to ${JSON.stringify(deadlineOf(state))}, holds ${JSON.stringify([...state.holds])}${state.paid ? ', paid' : ''}`,
    tellOp: (op) => `${op.kind} ${JSON.stringify({ ...op, kind: undefined, lo: undefined, hi: undefined })}`,
  };
}

/** A ticket tells the deadline: what was known within bounds is known then. null where it contradicts them. */
function toldDeadline(state: PlaceState, expiresAt: number): PlaceState | null {
  const known = deadlineOf(state);
  if (expiresAt < known.min || expiresAt > known.max) return null;
  if (known.min === known.max) return state;
  const exact = { min: expiresAt, max: expiresAt };
  if (state.claim) return { ...state, claim: exact };
  const last = lastHold(state.holds);
  if (last.min !== last.max) return state;
  // Where the last hold ends then, the session ends no later.
  if (last.max !== expiresAt) return { ...state, session: exact };
  return state.session.max <= expiresAt ? state : { ...state, session: { ...state.session, max: expiresAt } };
}

function without(state: PlaceState, reservation: string): PlaceState {
  return { ...state, holds: new Map([...state.holds].filter(([id]) => id !== reservation)) };
}

function withEnd(over: readonly string[], place: number, end: string): string[] {
  const next = [...over];
  while (next.length <= place) next.push('');
  next[place] = end;
  return next;
}
