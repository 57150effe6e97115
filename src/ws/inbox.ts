/** What one client says: counted, checked, and followed one message after the other. */
import { CLOSE, isRefusal, type Refusal, refuse } from '../errors.ts';
import { refusalOf } from '../http/answer.ts';
import type { Log } from '../observability/log.ts';
import type { Connection, SocketLimits } from './connection.ts';
import { type ClientMessage, errorFrame, invalid, readMessage } from './frames.ts';

const SECOND_MS = 1_000;

export interface InboxDeps {
  log: Log;
  limits: SocketLimits;
  /** may refuse, or throw as a use case does */
  follow(connection: Connection, message: ClientMessage): Promise<Refusal | null>;
}

export class Inbox {
  readonly #connection: Connection;
  readonly #deps: InboxDeps;
  readonly #entries: (ClientMessage | Refusal)[] = [];
  #busy = false;
  #bad = 0;
  #secondStartMs = Number.NEGATIVE_INFINITY;
  #inSecond = 0;

  constructor(connection: Connection, deps: InboxDeps) {
    this.#connection = connection;
    this.#deps = deps;
  }

  /** A message as it came: `text` is null where it was binary or too long. */
  receive({ text, bytes }: { text: string | null; bytes: number }): void {
    const { WS_MESSAGE_MAX_BYTES: maxBytes } = this.#deps.limits;
    const tooMany = this.#count();
    if (tooMany) this.#queue(tooMany);
    else if (bytes > maxBytes) this.#queue(refuse('BODY_TOO_LARGE', { maxBytes }));
    else if (text === null) this.#queue(invalid('', 'must be a text frame'));
    else this.#queue(readMessage(text));
  }

  /** A ping as it came: answered by the server by itself, but counted. */
  receivePing(): void {
    const tooMany = this.#count();
    if (tooMany) this.#queue(tooMany);
  }

  /** The refusal where it is one too many in this second. */
  #count(): Refusal | null {
    const nowMs = performance.now();
    if (nowMs - this.#secondStartMs >= SECOND_MS) {
      this.#secondStartMs = nowMs;
      this.#inSecond = 0;
    }
    this.#inSecond += 1;
    return this.#inSecond > this.#deps.limits.WS_MESSAGES_A_SECOND ? tooFast() : null;
  }

  #queue(entry: ClientMessage | Refusal): void {
    if (this.#entries.length >= this.#deps.limits.WS_INBOX_MAX) return this.#scold(tooFast());
    this.#entries.push(entry);
    if (!this.#busy) void this.#followAll();
  }

  async #followAll(): Promise<void> {
    this.#busy = true;
    for (let entry = this.#entries.shift(); entry && this.#connection.open; entry = this.#entries.shift()) {
      if (isRefusal(entry)) this.#scold(entry);
      else await this.#follow(entry);
    }
    this.#busy = false;
  }

  /** What is no message: a stranger is shown out at once, others after some. */
  #scold(refusal: Refusal): void {
    const connection = this.#connection;
    if (connection.state === 'STRANGER') return connection.end(CLOSE.NOT_AUTHENTICATED, 'not authenticated');
    this.#bad += 1;
    connection.send('error', errorFrame(refusal));
    if (this.#bad >= this.#deps.limits.WS_BAD_MESSAGES_MAX) connection.end(CLOSE.BAD_MESSAGES, 'bad messages');
  }

  /** A message that cannot be followed now is answered with an error, and is not held against the client. */
  async #follow(message: ClientMessage): Promise<void> {
    const connection = this.#connection;
    try {
      const refusal = await this.#deps.follow(connection, message);
      if (refusal) connection.send('error', errorFrame(refusal));
    } catch (error) {
      const refusal = refusalOf(error);
      const { instance } = refusal.members;
      if (refusal.refused === 'INTERNAL')
        this.#deps.log.error({ err: error, message: message.type, instance }, 'a message of a socket failed');
      connection.send('error', errorFrame(refusal));
    }
  }
}

function tooFast(): Refusal {
  return refuse('RATE_LIMITED', { retryAfterSeconds: 1 });
}
