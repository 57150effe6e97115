/**
 * The seats of one bench: a few neighbours, so that a hold of several is checked as one thing. A seat is free, held by
 * a reservation until its deadline, or sold. A hold past its deadline ends by itself, whether or not anybody has tidied.
 */
import type { Model, Step, Timed } from './search.ts';

/** A reservation as its answer tells of it; of one without an answer the deadline is known within bounds only. */
export interface Reserved {
  id: string;
  fan: string;
  queueId: string;
  /** numbers of its seats within the bench */
  seats: readonly number[];
  until: { min: number; max: number };
}

export type Standing = 'HELD' | 'EXPIRED' | 'CANCELLED' | 'CONFIRMED';

export type BenchOp = Timed &
  (
    | { kind: 'hold' | 'cancel' | 'pay'; reservation: number }
    /** `lost` of the asked seats were taken, the others free; `own`: all of them by that one hold of the fan's */
    | { kind: 'taken'; asked: readonly number[]; lost: readonly number[]; own: string | null; fan: string }
    /** gives back the live holds made with that place */
    | { kind: 'leave'; queueId: string }
    | { kind: 'standing'; reservation: number; is: Standing }
    /** `after`: reservations that it must know of */
    | { kind: 'map'; seats: readonly string[]; after: readonly number[] }
  );

export interface BenchState {
  /** by seat: number of the reservation that has it, -1 for none */
  seats: readonly number[];
  /** by reservation: `.` not made, H held (perhaps past its deadline), C cancelled, S sold */
  standing: string;
}

/** A sweeper tells maps of passed deadlines; they show it 2 s later at most (contract, "How fresh"). */
const SWEPT_MS = 2_000;
/** Just before a deadline. */
const BEFORE_MS = 0.001;
const NONE = -1;

/** The moments at which an answer can have been given, narrowed by what the state demands. */
interface Span {
  from: number;
  to: number;
}
type Steps = Step<BenchState>[];

/** A state, and the reservations whose numbers it holds. */
interface Bench extends BenchState {
  all: readonly Reserved[];
}

const of = ({ all }: Bench, reservation: number): Reserved => all[reservation] as Reserved;
const holderOf = ({ seats }: BenchState, seat: number): number => seats[seat] ?? NONE;
const letterOf = ({ standing }: BenchState, reservation: number): string => standing.charAt(reservation);

/** Narrows the span to when the seat was free: null where it was not. */
function whileFree(bench: Bench, seat: number, span: Span): Span | null {
  const holder = holderOf(bench, seat);
  if (holder === NONE) return span;
  return letterOf(bench, holder) === 'S' ? null : whileExpired(bench, holder, span);
}

function whileTaken(bench: Bench, seat: number, span: Span): Span | null {
  const holder = holderOf(bench, seat);
  if (holder === NONE) return null;
  return letterOf(bench, holder) === 'S' ? span : whileLive(bench, holder, span);
}

/** `laterMs`: how long after its deadline a hold may still show. */
function whileLive(bench: Bench, reservation: number, span: Span, laterMs = 0): Span {
  return { ...span, to: Math.min(span.to, of(bench, reservation).until.max + laterMs - BEFORE_MS) };
}

function whileExpired(bench: Bench, reservation: number, span: Span): Span {
  return { ...span, from: Math.max(span.from, of(bench, reservation).until.min) };
}

function hold(bench: Bench, reservation: number, span: Span): Steps {
  if (letterOf(bench, reservation) !== '.') return [];
  const wanted = of(bench, reservation).seats;
  const narrowed = allOf(wanted, span, (seat, within) => whileFree(bench, seat, within));
  const seats = bench.seats.map((holder, seat) => (wanted.includes(seat) ? reservation : holder));
  return at(narrowed, { seats, standing: mark(bench.standing, reservation, 'H') });
}

function taken(bench: Bench, state: BenchState, { op, span }: { op: BenchOp & { kind: 'taken' }; span: Span }): Steps {
  const holders = new Set(op.lost.map((seat) => holderOf(bench, seat)));
  const [holder = NONE] = holders;
  const one = holders.size === 1 && letterOf(bench, holder) === 'H' ? of(bench, holder) : null;
  const own = one?.fan === op.fan ? one.id : null;
  // The id of a hold that was never answered is not known.
  if (own !== op.own && !(own?.startsWith('?') && op.own !== null)) return [];
  const narrowed = allOf(op.asked, span, (seat, within) =>
    op.lost.includes(seat) ? whileTaken(bench, seat, within) : whileFree(bench, seat, within),
  );
  return at(narrowed, state);
}

/** Several outcomes where deadlines lie within the call: before the first of them, from the first on, and so on. */
function leave(bench: Bench, state: BenchState, { queueId, span }: { queueId: string; span: Span }): Steps {
  const live = bench.all.flatMap((reserved, reservation) => {
    const given = reserved.queueId === queueId && letterOf(bench, reservation) === 'H';
    return given && reserved.until.max > span.from ? [{ reservation, until: reserved.until }] : [];
  });
  const moments = [span.from, ...live.map(({ until }) => until.min)].filter((moment) => moment >= span.from);
  return moments
    .filter((moment) => moment <= span.to)
    .map((moment) => {
      const given = live.filter(({ until }) => until.max > moment).map(({ reservation }) => reservation);
      return { at: moment, state: given.length === 0 ? state : free(state, given) };
    });
}

function free(state: BenchState, reservations: readonly number[]): BenchState {
  let { standing } = state;
  for (const reservation of reservations) standing = mark(standing, reservation, 'C');
  return { standing, seats: state.seats.map((holder) => (reservations.includes(holder) ? NONE : holder)) };
}

/** When the reservation stood so. */
function whileStanding(bench: Bench, { reservation, is }: { reservation: number; is: Standing }, span: Span) {
  const letter = letterOf(bench, reservation);
  if (is === 'CANCELLED') return letter === 'C' ? span : null;
  if (is === 'CONFIRMED') return letter === 'S' ? span : null;
  if (letter !== 'H') return null;
  return is === 'HELD' ? whileLive(bench, reservation, span) : whileExpired(bench, reservation, span);
}

/** When a map showed the seat so: a hold past its deadline may still show as HELD until it is swept. */
function whileShown(bench: Bench, { seat, as }: { seat: number; as: string | undefined }, span: Span): Span | null {
  if (as === 'AVAILABLE') return whileFree(bench, seat, span);
  const holder = holderOf(bench, seat);
  const sold = letterOf(bench, holder) === 'S';
  if (holder === NONE || (as === 'SOLD') !== sold) return null;
  return sold ? span : whileLive(bench, holder, span, SWEPT_MS);
}

function cancel(bench: Bench, state: BenchState, { reservation, span }: { reservation: number; span: Span }): Steps {
  const letter = letterOf(bench, reservation);
  if (letter === 'C') return at(span, state);
  return letter === 'H' ? at(whileLive(bench, reservation, span), free(state, [reservation])) : [];
}

function pay(bench: Bench, state: BenchState, { reservation, span }: { reservation: number; span: Span }): Steps {
  const names = of(bench, reservation).seats.every((seat) => holderOf(bench, seat) === reservation);
  if (letterOf(bench, reservation) !== 'H' || !names) return [];
  const sold = { ...state, standing: mark(state.standing, reservation, 'S') };
  return at(whileLive(bench, reservation, span), sold);
}

export function benchModel(seats: number, all: readonly Reserved[]): Model<BenchState, BenchOp> {
  function step(state: BenchState, op: BenchOp, from: number): Steps {
    const bench = { ...state, all };
    const span = { from, to: op.hi };
    switch (op.kind) {
      case 'hold':
        return hold(bench, op.reservation, span);
      case 'taken':
        return taken(bench, state, { op, span });
      case 'cancel':
        return cancel(bench, state, { reservation: op.reservation, span });
      case 'pay':
        return pay(bench, state, { reservation: op.reservation, span });
      case 'leave':
        return leave(bench, state, { queueId: op.queueId, span });
      case 'standing':
        return at(whileStanding(bench, op, span), state);
      case 'map': {
        if (op.after.some((reservation) => letterOf(bench, reservation) === '.')) return [];
        const narrowed = allOf([...op.seats.entries()], span, ([seat, as], within) =>
          whileShown(bench, { seat, as }, within),
        );
        return at(narrowed, state);
      }
    }
  }

  const tellSeat = (state: BenchState, holder: number) => {
    const reserved = all[holder];
    if (!reserved) return 'free';
    return `${letterOf(state, holder) === 'S' ? 'sold to' : 'held by'} ${reserved.id} until ${clock(reserved.until.min)}`;
  };
  return {
    initial: { seats: new Array<number>(seats).fill(NONE), standing: '.'.repeat(all.length) },
    key: (state) => `${state.seats.join()} ${state.standing}`,
    step,
    tell: (state) => `seats: ${state.seats.map((holder) => tellSeat(state, holder)).join(', ')}`,
    tellOp: (op) => ('reservation' in op ? `${tellOp(op)} ${all[op.reservation]?.id}` : tellOp(op)),
  };
}

function tellOp(op: BenchOp): string {
  if (op.kind === 'map') return `map ${op.seats.join(',')}`;
  if (op.kind === 'taken') return `taken ${op.lost.join()} of ${op.asked.join()}`;
  return op.kind === 'standing' ? op.is : op.kind;
}

const clock = (ms: number): string => new Date(ms).toISOString().slice(14, 23);

function mark(standing: string, reservation: number, letter: string): string {
  return standing.slice(0, reservation) + letter + standing.slice(reservation + 1);
}

function at(span: Span | null, state: BenchState): Steps {
  return span && span.from <= span.to ? [{ state, at: span.from }] : [];
}

function allOf<T>(items: readonly T[], span: Span, narrow: (item: T, span: Span) => Span | null): Span | null {
  let within: Span | null = span;
  for (const item of items) within = within && narrow(item, within);
  return within;
}
