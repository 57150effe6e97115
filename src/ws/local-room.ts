/**
 * One waiting room, as far as sockets of this process wait in it: one shared `room` frame for all of them, and a
 * `ticket` for those to whom it cannot tell what became of their place.
 */
import type { QueueClaims } from '../auth/tokens.ts';
import { type Refusal, isRefusal } from '../errors.ts';
import type { Log } from '../observability/log.ts';
import type { Ticket } from '../waiting-room/shapes.ts';
import { ticketOf } from '../waiting-room/ticket.ts';
import { WAITING_NOW } from '../waiting-room/place.ts';
import type { RoomTick, RoomView } from '../waiting-room/room-views.ts';
import { isOver, type Place, type SocketLimits, type SocketObserver } from './connection.ts';
import { errorFrame, ticketFrame } from './frames.ts';
import { RoomFrames } from './room-frames.ts';

export interface LocalRoomDeps {
  log: Log;
  limits: SocketLimits;
  observer: SocketObserver;
  /** sends one frame to all sockets that follow the topic */
  publish(topic: string, text: string): void;
  /** in the order of the claims */
  readTickets(claims: readonly QueueClaims[]): Promise<(Ticket | Refusal)[]>;
  /** a ticket that says ACTIVE was sent for the first time */
  admitted(place: Place): void;
  /** what was sent says that the place is over */
  ended(place: Place): void;
}

export class LocalRoom {
  readonly concertId: string;
  readonly #deps: LocalRoomDeps;
  readonly #byId = new Map<string, Set<Place>>();
  readonly #waiting = new Set<Place>();
  /** to be asked of Redis; whoever waits for a first ticket is told when that was tried */
  readonly #toRead = new Map<Place, () => void>();
  #reading = false;
  #failing = false;
  #view: RoomView | undefined;
  readonly #frames: RoomFrames;
  /** some position may no longer follow from the room frames */
  #positionsMoved = false;
  #round: { waiting: Iterator<Place>; startMs: number; size: number; seen: number } | null = null;
  #roundStartedMs = Number.NEGATIVE_INFINITY;

  constructor(concertId: string, deps: LocalRoomDeps) {
    this.concertId = concertId;
    this.#deps = deps;
    this.#frames = new RoomFrames(concertId, deps);
  }

  get empty(): boolean {
    return this.#byId.size === 0;
  }

  /** Sends the first ticket, or the next one where the socket has had one. Resolves when that was tried. */
  add(place: Place): Promise<void> {
    const { queueId } = place.claims;
    const places = this.#byId.get(queueId) ?? new Set();
    this.#byId.set(queueId, places.add(place));
    return this.readAnew(place);
  }

  remove(place: Place): void {
    const { queueId } = place.claims;
    const places = this.#byId.get(queueId);
    places?.delete(place);
    if (places?.size === 0) this.#byId.delete(queueId);
    this.#setWaiting(place, false);
    this.#toRead.get(place)?.();
    this.#toRead.delete(place);
  }

  /** Its ticket is sent, whatever the last one said. */
  readAnew(place: Place): Promise<void> {
    place.sent = null;
    const { promise, resolve } = Promise.withResolvers<void>();
    const other = this.#toRead.get(place);
    this.#toRead.set(place, () => {
      other?.();
      resolve();
    });
    void this.#read();
    return promise;
  }

  /** What a process has learnt in one reading of the room. */
  onTick({ view, changes, reset }: Pick<RoomTick, 'view' | 'changes' | 'reset'>, nowMs: number): void {
    this.#view = view;
    if (reset) this.#onReset(view);
    for (const change of changes) {
      if (change.kind === 'ADMITTED') for (const queueId of change.queueIds) this.#mark(queueId);
      else if (change.kind !== 'RESERVATION') this.#mark(change.queueId);
      if (change.kind === 'LEFT_WAITING') this.#positionsMoved = true;
    }
    this.#frames.publish(view, nowMs);
    void this.#read();
  }

  /** Many times a second: what is spread over time, or failed. */
  onBeat(nowMs: number): void {
    if (this.#view) this.#frames.publish(this.#view, nowMs);
    this.#correctPositions(nowMs);
    void this.#read();
  }

  #mark(queueId: string): void {
    for (const place of this.#byId.get(queueId) ?? []) this.#toReadOnce(place);
  }

  #toReadOnce(place: Place): void {
    if (!isOver(place) && !this.#toRead.has(place)) this.#toRead.set(place, () => {});
  }

  /** Some changes were missed. Those who still wait by the numbers need no reading. */
  #onReset(view: RoomView): void {
    this.#positionsMoved ||= this.#waiting.size > 0;
    for (const places of this.#byId.values())
      for (const place of places) if (!waitsBy(view, place)) this.#toReadOnce(place);
  }

  /**
   * Goes once round all who wait, spread over some seconds, and tells those whose position the room frames do not give:
   * somebody ahead has left. One round after the other while that goes on, so nobody is told more than once a round.
   */
  #correctPositions(nowMs: number): void {
    const view = this.#view;
    if (!view) return;
    const wholeMs = this.#deps.limits.WS_POSITIONS_MS;
    if (!this.#round) {
      if (!this.#positionsMoved || nowMs - this.#roundStartedMs < wholeMs) return;
      this.#positionsMoved = false;
      this.#roundStartedMs = nowMs;
      this.#round = { waiting: this.#waiting.values(), startMs: nowMs, size: this.#waiting.size, seen: 0 };
    }
    const round = this.#round;
    const due = Math.ceil((round.size * (nowMs - round.startMs)) / wholeMs);
    const upTo = nowMs - round.startMs >= wholeMs ? Number.POSITIVE_INFINITY : Math.max(due, round.seen + AT_ONCE);
    for (; round.seen < upTo; round.seen++) {
      const { value: place, done } = round.waiting.next();
      if (done) {
        this.#round = null;
        return;
      }
      this.#correct(place, view);
    }
  }

  #correct(place: Place, view: RoomView): void {
    if (!waitsBy(view, place)) this.#toReadOnce(place);
    else if (derivedPosition(place, view.admitted) !== view.positionOf(place.claims.sequence))
      this.#tellPosition(place, view);
  }

  #tellPosition(place: Place, view: RoomView): void {
    const position = view.positionOf(place.claims.sequence);
    this.#send(place, ticketOf({ claims: place.claims, place: WAITING_NOW, position, room: view }));
  }

  /** Asks Redis about all that is marked, some hundred at a time; what fails is tried again at the next beat. */
  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (this.#toRead.size > 0) {
        const batch = [...this.#toRead].slice(0, this.#deps.limits.WS_READ_PLACES_MAX);
        for (const [place] of batch) this.#toRead.delete(place);
        if (!(await this.#readBatch(batch))) return;
      }
    } finally {
      this.#reading = false;
    }
  }

  /** False where Redis did not answer. */
  async #readBatch(batch: readonly (readonly [Place, () => void])[]): Promise<boolean> {
    try {
      const answers = await this.#deps.readTickets(batch.map(([place]) => place.claims));
      batch.forEach(([place, tried], i) => {
        const answer = answers[i];
        if (answer && this.#has(place)) this.#tell(place, answer);
        tried();
      });
      this.#failing = false;
      return true;
    } catch (error) {
      if (!this.#failing)
        this.#deps.log.warn(
          { err: error, concertId: this.concertId },
          'places of sockets cannot be read; tried again until it works',
        );
      this.#failing = true;
      for (const [place, tried] of batch) {
        if (this.#has(place)) this.#toReadOnce(place);
        tried();
      }
      return false;
    }
  }

  #has(place: Place): boolean {
    return this.#byId.get(place.claims.queueId)?.has(place) ?? false;
  }

  #tell(place: Place, answer: Ticket | Refusal): void {
    if (!isRefusal(answer)) {
      if (changed(place, answer)) this.#send(place, answer);
      return;
    }
    if (place.gone) return;
    place.gone = true;
    this.#setWaiting(place, false);
    place.connection.send('error', errorFrame(answer));
    this.#deps.ended(place);
  }

  #send(place: Place, ticket: Ticket): void {
    const { connection, sent } = place;
    // What it shows is read again when the socket has caught up.
    if (connection.state === 'CATCHING_UP') return;
    const { status, reason, expiresAt, position, admitted } = ticket;
    place.sent = { status, reason, expiresAt, position, admitted };
    connection.send('ticket', ticketFrame({ ...ticket, token: place.token }));
    this.#setWaiting(place, status === 'WAITING');
    if (status === 'ACTIVE' && sent?.status !== 'ACTIVE') this.#deps.admitted(place);
    if (isOver(place)) this.#deps.ended(place);
  }

  #setWaiting(place: Place, waits: boolean): void {
    if (waits === this.#waiting.has(place)) return;
    if (waits) {
      this.#waiting.add(place);
      this.#frames.add(place);
    } else {
      this.#waiting.delete(place);
      this.#frames.remove(place);
    }
  }
}

/** How many places a beat looks at, however few wait. */
const AT_ONCE = 100;

/** What a client shows: the position of its last ticket, less those admitted since. */
export function derivedPosition({ sent }: Place, admitted: number): number | null {
  if (!sent || sent.position === null) return null;
  return Math.max(1, sent.position - Math.max(0, admitted - sent.admitted));
}

/** Whether memory alone says that the place waits. */
function waitsBy(view: RoomView, { claims, sent }: Place): boolean {
  return sent?.status === 'WAITING' && claims.epoch === view.epoch && !view.needsRead(claims.sequence);
}

function changed({ sent }: Place, ticket: Ticket): boolean {
  return (
    sent === null ||
    sent.status !== ticket.status ||
    sent.reason !== ticket.reason ||
    sent.expiresAt !== ticket.expiresAt ||
    (ticket.position !== null && (sent.position ?? 0) - (ticket.admitted - sent.admitted) !== ticket.position)
  );
}
