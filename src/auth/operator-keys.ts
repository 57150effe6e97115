/** The keys of the operators. Several may be good at once, which is how one is replaced by another. */
import { hash, timingSafeEqual } from 'node:crypto';

export interface OperatorKeys {
  /** operators are switched off: nobody is one, whatever they send or do not send */
  readonly off: boolean;
  /** Compares in constant time, whatever the lengths; false for every key where operators are switched off. */
  fits(key: string): boolean;
}

export function createOperatorKeys(keys: readonly string[] | 'off'): OperatorKeys {
  const digests = keys === 'off' ? [] : keys.map(digest);
  return {
    off: keys === 'off',
    fits(key) {
      const given = digest(key);
      let fits = false;
      // Each is compared, so that the time does not tell which one fits.
      for (const known of digests) fits = timingSafeEqual(known, given) || fits;
      return fits;
    },
  };
}

function digest(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}
