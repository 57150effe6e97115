/**
 * The one file that touches uWebSockets.js' requests and answers. What it does for everybody else: `onAborted` before
 * anything, the request copied before the first await (it is dead after), a bounded body, deadlines (uWS has none for
 * a pending request), answers corked and given once, no faster than they are read. A call that memory can answer has
 * little of this: mostly it is over before anything can happen to it.
 *
 * An exchange is `new`, then `reading` its body where it has one, then `serving`, then `sending` where the answer is
 * not taken at once, then `over`. A client that leaves makes it `over` from anywhere; what it asked for still runs to
 * its end, and is waited for at the drain.
 */
import uWS, { type HttpRequest, type HttpResponse, type TemplatedApp, type us_listen_socket } from 'uWebSockets.js';
import type { ErrorCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { atEndOfTurn } from '../turn.ts';
import { Bag, type InBag } from './bag.ts';
import { type Body, bodyOf, NO_BODY } from './body.ts';
import { framingOf } from './framing.ts';
import { copyHead, type Glance, type Head } from './head.ts';
import { listen } from './listen.ts';
import type { Service, Work } from './work.ts';
import { isTaken, send, writeHead } from './write-answer.ts';

export interface HttpAnswer {
  status: number;
  /** the value of Cache-Control, then a line `Name: value` for each other one, after CRLF; '' for none at all */
  headers: string;
  body: string | Uint8Array | null;
}

interface Exchange extends InBag {
  readonly res: HttpResponse;
  readonly head: Head;
  state: 'new' | 'reading' | 'serving' | 'sending' | 'over';
  /** since when it is in this state, ms of the monotonic clock */
  sinceMs: number;
  /** the connection cannot be used again: its next bytes are of unknown meaning */
  broken: boolean;
}

/** How long a body may take to come, and then its answer; both are 503 beyond. */
export interface Deadlines {
  bodyMs: number;
  requestMs: number;
}

/** A client that sends too much is listened to up to here, so that it hears why: a closed connection tells it nothing. */
const LISTEN_OUT_BYTES = 2 * LIMITS.IMPORT_BODY_MAX_BYTES;
/** From here on an answer is owed until it was taken: to ask uWS for that costs one call to the system more. */
const SMALL_BYTES = 4 * 1024;
/** From memory, of all connections together: some milliseconds. Beyond, an answer is owed to the end of the turn (`#serve`). */
const EARLY_ANSWERS_A_TURN = 256;
const SWEEP_MS = 250;

export class HttpServer {
  /** for the WebSocket, to be registered before `listen` */
  readonly app: TemplatedApp = uWS.App();
  readonly #service: Service;
  readonly #deadlines: Deadlines;
  /** those that read or are served */
  readonly #pending = new Bag<Exchange>();
  /** answers that were given in this turn to what was asked in it */
  #early = 0;
  #reading = 0;
  #working = 0;
  #sending = 0;
  #draining = false;
  #socket: us_listen_socket | null = null;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(service: Service, { bodyMs, requestMs }: Partial<Deadlines> = {}) {
    this.#service = service;
    this.#deadlines = { bodyMs: bodyMs ?? LIMITS.BODY_DEADLINE_MS, requestMs: requestMs ?? LIMITS.REQUEST_DEADLINE_MS };
    this.app.any('/*', (res, req) => this.#open(res, req));
    for (const [path, answerOf] of service.shortcuts ?? [])
      this.app.get(path, (res, req) => this.#answerAtOnce(res, req, answerOf));
  }

  /** Listens and tells the port; 0 takes a free one. `shared`: other processes may listen on it too. */
  async listen(host: string, port: number, options: { shared: boolean }): Promise<number> {
    const listening = await listen(this.app, { host, port, ...options });
    this.#socket = listening.socket;
    const { bodyMs, requestMs } = this.#deadlines;
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(SWEEP_MS, bodyMs, requestMs)).unref();
    return listening.port;
  }

  /** Takes no more connections; those that are open are served on. */
  stopListening(): void {
    this.#draining = true;
    if (this.#socket) uWS.us_listen_socket_close(this.#socket);
    this.#socket = null;
  }

  /** Calls that are not answered yet, or still work for a client that left. */
  inFlight(): number {
    return this.#reading + this.#working + this.#sending;
  }

  /** True from the first `stopListening` or `drain` on: not ready, and each answer ends its connection. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Resolves true when nothing is in flight any more, false at the deadline. */
  async drain(deadlineMs: number): Promise<boolean> {
    this.#draining = true;
    const end = performance.now() + deadlineMs;
    while (this.inFlight() > 0 && performance.now() < end) await new Promise((wake) => setTimeout(wake, 10));
    return this.inFlight() === 0;
  }

  /** Ends every connection at once, and with it every call in flight. */
  close(): void {
    this.stopListening();
    clearInterval(this.#sweeper);
    this.app.close();
  }

  #answerAtOnce(res: HttpResponse, req: HttpRequest, answerOf: (glance: Glance) => HttpAnswer | null): void {
    const answer = this.#draining ? null : orLongWay(answerOf, req);
    if (!answer) return this.#open(res, req);
    if (answer.body === null || answer.body.length < SMALL_BYTES)
      return this.#isEarly() ? send(res, answer) : this.#answerSoon(res, answer);
    writeHead(res, answer);
    if (isTaken(res, answer.body)) return;
    const exchange = this.#exchangeOf(res, req);
    res.onAborted(() => this.#move(exchange, 'over'));
    this.#sendRest(exchange, answer.body);
  }

  #isEarly(): boolean {
    this.#early += 1;
    if (this.#early === 1) atEndOfTurn('answer', () => void (this.#early = 0));
    return this.#early <= EARLY_ANSWERS_A_TURN;
  }

  #answerSoon(res: HttpResponse, answer: HttpAnswer): void {
    let gone = false;
    res.onAborted(() => void (gone = true));
    this.#working += 1;
    atEndOfTurn('answer', () => {
      this.#working -= 1;
      if (!gone) res.cork(() => send(res, answer));
    });
  }

  #exchangeOf(res: HttpResponse, req: HttpRequest): Exchange {
    return { res, head: copyHead(res, req), state: 'new', sinceMs: performance.now(), broken: false, at: -1 };
  }

  #open(res: HttpResponse, req: HttpRequest): void {
    let exchange: Exchange | null = null;
    res.onAborted(() => exchange && this.#move(exchange, 'over'));
    try {
      exchange = this.#exchangeOf(res, req);
      const { fault, hasBody, length } = framingOf(exchange.head.headers);
      if (fault) return this.#cutOff(exchange, 'VALIDATION', { errors: [{ path: 'headers', message: fault }] });
      if (length > LISTEN_OUT_BYTES) return this.#cutOff(exchange, 'BODY_TOO_LARGE');
      const work = this.#service.plan(exchange.head);
      if (hasBody) this.#read(exchange, work);
      else this.#serve(exchange, work, NO_BODY);
    } catch {
      // Never thrown on: uWS ends the whole process for it.
      if (exchange) this.#move(exchange, 'over');
      res.close();
    }
  }

  #read(exchange: Exchange, work: Work): void {
    this.#move(exchange, 'reading');
    const chunks: Uint8Array[] = [];
    let length = 0;
    exchange.res.onData((chunk, isLast) => {
      if (exchange.state !== 'reading' || exchange.broken) return;
      length += chunk.byteLength;
      if (length > LISTEN_OUT_BYTES) return this.#cutOff(exchange, 'BODY_TOO_LARGE');
      const kept = work.keepBody && length <= work.bodyMaxBytes;
      // The chunk is uWS' own memory, and gone when this returns: only a body in several is copied.
      if (kept) chunks.push(isLast ? new Uint8Array(chunk) : new Uint8Array(chunk.slice(0)));
      if (isLast) this.#serve(exchange, work, kept && length > 0 ? bodyOf(chunks, length) : { ...NO_BODY, length });
    });
  }

  /**
   * uWS goes on with the next request of the same packet once an answer is given, and keeps without a bound what is not
   * read: 20,000 `GET /metrics` in a row took 45 s of one turn, and 600 MB. While an answer is owed it cuts a connection
   * that asks more. So each is owed for a turn at least, and one that is not small until all of it was taken.
   */
  #serve(exchange: Exchange, work: Work, body: Body): void {
    this.#move(exchange, 'serving');
    this.#working += 1;
    const give = (answer: HttpAnswer) =>
      atEndOfTurn('answer', () => {
        this.#working -= 1;
        this.#give(exchange, answer);
      });
    const fail = () => give(this.#service.refusal(exchange.head, 'INTERNAL'));
    try {
      const answer = work.run(body);
      if (answer instanceof Promise) answer.then(give, fail);
      else give(answer);
    } catch {
      fail();
    }
  }

  /**
   * Answers and ends the connection, since what follows on it is not read, or of unknown meaning. A turn later: what
   * came in the same packet would be answered as a request of its own, and the connection would live on.
   */
  #cutOff(exchange: Exchange, code: ErrorCode, members?: Record<string, unknown>): void {
    if (exchange.broken) return;
    exchange.broken = true;
    const answer = this.#service.refusal(exchange.head, code, members);
    atEndOfTurn('answer', () => this.#give(exchange, answer));
  }

  #give(exchange: Exchange, answer: HttpAnswer): void {
    const { state, res, head } = exchange;
    if (state === 'sending' || state === 'over') return;
    this.#move(exchange, 'over');
    const ends = exchange.broken || this.#draining;
    const { body } = answer;
    res.cork(() => {
      if (body === null || body.length < SMALL_BYTES || ends || head.method === 'HEAD')
        return send(res, answer, { ends, withoutBody: head.method === 'HEAD' });
      writeHead(res, answer);
      if (!isTaken(res, body)) this.#sendRest(exchange, body);
    });
  }

  /** What was not taken at once, as fast as it is read. */
  #sendRest(exchange: Exchange, body: string | Uint8Array): void {
    this.#move(exchange, 'sending');
    const { res } = exchange;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    res.onWritable((offset) => {
      if (exchange.state !== 'sending') return true;
      const [taken, done] = res.tryEnd(bytes.subarray(offset), bytes.length);
      if (done) this.#move(exchange, 'over');
      return taken;
    });
  }

  /** The only place that changes the state of an exchange, and the counts that follow from it. */
  #move(exchange: Exchange, state: Exchange['state']): void {
    const before = exchange.state;
    exchange.state = state;
    if (before === 'reading') this.#reading -= 1;
    else if (before === 'sending') this.#sending -= 1;
    if (state === 'reading') this.#reading += 1;
    else if (state === 'sending') this.#sending += 1;
    else if (state === 'serving') exchange.sinceMs = performance.now();
    if (state === 'reading' || state === 'serving') this.#pending.add(exchange);
    else this.#pending.remove(exchange);
  }

  #sweep(): void {
    const now = performance.now();
    const { bodyMs, requestMs } = this.#deadlines;
    for (const exchange of this.#pending.all()) {
      const waitedMs = now - exchange.sinceMs;
      if (exchange.state === 'reading' && waitedMs >= bodyMs) this.#cutOff(exchange, 'UNAVAILABLE');
      else if (exchange.state === 'serving' && waitedMs >= requestMs)
        this.#give(exchange, this.#service.refusal(exchange.head, 'UNAVAILABLE'));
    }
  }
}

/** What goes wrong on the short way goes wrong on the long one too, and is told there. */
function orLongWay(answerOf: (glance: Glance) => HttpAnswer | null, req: HttpRequest): HttpAnswer | null {
  try {
    return answerOf(req);
  } catch {
    return null;
  }
}
