/**
 * The `room` frames of one room: the same one to all who wait in it. They follow ten topics, a tenth of them each: a
 * frame to 10,000 sockets in one publish is 80 to 100 ms in which the process does nothing else, so a crowd is told a
 * tenth with every beat of 100 ms, each tenth once a second. Those who came together follow the same one, since their
 * sockets lie beside each other in the kernel's memory: 5.8 us a frame where a hundred neighbours are told in a row,
 * 7.2 where every tenth socket is.
 */
import type { RoomView } from '../waiting-room/room-views.ts';
import type { Room } from '../waiting-room/shapes.ts';
import { renderRoom } from '../waiting-room/ticket.ts';
import type { Place, SocketLimits, SocketObserver } from './connection.ts';
import { roomFrame } from './frames.ts';

interface RoomFramesDeps {
  limits: SocketLimits;
  observer: SocketObserver;
  publish(topic: string, text: string): void;
}

/** Those who follow one topic. */
interface Share {
  readonly topic: string;
  sockets: number;
  /** what its frames were last compared with; the room of the last frame, and when that was */
  view: RoomView | null;
  room: Room | null;
  publishedMs: number;
}

const SHARES = 10;
const NEIGHBOURS = 100;
const CROWD_MS = 1_000;

export class RoomFrames {
  readonly #deps: RoomFramesDeps;
  readonly #shares: readonly Share[];
  readonly #shareOf = new Map<Place, Share>();
  /** which share the next to come join, and how many of them */
  #filling: Share | undefined;
  #more = 0;

  constructor(concertId: string, deps: RoomFramesDeps) {
    this.#deps = deps;
    this.#shares = Array.from({ length: SHARES }, (_, i) => ({
      topic: `room ${concertId} ${i}`,
      sockets: 0,
      view: null,
      room: null,
      publishedMs: Number.NEGATIVE_INFINITY,
    }));
  }

  add(place: Place): void {
    const share = this.#nextShare();
    if (!share) return;
    this.#shareOf.set(place, share);
    share.sockets += 1;
    place.connection.follow(share.topic);
  }

  remove(place: Place): void {
    const share = this.#shareOf.get(place);
    if (!share) return;
    this.#shareOf.delete(place);
    share.sockets -= 1;
    place.connection.unfollow(share.topic);
  }

  /** Sends what a view has to tell, now or, in a crowd, in one of the next calls. */
  publish(view: RoomView, nowMs: number): void {
    const due = this.#shares.filter((share) => share.sockets > 0 && share.view !== view);
    if (this.#shareOf.size <= this.#deps.limits.WS_CROWD_SOCKETS) {
      for (const share of due) this.#tell(share, view, nowMs);
      return;
    }
    // The others' turn comes with the next beats.
    const [longest] = due.toSorted((a, b) => a.publishedMs - b.publishedMs);
    if (longest && nowMs - longest.publishedMs >= CROWD_MS) this.#tell(longest, view, nowMs);
  }

  #tell(share: Share, view: RoomView, nowMs: number): void {
    share.view = view;
    const room = renderRoom(view);
    if (share.room && !moved(share.room, room)) return;
    share.room = room;
    share.publishedMs = nowMs;
    this.#deps.observer.frames('room', share.sockets);
    this.#deps.publish(share.topic, roomFrame(room));
  }

  /** As many neighbours in turn for the share that has the fewest. */
  #nextShare(): Share | undefined {
    if (this.#more === 0) {
      [this.#filling] = this.#shares.toSorted((a, b) => a.sockets - b.sockets);
      this.#more = NEIGHBOURS;
    }
    this.#more -= 1;
    return this.#filling;
  }
}

/** Whether a frame tells anything new. The rate alone, which fades for a minute after each admission, is no news. */
function moved(before: Room, after: Room): boolean {
  const { serverTime: _t0, ratePerSecond: _r0, ...was } = before;
  const { serverTime: _t1, ratePerSecond: _r1, ...is } = after;
  return Object.entries(is).some(([name, value]) => was[name as keyof typeof was] !== value);
}
