/**
 * The sequence numbers of places that ended while waiting, as a process remembers them. Immutable, so that the view of
 * one tick stays true while the next one is made. A million leavers are one long array that is seldom copied, and a
 * short one for those of late.
 */
export interface LeftSet {
  /** ascending; may begin with numbers at or below the frontier, which nobody asks for any more */
  readonly old: readonly number[];
  /** ascending, none of them in `old` */
  readonly late: readonly number[];
}

const LATE_MAX = 1_024;

export const NOBODY_LEFT: LeftSet = { old: [], late: [] };

export function hasLeft({ old, late }: LeftSet, sequence: number): boolean {
  return old[rank(old, sequence)] === sequence || late[rank(late, sequence)] === sequence;
}

/** How many left of those with `after` < sequence < `before`. */
export function countLeft({ old, late }: LeftSet, after: number, before: number): number {
  const between = (sorted: readonly number[]) => Math.max(0, rank(sorted, before) - rank(sorted, after + 1));
  return between(old) + between(late);
}

/** The set with these too, in whatever order and however often they are named, and without what is not above the frontier. */
export function addLeft(set: LeftSet, sequences: readonly number[], frontier: number): LeftSet {
  const added = sequences.filter((sequence) => sequence > frontier && !hasLeft(set, sequence)).sort((a, b) => a - b);
  const unique = added.filter((sequence, i) => sequence !== added[i - 1]);
  const last = set.old.at(-1);
  const old = last !== undefined && last <= frontier ? [] : set.old;
  if (unique.length === 0) return old === set.old ? set : { old, late: set.late };
  const late = merge(above(set.late, frontier), unique);
  return late.length <= LATE_MAX ? { old, late } : { old: merge(above(old, frontier), late), late: [] };
}

function above(sorted: readonly number[], frontier: number): readonly number[] {
  return sorted.slice(rank(sorted, frontier + 1));
}

/** How many are smaller. */
function rank(sorted: readonly number[], sequence: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

function merge(a: readonly number[], b: readonly number[]): number[] {
  const merged: number[] = [];
  let i = 0;
  let j = 0;
  for (;;) {
    const x = a[i];
    const y = b[j];
    if (x === undefined && y === undefined) return merged;
    if (y === undefined || (x !== undefined && x < y)) {
      merged.push(x as number);
      i++;
    } else {
      merged.push(y);
      j++;
    }
  }
}
