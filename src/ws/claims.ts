import type { QueueClaims } from '../auth/tokens.ts';
import type { Log } from '../observability/log.ts';
import type { Connection, Place } from './connection.ts';

/**
 * Claims by socket: an ACTIVE place is claimed once its socket has answered a ping that was sent after the ticket, or has
 * said something. That it is open proves nothing: a half-open connection stays open for minutes.
 */
export class Claims {
  readonly #log: Log;
  readonly #claimPlace: (claims: QueueClaims) => Promise<unknown>;
  readonly #again = new Set<Place>();
  #failing = false;

  constructor({ log, claimPlace }: { log: Log; claimPlace(claims: QueueClaims): Promise<unknown> }) {
    this.#log = log;
    this.#claimPlace = claimPlace;
  }

  /** An ACTIVE ticket was sent: asks the other side for a sign of life. */
  ask(place: Place): void {
    if (place.claim === 'UNCLAIMED') place.claimPing = place.connection.ping(performance.now());
  }

  /** `ping`: number of the ping that was answered; absent where something was said. */
  heard(connection: Connection, ping = Number.POSITIVE_INFINITY): void {
    for (const place of connection.places.values())
      if (place.claim === 'UNCLAIMED' && place.claimPing > 0 && ping >= place.claimPing) void this.#claim(place);
  }

  /** What failed is tried again. */
  onBeat(): void {
    const due = [...this.#again];
    this.#again.clear();
    for (const place of due) if (place.connection.open && place.sent?.status === 'ACTIVE') void this.#claim(place);
  }

  async #claim(place: Place): Promise<void> {
    place.claim = 'CLAIMING';
    try {
      await this.#claimPlace(place.claims);
      place.claim = 'CLAIMED';
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#log.warn({ err: error }, 'a place cannot be claimed; tried again until it works');
      this.#failing = true;
      this.#again.add(place);
    }
  }
}
