/**
 * Whether a history of concurrent calls on one object can have happened one at a time: the search of Wing and Gong
 * (1993), with Lowe's memory of where it has been (2017), as porcupine has it. Here a call takes effect at a moment of
 * one clock, between its sending and its answer, so that deadlines are part of the model: a hold ends by itself.
 *
 * An order is built call by call, each at the earliest moment its predecessor and the model allow; later moments allow
 * nothing more, since every bound of what follows is an upper one. What was reached before, with the same calls done,
 * the same state and no later moment, is not looked at again.
 */
export interface Timed {
  /** moments in ms between which it takes effect, both included */
  lo: number;
  hi: number;
  /** it may never take effect: a call without an answer, or what the system does by itself */
  optional?: boolean;
}

/** The state after a call, and the earliest moment at which it can have come to be. */
export interface Step<S> {
  state: S;
  at: number;
}

export interface Model<S, O extends Timed> {
  initial: S;
  /** the same text for the same state */
  key(state: S): string;
  /**
   * Every way in which `op` can take effect with its answer, at `from` or later but not after `op.hi`; none where it
   * cannot. What changes nothing answers the very state it was given.
   */
  step(state: S, op: O, from: number): readonly Step<S>[];
  /** state and call in words, for a report */
  tell(state: S): string;
  tellOp(op: O): string;
}

export type Verdict =
  | { word: 'POSSIBLE'; looked: number }
  /** where the search came furthest, in words */
  | { word: 'IMPOSSIBLE'; looked: number; stuck: string }
  | { word: 'UNDECIDED'; looked: number };

interface Node<S> {
  /** every call before this one is done … */
  first: number;
  /** … and these after it, in order */
  beyond: readonly number[];
  state: S;
  now: number;
}

/** Beyond this a history is given up, which counts as a fault of the run: one of thousands of calls takes about as many. */
const LOOKED_MAX = 100_000;
const TOLD_MAX = 12;

/** By their beginning; what may never happen comes after all that did, or it would keep `first` back. */
interface Sorted<O> {
  ops: readonly O[];
  /** how many are not optional */
  certain: number;
}

export function linearize<S, O extends Timed>(history: readonly O[], model: Model<S, O>): Verdict {
  const [optional, certain] = [true, false].map((wanted) =>
    history.filter((op) => (op.optional ?? false) === wanted).sort((a, b) => a.lo - b.lo),
  ) as [O[], O[]];
  const sorted = { ops: [...certain, ...optional], certain: certain.length };
  const seen = new Map<string, number>();
  const root: Node<S> = { first: 0, beyond: [], state: model.initial, now: Number.NEGATIVE_INFINITY };
  const stack = [root];
  let furthest = root;
  for (let looked = 1; ; looked++) {
    const node = stack.pop();
    if (!node) return { word: 'IMPOSSIBLE', looked, stuck: tellStuck(sorted, model, furthest) };
    if (looked > LOOKED_MAX) return { word: 'UNDECIDED', looked };
    if (node.first >= sorted.certain) return { word: 'POSSIBLE', looked };
    if (node.now > furthest.now) furthest = node;
    for (const child of expand(sorted.ops, model, { node, next: candidates(sorted, node) })) {
      const key = `${child.first} ${child.beyond.join()} ${model.key(child.state)}`;
      const before = seen.get(key);
      if (before !== undefined && before <= child.now) continue;
      seen.set(key, child.now);
      stack.push(child);
    }
  }
}

/** Calls that may come next: none of the others must have ended before they began. */
function candidates({ ops, certain }: Sorted<Timed>, { first, beyond, now }: Node<unknown>): number[] {
  const done = new Set(beyond);
  const open: number[] = [];
  let firstEnd = Number.POSITIVE_INFINITY;
  const look = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const { lo, hi, optional } = ops[i] as Timed;
      if (lo > firstEnd) return;
      if (done.has(i)) continue;
      open.push(i);
      if (!optional) firstEnd = Math.min(firstEnd, hi);
    }
  };
  look(first, certain);
  look(certain, ops.length);
  return firstEnd < now ? [] : open.filter((i) => (ops[i] as Timed).lo <= firstEnd);
}

/**
 * The orders that go on from here, the most promising last: reads that fit the state, which may not come back; then the
 * call that ends first.
 */
function expand<S, O extends Timed>(
  ops: readonly O[],
  model: Model<S, O>,
  { node, next }: { node: Node<S>; next: readonly number[] },
): Node<S>[] {
  const children: { node: Node<S>; reads: boolean; hi: number }[] = [];
  for (const i of next) {
    const op = ops[i] as O;
    const from = Math.max(node.now, op.lo);
    if (from > op.hi) continue;
    for (const { state, at } of model.step(node.state, op, from)) {
      const child = { ...advance(node, i), state, now: at };
      // What changes nothing and costs no time is in nobody's way: it goes first, and needs no other order.
      if (state === node.state && at <= node.now) return [child];
      children.push({ node: child, reads: state === node.state, hi: op.hi });
    }
  }
  return children.sort((a, b) => Number(a.reads) - Number(b.reads) || b.hi - a.hi).map((child) => child.node);
}

function advance({ first, beyond }: Node<unknown>, i: number): { first: number; beyond: number[] } {
  const later = beyond.findIndex((other) => other > i);
  const done = later < 0 ? [...beyond, i] : [...beyond.slice(0, later), i, ...beyond.slice(later)];
  let skip = 0;
  while (done[skip] === first + skip) skip++;
  return { first: first + skip, beyond: done.slice(skip) };
}

function tellStuck<S, O extends Timed>(sorted: Sorted<O>, model: Model<S, O>, node: Node<S>): string {
  const left = candidates(sorted, { ...node, now: Number.NEGATIVE_INFINITY }).map((i) => sorted.ops[i] as O);
  const told = left
    .filter((op) => !op.optional)
    .slice(0, TOLD_MAX)
    .map((op) => `${model.tellOp(op)} in ${moment(op.lo)}-${moment(op.hi)}`);
  const { state, now, first, beyond } = node;
  return `after ${first + beyond.length} of ${sorted.ops.length} calls, at ${moment(now)}, ${model.tell(state)}; no order of: ${told.join('; ')}`;
}

/** Seconds of a minute are enough to find it in a log. */
function moment(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().slice(14, 23) : String(ms);
}
