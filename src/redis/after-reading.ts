/**
 * A command is out of time, and a connection silent, only once what has arrived was read. Node runs the timers that are
 * due before it reads: a server that had stood still for a second (a virtual machine that is moved, a core that others
 * have) would refuse with 503 every call whose answer lies there, and let nobody know what became of it.
 *
 * One timer for all commands that have the same time. ioredis has one for each, made and cleared: a twentieth of a charge.
 */
import type { Socket } from 'node:net';
import { Command, type Redis } from 'ioredis';

interface Timed {
  isSettled: boolean;
  reject(error: Error): void;
}

interface Sent {
  readonly command: Timed;
  readonly dueMs: number;
  next: Sent | null;
}

/** Commands with the same time, in the order in which they were sent, and mostly answered. */
class Deadlines {
  readonly #ms: number;
  #first: Sent | null = null;
  #last: Sent | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(ms: number) {
    this.#ms = ms;
  }

  add(command: Timed): void {
    this.#forgetSettled();
    const sent: Sent = { command, dueMs: performance.now() + this.#ms, next: null };
    if (this.#last) this.#last.next = sent;
    else this.#first = sent;
    this.#last = sent;
    if (!this.#timer) this.#look(this.#ms);
  }

  #look(inMs: number): void {
    // The reading of this round of the event loop comes before the immediate.
    this.#timer = setTimeout(() => setImmediate(() => this.#end()), inMs).unref();
  }

  #end(): void {
    this.#timer = null;
    const nowMs = performance.now();
    for (this.#forgetSettled(); this.#first && this.#first.dueMs <= nowMs; this.#forgetSettled())
      this.#takeFirst()?.command.reject(new Error('Command timed out'));
    if (this.#first) this.#look(this.#first.dueMs - nowMs);
  }

  #forgetSettled(): void {
    while (this.#first?.command.isSettled) this.#takeFirst();
  }

  #takeFirst(): Sent | null {
    const first = this.#first;
    this.#first = first?.next ?? null;
    if (!this.#first) this.#last = null;
    if (first) first.next = null; // or one that has got old keeps all later ones from dying young
    return first;
  }
}

const byMs = new Map<number, Deadlines>();

/** Of every client of this process. */
export function timeOutAfterReading(): void {
  Command.prototype.setTimeout = function setTimeoutAfterReading(ms: number): void {
    let deadlines = byMs.get(ms);
    if (!deadlines) byMs.set(ms, (deadlines = new Deadlines(ms)));
    deadlines.add(this);
  };
}

/** To be called before the client connects; holds for all of its connections. */
export function silentAfterReading(client: Redis): void {
  client.on('connect', () => hearFirst(client.stream));
}

/** ioredis ends a connection that has been silent for `socketTimeout` by this error, in the round of its timers, too. */
const SILENT = /^Socket timeout/;

function hearFirst(stream: Socket): void {
  const destroy = stream.destroy.bind(stream);
  stream.destroy = (error?: Error) => {
    if (!SILENT.test(error?.message ?? '')) return destroy(error);
    const heard = stream.bytesRead;
    setImmediate(() => {
      if (stream.bytesRead === heard) destroy(error);
    });
    return stream;
  };
}
