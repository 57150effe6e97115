import { randomHex } from '../ids.ts';

const PLAIN = /^[A-Za-z0-9._-]{1,64}$/;
/** Of this process; a counter behind it costs less than an id of its own for each call. */
const OWN = randomHex();
let count = 0;

/** The client's own where it is plain, else a new one. '' where the client sent none. */
export function requestIdOf(given: string): string {
  if (given !== '' && PLAIN.test(given)) return given;
  count += 1;
  return `${OWN}-${count.toString(36)}`;
}
