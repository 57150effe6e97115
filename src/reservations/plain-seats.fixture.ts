/** Seats and holds of one schedule as plain data: what the scripts have to agree with, command by command. */
import type { ReservationStatus } from './shapes.ts';

export interface PlainHold {
  user: string;
  seats: readonly string[];
  /** as written; a dead HELD one is EXPIRED to whoever asks */
  status: ReservationStatus;
  /** past its deadline */
  dead: boolean;
  /** its record is gone */
  gone: boolean;
}

export type Answer =
  | { word: 'HELD' | 'CANCELLED' | 'CONFIRMED' | 'DONE' }
  | { word: 'TAKEN'; seats: string[]; own: string | null }
  | { word: 'LIMIT'; held: number; bought: number }
  | { word: 'CONFLICT'; seats: string[] }
  | { word: 'MISSING' | 'EXPIRED' | 'PAID' | 'NONE' };

/** Price by seat id. */
export type Prices = ReadonlyMap<string, number>;

export class PlainSeats {
  readonly seatLimit: number;
  prices: Prices;
  /** seat id -> the hold whose name it carries */
  readonly holders = new Map<string, string>();
  readonly holds = new Map<string, PlainHold>();
  readonly bought = new Map<string, number>();

  constructor(prices: Prices, seatLimit: number) {
    this.prices = prices;
    this.seatLimit = seatLimit;
  }

  isLive(id: string): boolean {
    const hold = this.holds.get(id);
    return hold !== undefined && hold.status === 'HELD' && !hold.dead && !hold.gone;
  }

  isTaken(seat: string): boolean {
    const id = this.holders.get(seat);
    return id !== undefined && (this.isLive(id) || this.holds.get(id)?.status === 'CONFIRMED');
  }

  liveOf(user: string): string[] {
    return [...this.holds].filter(([id, hold]) => hold.user === user && this.isLive(id)).map(([id]) => id);
  }

  /** `id`: the name that the hold will have if it is made. */
  hold(id: string, user: string, seats: readonly string[]): Answer {
    if (seats.some((seat) => !this.prices.has(seat))) return { word: 'MISSING' };
    const lost = seats.filter((seat) => this.isTaken(seat));
    if (lost.length > 0) {
      const owners = new Set(lost.map((seat) => this.holders.get(seat) ?? ''));
      const [only = ''] = owners;
      const own = owners.size === 1 && this.isLive(only) && this.holds.get(only)?.user === user ? only : null;
      return { word: 'TAKEN', seats: lost, own };
    }
    const held = this.liveOf(user).reduce((sum, live) => sum + (this.holds.get(live)?.seats.length ?? 0), 0);
    const bought = this.bought.get(user) ?? 0;
    if (held + bought + seats.length > this.seatLimit) return { word: 'LIMIT', held, bought };
    for (const seat of seats) {
      const old = this.holders.get(seat);
      if (old !== undefined && !this.holds.get(old)?.gone) this.#end(old, 'EXPIRED');
    }
    for (const seat of seats) this.holders.set(seat, id);
    this.holds.set(id, { user, seats, status: 'HELD', dead: false, gone: false });
    return { word: 'HELD' };
  }

  cancel(id: string, user: string): Answer {
    const hold = this.holds.get(id);
    if (!hold || hold.gone || hold.user !== user) return { word: 'NONE' };
    if (hold.status === 'CONFIRMED') return { word: 'PAID' };
    if (hold.status === 'CANCELLED') return { word: 'CANCELLED' };
    if (!this.isLive(id)) return { word: 'EXPIRED' };
    this.#end(id, 'CANCELLED');
    return { word: 'CANCELLED' };
  }

  /** Only of a live hold. */
  confirm(id: string): Answer {
    const hold = this.holds.get(id);
    if (!hold || !this.isLive(id)) throw new Error('only a live hold is paid here');
    hold.status = 'CONFIRMED';
    this.bought.set(hold.user, (this.bought.get(hold.user) ?? 0) + hold.seats.length);
    return { word: 'CONFIRMED' };
  }

  leave(user: string): void {
    for (const id of this.liveOf(user)) this.#end(id, 'CANCELLED');
  }

  /** `gone`: also those whose records are gone. */
  sweep({ gone }: { gone: boolean }): void {
    for (const [id, hold] of this.holds) {
      if (hold.gone && gone) this.#free(id);
      if (!hold.gone && hold.dead && hold.status === 'HELD') this.#end(id, 'EXPIRED');
    }
  }

  /** Sweeps first, as the script does. */
  import(prices: Prices): Answer {
    this.sweep({ gone: false });
    const guarded = [...this.prices].filter(([seat, price]) => prices.get(seat) !== price).map(([seat]) => seat);
    const conflicts = guarded.filter((seat) => this.isTaken(seat));
    if (conflicts.length > 0) return { word: 'CONFLICT', seats: conflicts };
    this.prices = prices;
    return { word: 'DONE' };
  }

  #end(id: string, status: ReservationStatus): void {
    const hold = this.holds.get(id);
    if (hold?.status === 'HELD') hold.status = status;
    this.#free(id);
  }

  #free(id: string): void {
    for (const [seat, holder] of this.holders) if (holder === id) this.holders.delete(seat);
  }
}
