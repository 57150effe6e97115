/**
 * The clock of this machine, which Redis' `TIME` shows in whole milliseconds, in parts of a millisecond. CLOCK_MONOTONIC
 * and CLOCK_REALTIME run at the same rate (both are slewed), so one look at their difference is enough, until somebody
 * sets the clock.
 */
const LOOK_MS = 20;
/** more than the calls between two readings take */
const SET_MS = 5;

export interface WallClock {
  /** ms since the epoch; never goes back */
  now(): number;
  /** true where the machine's clock was set since: then times of the servers and of the calls do not compare */
  wasSet(): boolean;
}

export function startClock(): WallClock {
  const offset = lookAtOffset();
  return { now: () => offset + performance.now(), wasSet: () => Math.abs(lookAtOffset() - offset) > SET_MS };
}

/** Date.now() is cut to milliseconds, so each difference is up to 1 ms too small; the greatest is right. */
function lookAtOffset(): number {
  const until = performance.now() + LOOK_MS;
  let offset = Number.NEGATIVE_INFINITY;
  while (performance.now() < until) {
    const wall = Date.now();
    offset = Math.max(offset, wall - performance.now());
  }
  return offset;
}
