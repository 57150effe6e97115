/**
 * A value that may be there already. A promise of one costs 0.1 to 0.2 us, and a call passes ten of them on its way; what
 * memory can tell is told at once: `const value = soon instanceof Promise ? await soon : soon`.
 */
export type Soon<T> = T | Promise<T>;
