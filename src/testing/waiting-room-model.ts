/**
 * What the contract says of a waiting room, as plain as it can be said: no Redis, no time. A place whose deadline has
 * passed is over at once here; that Redis writes it down later must not show.
 */
import type { PlaceReason, PlaceStatus, RoomSettings, RoomState } from '../waiting-room/shapes.ts';

export interface ModelPlace {
  readonly queueId: string;
  readonly userId: string;
  readonly sequence: number;
  status: PlaceStatus;
  reason: PlaceReason | null;
  claimed: boolean;
  paid: boolean;
}

export class RoomModel {
  places: ModelPlace[] = [];
  state: RoomState = 'OPEN';
  admitted = 0;
  capacity: number;
  reentry: 'reject' | 'supersede';
  /** user -> how many live holds */
  readonly holds = new Map<string, number>();
  private sequence = 0;

  constructor(settings: { capacity: number; reentry: 'reject' | 'supersede' }) {
    this.capacity = settings.capacity;
    this.reentry = settings.reentry;
  }

  having(status: PlaceStatus): ModelPlace[] {
    return this.places.filter((place) => place.status === status);
  }

  waiting(): ModelPlace[] {
    return this.having('WAITING');
  }

  active(): ModelPlace[] {
    return this.having('ACTIVE');
  }

  private activePlace(queueId: string): ModelPlace | undefined {
    return this.active().find((place) => place.queueId === queueId);
  }

  join(userId: string, queueId: string): 'JOINED' | 'CLOSED' | { exists: string } {
    if (this.state === 'CLOSED') return 'CLOSED';
    const theirs = (place: ModelPlace) => place.userId === userId;
    const live = (this.reentry === 'reject' && this.active().find(theirs)) || this.waiting().find(theirs);
    if (live) return { exists: live.queueId };
    this.sequence++;
    const fresh = { status: 'WAITING', reason: null, claimed: false, paid: false } as const;
    this.places.push({ queueId, userId, sequence: this.sequence, ...fresh });
    return 'JOINED';
  }

  admit(): void {
    while (this.state === 'OPEN' && this.active().length < this.capacity) {
      const [first] = this.waiting();
      if (!first) return;
      const older = this.active().find(({ userId }) => userId === first.userId);
      if (older) Object.assign(older, { status: 'EXPIRED', reason: 'SUPERSEDED' });
      first.status = 'ACTIVE';
      first.claimed = older !== undefined;
      this.admitted++;
    }
  }

  claim(queueId: string): boolean {
    const place = this.activePlace(queueId);
    if (place) place.claimed = true;
    return place !== undefined;
  }

  leave(queueId: string, reason: 'LEFT' | 'REMOVED'): void {
    const active = this.activePlace(queueId);
    const place = active ?? this.waiting().find((each) => each.queueId === queueId);
    if (active) this.holds.delete(active.userId);
    if (place) Object.assign(place, { status: 'LEFT', reason });
  }

  /** the deadline of an ACTIVE place passes */
  expire(queueId: string): void {
    const place = this.activePlace(queueId);
    if (!place) return;
    if (place.paid) Object.assign(place, { status: 'USED', reason: 'PAID' });
    else Object.assign(place, { status: 'EXPIRED', reason: place.claimed ? 'SESSION_OVER' : 'UNCLAIMED' });
  }

  markPaid(queueId: string): void {
    const place = this.activePlace(queueId);
    if (place) place.paid = true;
  }

  hold(userId: string): void {
    this.holds.set(userId, (this.holds.get(userId) ?? 0) + 1);
  }

  change({ capacity, reentry, state }: RoomSettings): void {
    this.capacity = capacity ?? this.capacity;
    this.reentry = reentry ?? this.reentry;
    this.state = state ?? this.state;
  }

  reset(): void {
    this.places = [];
    this.sequence = 0;
    this.admitted = 0;
  }
}
