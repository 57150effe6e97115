/** What can be in a bag, one bag. */
export interface InBag {
  /** where it is in the bag; -1: it is in none */
  at: number;
}

/**
 * Things in no order; who adds one sees to it that it is in no other bag. For things that come and go by the thousand,
 * where a Set costs more than its time: its table is made anew every few milliseconds, and one that was promoted to the
 * old generation keeps the next from dying young, with all that is in it. So it was with requests: half of what was
 * promoted were dead ones.
 */
export class Bag<T extends InBag> {
  readonly #all: T[] = [];

  add(one: T): void {
    if (one.at === -1) one.at = this.#all.push(one) - 1;
  }

  /** The last one takes its place. */
  remove(one: T): void {
    if (one.at === -1) return;
    const last = this.#all.pop();
    if (last && last !== one) {
      this.#all[one.at] = last;
      last.at = one.at;
    }
    one.at = -1;
  }

  /** Those that are in it now, whatever becomes of it meanwhile. */
  all(): T[] {
    return this.#all.slice();
  }
}
