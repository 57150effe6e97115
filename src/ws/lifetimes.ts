/**
 * How long sockets stay: strangers until they should have said who they are, the silent and the slow until that is
 * known, all others until the end of the process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CLOSE } from '../errors.ts';
import type { Connection, SocketLimits, SocketObserver } from './connection.ts';

const SLICE_MS = 50;
const SLICE_MIN_SOCKETS = 100;
/** How often each socket is looked at: its ping, its silence, its buffer. Once a second is 5 % of what frames to 15,000 cost. */
const LOOK_MS = 5_000;

export class Lifetimes {
  readonly #limits: SocketLimits;
  readonly #observer: SocketObserver;
  readonly #connections = new Set<Connection>();
  /** those who have not said who they are, the longest first */
  readonly #strangers = new Set<Connection>();
  #round: Iterator<Connection> | null = null;
  #draining = false;

  constructor({ limits, observer }: { limits: SocketLimits; observer: SocketObserver }) {
    this.#limits = limits;
    this.#observer = observer;
  }

  get count(): number {
    return this.#connections.size;
  }

  /** Whether another socket is taken now. */
  get takes(): boolean {
    const { WS_SOCKETS_MAX, WS_STRANGERS_MAX } = this.#limits;
    return !this.#draining && this.#connections.size < WS_SOCKETS_MAX && this.#strangers.size < WS_STRANGERS_MAX;
  }

  opened(connection: Connection): void {
    this.#connections.add(connection);
    this.#strangers.add(connection);
    this.#observer.sockets(this.#connections.size);
  }

  authenticated(connection: Connection): void {
    this.#strangers.delete(connection);
  }

  closed(connection: Connection): void {
    connection.state = 'CLOSED';
    this.#connections.delete(connection);
    this.#strangers.delete(connection);
    this.#observer.sockets(this.#connections.size);
  }

  onBeat(nowMs: number): void {
    for (const connection of this.#strangers) {
      if (nowMs - connection.openedMs < this.#limits.WS_AUTH_DEADLINE_MS) break;
      connection.end(CLOSE.NOT_AUTHENTICATED, 'not authenticated');
    }
    this.#round ??= this.#connections.values();
    for (let left = Math.ceil((this.#connections.size * this.#limits.WS_BEAT_MS) / LOOK_MS); left > 0; left--) {
      const { value, done } = this.#round.next();
      if (done) {
        this.#round = null;
        return;
      }
      this.#look(value, nowMs);
    }
  }

  #look(connection: Connection, nowMs: number): void {
    const { WS_BACKPRESSURE_MAX_BYTES, WS_CATCH_UP_MS, WS_SILENT_MS } = this.#limits;
    const catchesUp = connection.state === 'CATCHING_UP';
    const slow = catchesUp
      ? nowMs - connection.catchingUpSinceMs > WS_CATCH_UP_MS
      : connection.buffered() > WS_BACKPRESSURE_MAX_BYTES;
    const silent = nowMs - connection.heardMs > WS_SILENT_MS;
    if (slow || silent) connection.end(CLOSE.TOO_SLOW, slow ? 'too slow' : 'no answer to pings');
    else if (nowMs >= connection.nextPingMs) connection.ping(nowMs);
  }

  /** Takes no new sockets and ends all with 1012, in slices: or they would come back in one moment. */
  async drain(): Promise<void> {
    this.#draining = true;
    const wanted = Math.ceil((this.#connections.size * SLICE_MS) / this.#limits.WS_CLOSE_ALL_MS);
    const slice = Math.max(SLICE_MIN_SOCKETS, wanted);
    while (this.#connections.size > 0) {
      this.#endSome(slice);
      await sleep(SLICE_MS);
    }
  }

  /** The same at once. */
  endAll(): void {
    this.#draining = true;
    this.#endSome(this.#connections.size);
  }

  #endSome(count: number): void {
    for (const connection of [...this.#connections].slice(0, count)) connection.end(CLOSE.RESTARTING, 'restarting');
  }
}
