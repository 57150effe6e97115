import type { Log } from '../observability/log.ts';
import type { Reservation } from '../reservations/shapes.ts';
import type { Connection } from './connection.ts';
import { reservationFrame } from './frames.ts';

interface Audience {
  readonly connections: Set<Connection>;
  /** reservation id -> the last status that was sent: what is read twice is told once */
  readonly told: Map<string, Reservation['status']>;
}

interface ReservationPushDeps {
  log: Log;
  read(reservationId: string): Promise<Reservation | null>;
  /** a frame went out on this socket */
  sent(connection: Connection): void;
}

const READS_AT_ONCE = 50;

/** Tells a user's sockets what became of their own holds. */
export class ReservationPush {
  readonly #deps: ReservationPushDeps;
  /** by user id */
  readonly #audiences = new Map<string, Audience>();
  /** reservation id -> user id */
  readonly #toRead = new Map<string, string>();
  #reading = 0;
  #failing = false;

  constructor(deps: ReservationPushDeps) {
    this.#deps = deps;
  }

  add(connection: Connection): void {
    const audience = this.#audiences.get(connection.userId) ?? { connections: new Set(), told: new Map() };
    this.#audiences.set(connection.userId, audience);
    audience.connections.add(connection);
  }

  remove(connection: Connection): void {
    const audience = this.#audiences.get(connection.userId);
    audience?.connections.delete(connection);
    if (audience?.connections.size === 0) this.#audiences.delete(connection.userId);
  }

  /** From the log of a room; most are of users without a socket here. */
  changed(reservationId: string, userId: string): void {
    if (!this.#audiences.has(userId)) return;
    this.#toRead.set(reservationId, userId);
    this.onBeat();
  }

  /** What failed is tried again. */
  onBeat(): void {
    for (const [reservationId, userId] of this.#toRead) {
      if (this.#reading >= READS_AT_ONCE) return;
      this.#toRead.delete(reservationId);
      void this.#tell(reservationId, userId);
    }
  }

  async #tell(reservationId: string, userId: string): Promise<void> {
    this.#reading += 1;
    try {
      const reservation = await this.#deps.read(reservationId);
      this.#failing = false;
      if (reservation) this.#send(reservation);
    } catch (error) {
      if (!this.#failing)
        this.#deps.log.warn({ err: error }, 'a changed reservation cannot be read; tried again until it works');
      this.#failing = true;
      if (this.#audiences.has(userId)) this.#toRead.set(reservationId, userId);
    } finally {
      this.#reading -= 1;
    }
  }

  #send(reservation: Reservation): void {
    const { reservationId, userId, status } = reservation;
    const audience = this.#audiences.get(userId);
    const told = audience?.told.get(reservationId);
    // Two answers may overtake each other, but nothing becomes HELD again.
    if (!audience || told === status || (told && status === 'HELD')) return;
    audience.told.set(reservationId, status);
    const frame = reservationFrame(reservation);
    for (const connection of audience.connections) {
      connection.send('reservation', frame);
      this.#deps.sent(connection);
    }
  }
}
