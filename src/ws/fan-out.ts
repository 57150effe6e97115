/**
 * What is sent when. Every place that a socket of this process carries, by room; a room is followed while somebody here
 * carries a place in it, and what its ticks tell becomes frames:
 *
 *   ticket       at first, on change of status or deadline, and where the room frames do not give the position
 *   room         one publish a tick to all who wait, when something moved
 *   reservation  to the user's sockets, from the log of the room
 *   close 4403   some seconds after the last message about the last place
 */
import type { QueueClaims } from '../auth/tokens.ts';
import { CLOSE, type Refusal } from '../errors.ts';
import type { Log } from '../observability/log.ts';
import type { Reservation } from '../reservations/shapes.ts';
import type { RoomViews } from '../waiting-room/room-views.ts';
import type { Ticket } from '../waiting-room/shapes.ts';
import { Claims } from './claims.ts';
import { type Connection, isOver, type Place, type SocketLimits, type SocketObserver } from './connection.ts';
import { LocalRoom } from './local-room.ts';
import { ReservationPush } from './reservation-push.ts';

export interface FanOutDeps {
  log: Log;
  limits: SocketLimits;
  observer: SocketObserver;
  rooms: Pick<RoomViews, 'subscribe' | 'peek'>;
  /** sends one frame to all sockets that follow the topic */
  publish(topic: string, text: string): void;
  /** in the order of the claims */
  readTickets(claims: readonly QueueClaims[]): Promise<(Ticket | Refusal)[]>;
  /** null: no such reservation any more */
  readReservation(reservationId: string): Promise<Reservation | null>;
  claimPlace(claims: QueueClaims): Promise<unknown>;
  /** the socket has no ACTIVE place in that concert any more */
  inactive(connection: Connection, concertId: string): void;
}

interface Followed {
  readonly room: LocalRoom;
  unsubscribe(): void;
}

export class FanOut {
  readonly #deps: FanOutDeps;
  readonly #rooms = new Map<string, Followed>();
  /** sockets whose places are all over -> when the last message about them was sent */
  readonly #over = new Map<Connection, number>();
  readonly #claims: Claims;
  readonly #reservations: ReservationPush;

  constructor(deps: FanOutDeps) {
    this.#deps = deps;
    this.#claims = new Claims(deps);
    this.#reservations = new ReservationPush({
      log: deps.log,
      read: deps.readReservation,
      sent: (connection) => {
        if (this.#over.has(connection)) this.#over.set(connection, performance.now());
      },
    });
  }

  /** Puts a place on an authenticated socket, or renews it there. Resolves when its ticket was tried to be sent. */
  async enter(connection: Connection, claims: QueueClaims, token: string): Promise<Place> {
    const { queueId, concertId } = claims;
    this.#over.delete(connection);
    const known = connection.places.get(queueId);
    if (known) {
      known.token = token;
      known.gone = false; // whoever asks again is told again
      await this.readAnew(known);
      return known;
    }
    if (connection.places.size === 0) this.#reservations.add(connection);
    this.#forgetOver(connection);
    const place: Place = { connection, claims, token, sent: null, gone: false, claim: 'UNCLAIMED', claimPing: 0 };
    connection.places.set(queueId, place);
    await this.#follow(concertId).add(place);
    return place;
  }

  /** Reads a place now, and sends its ticket. */
  async readAnew(place: Place): Promise<void> {
    await this.#rooms.get(place.claims.concertId)?.room.readAnew(place);
  }

  /** The socket has said something, or has answered the ping of that number. */
  heard(connection: Connection, ping?: number): void {
    this.#claims.heard(connection, ping);
  }

  /** The socket has read a long frame to its end; what it has missed meanwhile is sent. */
  caughtUp(connection: Connection): void {
    for (const place of connection.places.values()) if (!isOver(place)) void this.readAnew(place);
  }

  /** The socket is closed. */
  remove(connection: Connection): void {
    this.#over.delete(connection);
    this.#reservations.remove(connection);
    for (const place of connection.places.values()) this.#drop(place);
  }

  /** Many times a second: what is spread over time, due, or failed. */
  onBeat(nowMs: number): void {
    for (const { room } of this.#rooms.values()) room.onBeat(nowMs);
    for (const [connection, sinceMs] of this.#over) {
      if (nowMs - sinceMs < this.#deps.limits.WS_CLOSE_AFTER_OVER_MS) continue;
      connection.end(CLOSE.PLACES_OVER, 'all places are over');
    }
    this.#reservations.onBeat();
    this.#claims.onBeat();
  }

  stop(): void {
    for (const { unsubscribe } of this.#rooms.values()) unsubscribe();
    this.#rooms.clear();
  }

  #follow(concertId: string): LocalRoom {
    const known = this.#rooms.get(concertId);
    if (known) return known.room;
    const room = new LocalRoom(concertId, {
      ...this.#deps,
      admitted: (place) => this.#claims.ask(place),
      ended: (place) => this.#ended(place),
    });
    const unsubscribe = this.#deps.rooms.subscribe(concertId, (tick) => {
      room.onTick(tick, performance.now());
      for (const change of tick.changes)
        if (change.kind === 'RESERVATION') this.#reservations.changed(change.reservationId, change.userId);
    });
    this.#rooms.set(concertId, { room, unsubscribe });
    const view = this.#deps.rooms.peek(concertId);
    if (view) room.onTick({ view, changes: [], reset: false }, performance.now());
    return room;
  }

  #ended({ connection, claims: { concertId } }: Place): void {
    // Where a newer place is ACTIVE by the same reading, its ticket goes out in this turn.
    queueMicrotask(() => {
      const places = [...connection.places.values()];
      if (!places.some(({ claims, sent }) => claims.concertId === concertId && sent?.status === 'ACTIVE'))
        this.#deps.inactive(connection, concertId);
      if (connection.open && places.every(isOver)) this.#over.set(connection, performance.now());
    });
  }

  /** Places that are over make room for others. */
  #forgetOver(connection: Connection): void {
    for (const [queueId, place] of connection.places) {
      if (connection.places.size < this.#deps.limits.WS_PLACES_MAX) return;
      if (!isOver(place)) continue;
      connection.places.delete(queueId);
      this.#drop(place);
    }
  }

  #drop(place: Place): void {
    const { concertId } = place.claims;
    const followed = this.#rooms.get(concertId);
    followed?.room.remove(place);
    if (!followed?.room.empty) return;
    followed.unsubscribe();
    this.#rooms.delete(concertId);
  }
}

/** How many places of a socket count against its bound. */
export function livePlaces(connection: Connection): number {
  return [...connection.places.values()].filter((place) => !isOver(place)).length;
}
