/**
 * One open socket, as everything but `socket.ts` knows it: whose it is, which places and watches it carries, and what
 * may be sent to it when. States, and where each may come from:
 *   STRANGER     from the upgrade
 *   LIVE         from STRANGER by the first `auth`, from CATCHING_UP when everything was read
 *   CATCHING_UP  from LIVE, when a long frame (a snapshot) is still on its way: nothing is published to it meanwhile
 *   CLOSED       from all
 */
import type { QueueClaims } from '../auth/tokens.ts';
import { CLOSE } from '../errors.ts';
import type { LIMITS } from '../limits.ts';
import type { Ticket } from '../waiting-room/shapes.ts';
import type { FrameType } from './frames.ts';
import type { Watch } from './seat-watches.ts';

/** The socket itself. None of these may be called after its end: `Connection` sees to that. */
export interface Wire {
  /** false: not all of it was taken by the system yet */
  send(text: string): boolean;
  ping(payload: string): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** bytes that the system has not taken yet */
  buffered(): number;
  /** sends a close frame; the close handler runs at once */
  end(code: number, reason: string): void;
}

/** Told of what the sockets do, for the metrics. */
export interface SocketObserver {
  /** how many sockets are open */
  sockets(count: number): void;
  /** `count` sockets were sent a frame */
  frames(type: FrameType, count: number): void;
  /** closed by the server */
  closed(code: number): void;
}

/** One place that a socket carries. */
export interface Place {
  readonly connection: Connection;
  readonly claims: QueueClaims;
  /** the newest that the client has sent */
  token: string;
  /** of the last ticket that was sent; null before the first */
  sent: Pick<Ticket, 'status' | 'reason' | 'expiresAt' | 'position' | 'admitted'> | null;
  /** its record is gone, or it belongs to another epoch of the room */
  gone: boolean;
  /** of an ACTIVE place: UNCLAIMED until a ping sent after its ticket was answered, or something was said */
  claim: 'UNCLAIMED' | 'CLAIMING' | 'CLAIMED';
  /** number of the ping that was sent after its ACTIVE ticket; 0 before */
  claimPing: number;
}

export function isOver({ sent, gone }: Place): boolean {
  return gone || (sent !== null && sent.status !== 'WAITING' && sent.status !== 'ACTIVE');
}

/** The limits that a test may want smaller. */
export type SocketLimits = { [L in keyof typeof LIMITS as L extends `WS_${string}` ? L : never]: number };

export class Connection {
  state: 'STRANGER' | 'LIVE' | 'CATCHING_UP' | 'CLOSED' = 'STRANGER';
  /** '' while a stranger */
  userId = '';
  readonly openedMs: number;
  /** by queue id */
  readonly places = new Map<string, Place>();
  /** by concert and schedule */
  readonly watches = new Map<string, Watch>();
  /** when something last came from the other side */
  heardMs: number;
  nextPingMs: number;
  catchingUpSinceMs = 0;
  readonly #wire: Wire;
  readonly #observer: SocketObserver;
  readonly #limits: SocketLimits;
  /** how many reasons there are to follow each topic */
  readonly #topics = new Map<string, number>();
  #pending: { type: FrameType; text: string }[] = [];
  #pings = 0;

  constructor(
    wire: Wire,
    { observer, limits, nowMs }: { observer: SocketObserver; limits: SocketLimits; nowMs: number },
  ) {
    this.#wire = wire;
    this.#observer = observer;
    this.#limits = limits;
    this.openedMs = nowMs;
    this.heardMs = nowMs;
    // Spread, or all who came in one wave were pinged in one moment for ever.
    this.nextPingMs = nowMs + Math.random() * limits.WS_PING_MS;
  }

  get open(): boolean {
    return this.state !== 'CLOSED';
  }

  /** From the first good `auth`. */
  authenticate(userId: string): void {
    if (this.state !== 'STRANGER') throw new Error(`authenticated while ${this.state}`);
    this.state = 'LIVE';
    this.userId = userId;
  }

  /** Sends a frame, or keeps it until a snapshot that is on its way has been read. */
  send(type: FrameType, text: string): void {
    if (this.state === 'CLOSED') return;
    if (this.state === 'CATCHING_UP') {
      this.#pending.push({ type, text });
      if (this.#pending.length > this.#limits.WS_PENDING_FRAMES_MAX) this.end(CLOSE.TOO_SLOW, 'too slow');
      return;
    }
    this.#observer.frames(type, 1);
    if (!this.#wire.send(text) && this.#wire.buffered() > this.#limits.WS_CATCH_UP_BYTES) this.#startCatchingUp();
  }

  follow(topic: string): void {
    const reasons = this.#topics.get(topic) ?? 0;
    this.#topics.set(topic, reasons + 1);
    if (reasons === 0 && this.open && this.state !== 'CATCHING_UP') this.#wire.subscribe(topic);
  }

  unfollow(topic: string): void {
    const reasons = this.#topics.get(topic) ?? 0;
    if (reasons > 1) this.#topics.set(topic, reasons - 1);
    else if (this.#topics.delete(topic) && this.open && this.state !== 'CATCHING_UP') this.#wire.unsubscribe(topic);
  }

  /** Pings with a number that grows, so that its pong tells what has been read. */
  ping(nowMs: number): number {
    if (!this.open) return this.#pings;
    this.nextPingMs = nowMs + this.#limits.WS_PING_MS;
    this.#pings += 1;
    this.#wire.ping(String(this.#pings));
    return this.#pings;
  }

  buffered(): number {
    return this.open ? this.#wire.buffered() : 0;
  }

  end(code: number, reason: string): void {
    if (!this.open) return;
    this.state = 'CLOSED';
    this.#observer.closed(code);
    this.#wire.end(code, reason);
  }

  #startCatchingUp(): void {
    this.state = 'CATCHING_UP';
    this.catchingUpSinceMs = performance.now();
    for (const watch of this.watches.values()) watch.pause();
    for (const topic of this.#topics.keys()) this.#wire.unsubscribe(topic);
  }

  /** When the system has taken more. True where the socket is LIVE again: what it has missed is to be sent. */
  drained(): boolean {
    if (this.state !== 'CATCHING_UP' || this.#wire.buffered() > 0) return false;
    this.state = 'LIVE';
    for (const topic of this.#topics.keys()) this.#wire.subscribe(topic);
    const pending = this.#pending;
    this.#pending = [];
    for (const { type, text } of pending) this.send(type, text);
    return this.state === 'LIVE';
  }
}
