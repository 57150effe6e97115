/**
 * One place in a waiting room, followed to its end: by socket, and by polling for as long as no socket can be had. What
 * is known of it is one immutable object, to be drawn; what changes is told to the subscribers.
 */
import type { Problem, Reservation, Room, ServerMessage, Ticket } from './api.ts';
import { CLOSE } from './api.ts';
import type { Client } from './client.ts';
import { ServerClock } from './clock.ts';
import { goesBack, isOlder, isOver, positionOf } from './place.ts';
import { Polling } from './polling.ts';
import { type Seats, SeatWatch } from './seat-watch.ts';
import { SocketLink } from './socket-link.ts';

export interface WaitingRoomState {
  /**
   * connecting  from the start, or from live when the socket is lost
   * live        a ticket came by socket
   * polling     no socket can be had; the last poll was answered
   * offline     no socket can be had, and the last poll had no answer; or the browser says that there is no network
   * over        from any: the place is over (see `ticket`), or its token is no good (see `problem`), or `close`
   */
  connection: 'connecting' | 'live' | 'polling' | 'offline' | 'over';
  ticket: Ticket | null;
  /** numbers of the room, as the last frame told them */
  room: Room | null;
  /** 1: the next to be admitted; null when not waiting */
  position: number | null;
  ahead: number | null;
  /** of watched schedules, by id */
  seats: Readonly<Record<string, Seats>>;
  /** of this user, as far as heard of since the start, by id */
  reservations: Readonly<Record<string, Reservation>>;
  /** what was refused last */
  problem: Pick<Problem, 'code'> | null;
}

export interface WaitingRoomSettings {
  client: Client;
  /** as `join` answered it, or a queue token that was kept */
  place: Ticket | { token: string };
  WebSocket?: typeof WebSocket;
}

/** One lost socket is a restart or a bad moment; after two in a row, polling bridges the time. */
const FAILURES_BEFORE_POLLING = 2;

export class WaitingRoom {
  readonly #client: Client;
  readonly #clock = new ServerClock();
  readonly #link: SocketLink;
  readonly #polling: Polling;
  readonly #watches = new Map<string, SeatWatch>();
  readonly #ended = new AbortController();
  readonly #listeners = new Set<(state: WaitingRoomState) => void>();
  #state: WaitingRoomState = {
    connection: 'connecting',
    ticket: null,
    room: null,
    position: null,
    ahead: null,
    seats: {},
    reservations: {},
    problem: null,
  };

  /** Begins at once. Throws where the ticket has no token, as those that operators get. */
  constructor({ client, place, WebSocket: Socket = WebSocket }: WaitingRoomSettings) {
    const { token } = place;
    if (token === undefined) throw new TypeError('a ticket without its token');
    if ('status' in place) this.#state = { ...this.#state, ticket: place, ...this.#positions(place, null) };
    this.#client = client.with({ queueToken: token });
    this.#polling = new Polling(this.#client, {
      ticket: (ticket) => this.#polled(ticket),
      silent: () => this.#set({ connection: 'offline' }),
      refused: (problem) => this.#end(problem),
    });
    const url = `${client.baseUrl.replace(/^http/, 'ws')}/ws`;
    this.#link = new SocketLink(
      { url, token, WebSocket: Socket },
      {
        message: (message) => this.#hear(message),
        down: (failures) => this.#down(failures),
        ended: (code) => this.#end(code === CLOSE.NOT_AUTHENTICATED ? { code: 'UNAUTHENTICATED' } : null),
      },
    );
    this.#heedNetwork();
  }

  get state(): WaitingRoomState {
    return this.#state;
  }

  /** Calls the listener after every change. Answers what ends that. */
  subscribe(listener: (state: WaitingRoomState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The first state that fits, from now on; or the last one, once the place is over. */
  until(fits: (state: WaitingRoomState) => boolean): Promise<WaitingRoomState> {
    const { promise, resolve } = Promise.withResolvers<WaitingRoomState>();
    const look = (state: WaitingRoomState) => {
      if (!fits(state) && state.connection !== 'over') return;
      unsubscribe();
      resolve(state);
    };
    const unsubscribe = this.subscribe(look);
    look(this.#state);
    return promise;
  }

  /** Keeps the seats of a schedule in `state.seats`, from when the place is ACTIVE. At most 4 at once. */
  watch(scheduleId: string): void {
    if (this.#watches.has(scheduleId) || this.#state.connection === 'over') return;
    const watch = new SeatWatch({
      scheduleId,
      load: (ifNoneMatch, signal) => {
        const { concertId = '' } = this.#state.ticket ?? {};
        return this.#client.seats({ concertId, scheduleId }, { ifNoneMatch, signal });
      },
      send: (message) => this.#link.send(message),
      changed: (seats) => this.#setSeats(scheduleId, seats),
    });
    this.#watches.set(scheduleId, watch);
    this.#setSeats(scheduleId, { map: null, problem: null });
    if (this.#state.ticket?.status === 'ACTIVE') watch.follow();
  }

  unwatch(scheduleId: string): void {
    this.#watches.get(scheduleId)?.end();
    if (!this.#watches.delete(scheduleId)) return;
    this.#link.send({ type: 'unwatch', scheduleId });
    const { [scheduleId]: _, ...seats } = this.#state.seats;
    this.#set({ seats });
  }

  /** Takes a reservation that a call answered into the state: while polling, nobody else tells of it. */
  keep(reservation: Reservation): void {
    this.#clock.hear(reservation.serverTime);
    const { reservationId } = reservation;
    this.#set({ reservations: { ...this.#state.reservations, [reservationId]: reservation } });
  }

  /** Now by the server's clock, in ms since 1970: what `expiresAt` is to be held against. */
  serverNow(): number {
    return this.#clock.now();
  }

  /** Stops following; the place itself goes on. */
  close(): void {
    if (this.#state.connection !== 'over') this.#end(null);
  }

  /** Browsers tell when the network comes and goes; Node does not. */
  #heedNetwork(): void {
    const { signal } = this.#ended;
    const browser = globalThis as Partial<Pick<EventTarget, 'addEventListener'>>;
    // Asked here, too: Node may forget that a signal ends a listener.
    browser.addEventListener?.('offline', () => signal.aborted || this.#offline(), { signal });
    browser.addEventListener?.('online', () => signal.aborted || this.#link.retry(), { signal });
  }

  #offline(): void {
    this.#set({ connection: 'offline' });
    this.#link.lose();
  }

  #hear(message: ServerMessage): void {
    switch (message.type) {
      case 'ticket':
        this.#polling.stop();
        return this.#take(message.ticket, 'live');
      case 'room':
        this.#clock.hear(message.room.serverTime);
        if (isOlder(message.room, this.#state.ticket)) return;
        return this.#set({ room: message.room, ...this.#positions(this.#state.ticket, message.room) });
      case 'seats':
        return this.#watches.get(message.scheduleId)?.hear(message);
      case 'reservation':
        return this.keep(message.reservation);
      case 'error':
        return this.#set({ problem: message.problem });
    }
  }

  #polled(ticket: Ticket): void {
    this.#take(ticket, 'polling');
    if (isOver(ticket)) this.#end(null);
    else if (ticket.status === 'ACTIVE') for (const watch of this.#watches.values()) watch.refresh();
  }

  #down(failures: number): void {
    if (this.#state.connection === 'live') this.#set({ connection: 'connecting' });
    if (failures >= FAILURES_BEFORE_POLLING) this.#polling.start();
  }

  #end(problem: WaitingRoomState['problem']): void {
    this.#ended.abort();
    this.#link.close();
    this.#polling.stop();
    for (const watch of this.#watches.values()) watch.end();
    this.#watches.clear();
    this.#set({ connection: 'over', problem: problem ?? this.#state.problem });
    this.#listeners.clear();
  }

  #take(told: Ticket, connection: 'live' | 'polling'): void {
    const before = this.#state;
    this.#clock.hear(told.serverTime);
    const ticket = before.ticket && goesBack(before.ticket, told) ? before.ticket : told;
    this.#set({ connection, ticket, ...this.#positions(ticket, before.room) });
    // Another socket, or another way: what the one before would have told is asked for.
    const isNew = connection !== before.connection;
    if (isNew || connection === 'polling') this.#readHolds();
    if (ticket.status === 'ACTIVE' && (isNew || before.ticket?.status !== 'ACTIVE'))
      for (const watch of this.#watches.values()) watch.follow();
  }

  #positions(ticket: Ticket | null, room: Room | null): Pick<WaitingRoomState, 'position' | 'ahead'> {
    const position = ticket && positionOf(ticket, room, this.#state.position);
    return { position, ahead: position === null ? null : position - 1 };
  }

  /** A hold is at most until its deadline, and may have been paid or cancelled elsewhere. */
  #readHolds(): void {
    const held = Object.values(this.#state.reservations).filter(({ status }) => status === 'HELD');
    for (const { reservationId } of held)
      void this.#client.reservation({ reservationId }).then((answer) => {
        if (answer.ok && this.#state.connection !== 'over') this.keep(answer.body);
      });
  }

  #setSeats(scheduleId: string, seats: Seats): void {
    this.#set({ seats: { ...this.#state.seats, [scheduleId]: seats } });
  }

  #set(changes: Partial<WaitingRoomState>): void {
    this.#state = { ...this.#state, ...changes };
    for (const listener of this.#listeners) listener(this.#state);
  }
}
