/**
 * The server's clock, as far as its messages tell it. Each is late by its way here and by up to a tick, so the one that
 * puts the clock furthest ahead is the nearest to the truth.
 */
export class ServerClock {
  /** server's time less this machine's monotonic one */
  #aheadMs = Number.NEGATIVE_INFINITY;

  hear(serverTime: string): void {
    this.#aheadMs = Math.max(this.#aheadMs, Date.parse(serverTime) - performance.now());
  }

  /** Milliseconds since 1970; this machine's own before the first message. */
  now(): number {
    return Number.isFinite(this.#aheadMs) ? performance.now() + this.#aheadMs : Date.now();
  }
}
