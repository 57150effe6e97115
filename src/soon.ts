/**
 * A value that may be there already. A promise of one costs 0.1 to 0.2 us, and a call passes ten of them on its way; what
 * memory can tell is told at once.
 */
export type Soon<T> = T | Promise<T>;

/** What comes after a value: at once where it is there. */
export function andThen<T, U>(soon: Soon<T>, next: (value: T) => Soon<U>): Soon<U> {
  return soon instanceof Promise ? soon.then(next) : next(soon);
}
