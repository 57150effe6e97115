/**
 * The rooms that this process is asked about, in its memory: one script per tick and room, however many wait in it.
 * A room is read while somebody subscribes to it or has asked in the last 30 s; the first question reads at once.
 */
import { Unavailable } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Log } from '../observability/log.ts';
import type { RedisClient } from '../redis/script.ts';
import { endNotes } from '../wallet/concert-notebook.ts';
import { createExpectedWaits, type ExpectedWaits, type WaitObserver } from './expected-waits.ts';
import { type KeptRoom, keepRoom, type RoomListener, type RoomTick } from './kept-room.ts';
import type { RoomView } from './room-view.ts';
import { createVerdicts, type Verdicts } from './verdicts.ts';

export type { RoomListener, RoomTick } from './kept-room.ts';
export type { RoomChange } from './read-room.script.ts';
export type { RoomView } from './room-view.ts';

export interface RoomViews {
  /** null: no such concert. Throws Unavailable before the first reading, and 1 s after the last good one. */
  view(concertId: string): Promise<RoomView | null>;
  /** The view in memory where there is one that is not too old; asks nobody, but counts as a question: it stays. */
  peek(concertId: string): RoomView | undefined;
  /** Reads now: what was written before this call is in the answer. Throws Unavailable. */
  refresh(concertId: string): Promise<RoomView | null>;
  /** Keeps the room read; the listener is told of every tick after this call. Returns the way to end it. */
  subscribe(concertId: string, listener: RoomListener): () => void;
  /** This process has changed that place: until the next reading, whoever asks about it asks Redis. */
  changed(concertId: string, place: { queueId: string; sequence: number }): void;
  readonly verdicts: Verdicts;
  readonly waits: ExpectedWaits;
  start(): void;
  /** Ends the ticking, waits for the readings under way, and writes what joins have noted behind their answers. */
  stop(): Promise<void>;
}

export interface RoomViewsOptions {
  redis: RedisClient;
  log: Pick<Log, 'warn' | 'info'>;
  /** told, of each place that joined through this process and was admitted, what was estimated and what it was */
  onWaitObserved?: WaitObserver;
}

export function createRoomViews({ redis, log, onWaitObserved = () => {} }: RoomViewsOptions): RoomViews {
  const rooms = new Map<string, KeptRoom>();
  const verdicts = createVerdicts();
  const waits = createExpectedWaits(onWaitObserved);
  const readOf = attempts(log);
  let timer: NodeJS.Timeout | undefined;

  function keep(concertId: string): KeptRoom {
    const room = rooms.get(concertId) ?? keepRoom(redis, concertId, (news) => follow(news, { verdicts, waits }));
    rooms.set(concertId, room);
    return room;
  }

  const read = (room: KeptRoom, how: () => Promise<RoomView | null> = room.read) =>
    readKept(rooms, room, () => readOf(how));

  function tick(): void {
    const due = dueRooms(rooms);
    // In parallel, and thereby pipelined; bounded.
    const runners = Math.min(due.length, LIMITS.ROOM_READS_AT_ONCE);
    for (let i = 0; i < runners; i++) void readInTurn(due);
  }

  async function readInTurn(due: KeptRoom[]): Promise<void> {
    for (let room = due.pop(); room; room = due.pop()) await read(room).catch(toldAlready);
  }

  return {
    async view(concertId) {
      const room = keep(concertId);
      return room.ask() ?? read(room);
    },
    peek: (concertId) => rooms.get(concertId)?.ask() ?? undefined,
    refresh(concertId) {
      const room = keep(concertId);
      room.ask();
      return read(room, room.readAfresh);
    },
    subscribe(concertId, listener) {
      const room = keep(concertId);
      const guarded = guard(listener, log);
      room.listeners.add(guarded);
      if (!room.ask()) read(room).catch(toldAlready);
      return () => {
        room.listeners.delete(guarded);
        room.askedAt = performance.now();
      };
    },
    changed(concertId, { queueId, sequence }) {
      verdicts.forget(queueId);
      rooms.get(concertId)?.changed(sequence);
    },
    verdicts,
    waits,
    start() {
      timer ??= setInterval(tick, LIMITS.TICK_MS);
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await Promise.all([...rooms.values()].map((room) => room.settled()));
      await endNotes({ redis, log });
    },
  };
}

/** A room that somebody waits for stays; ids made up by a client do not, also while Redis is away. */
async function readKept(
  rooms: Map<string, KeptRoom>,
  room: KeptRoom,
  how: () => Promise<RoomView | null>,
): Promise<RoomView | null> {
  let there = room.isKnown();
  try {
    const view = await how();
    there = view !== null;
    return view;
  } finally {
    if (!there && room.listeners.size === 0 && rooms.get(room.concertId) === room) rooms.delete(room.concertId);
  }
}

/** Rooms to be read with this tick; those that nobody is interested in any more are forgotten. */
function dueRooms(rooms: Map<string, KeptRoom>): KeptRoom[] {
  const now = performance.now();
  const due: KeptRoom[] = [];
  for (const room of rooms.values()) {
    if (room.isReading()) continue;
    const wanted = room.listeners.size > 0 || now - room.askedAt <= LIMITS.ROOM_UNREAD_AFTER_MS;
    if (wanted) due.push(room);
    else rooms.delete(room.concertId);
  }
  return due;
}

/** What this process remembers of places, kept in step with what others did to them. */
function follow({ changes, view }: RoomTick, { verdicts, waits }: { verdicts: Verdicts; waits: ExpectedWaits }): void {
  for (const change of changes) {
    if (change.kind === 'ADMITTED') {
      waits.admitted(change.queueIds, view.nowMs);
      for (const queueId of change.queueIds) verdicts.forget(queueId);
    } else if (change.kind === 'LEFT_WAITING') waits.forget(change.queueId);
    else if (change.kind === 'ENDED') verdicts.forget(change.queueId);
  }
}

/** Readings whose failures are Unavailable, and are logged once until one succeeds. */
function attempts(log: RoomViewsOptions['log']) {
  let failing = false;
  return async (read: () => Promise<RoomView | null>): Promise<RoomView | null> => {
    try {
      const view = await read();
      if (failing) log.info('rooms can be read again');
      failing = false;
      return view;
    } catch (error) {
      if (!failing) log.warn({ err: error }, 'rooms cannot be read; tried again with every tick');
      failing = true;
      throw new Unavailable('the waiting room cannot be read', { cause: error });
    }
  };
}

/** A listener that fails keeps no other from its tick. */
function guard(listener: RoomListener, log: RoomViewsOptions['log']): RoomListener {
  return (tick) => {
    try {
      listener(tick);
    } catch (error) {
      log.warn({ err: error, concertId: tick.view.concertId }, 'a follower of a room failed');
    }
  };
}

/** The failure is in the log, and the next tick tries again. */
function toldAlready(): null {
  return null;
}
