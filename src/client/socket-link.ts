/**
 * A socket that stays: opened, authenticated, opened again when it is lost.
 *
 * OPENING  from DOWN or the start; until a first message
 * UP       from OPENING; while messages come, or an answer does when there was none for long
 * DOWN     from OPENING or UP; until the pause is over
 * ENDED    from any, by the server (4401, 4403) or by `close`
 */
import { type ClientMessage, CLOSE, type ServerMessage } from './api.ts';
import { backOffMs } from './wait.ts';

export interface LinkEvents {
  message(message: ServerMessage): void;
  /** `failures`: attempts in a row that came to nothing, this one included */
  down(failures: number): void;
  ended(code: number): void;
}

export interface LinkSettings {
  /** `wss://…/ws` */
  url: string;
  token: string;
  WebSocket: typeof WebSocket;
}

/** Enough for a handshake and a look at Redis over a bad line. */
const ANSWER_MS = 10_000;
/**
 * A connection that broke without a word looks like a quiet room: after so long without a message, and up to as long
 * again, ask. A whole room has heard the same last frame, and would ask in one moment.
 */
const SILENCE_MS = 45_000;
/** A socket that lasted so long was a good one: the next pause is a short one. */
const LASTED_MS = 10_000;
const BACK_OFF = { firstMs: 500, maxMs: 15_000 };
/** A server that restarts sends everybody away in one moment. */
const RESTART_SPREAD_MS = 2_000;

export class SocketLink {
  readonly #settings: LinkSettings;
  readonly #events: LinkEvents;
  #state: 'OPENING' | 'UP' | 'DOWN' | 'ENDED' = 'DOWN';
  #socket: WebSocket | null = null;
  /** while this socket is listened to */
  #heard = new AbortController();
  /** what is waited for: a first message, the next, the answer to a question, the end of a pause */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #upSinceMs = 0;
  #failures = 0;

  constructor(settings: LinkSettings, events: LinkEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#open();
  }

  /** Lost where the socket is not UP: whoever needs it says it again after the next ticket. */
  send(message: ClientMessage): void {
    if (this.#state === 'UP') this.#socket?.send(JSON.stringify(message));
  }

  /** The network is known to be gone: no silence is waited for. */
  lose(): void {
    if (this.#state === 'OPENING' || this.#state === 'UP') this.#lost();
  }

  /** The network is known to be back: no pause is waited for. */
  retry(): void {
    if (this.#state === 'DOWN') this.#open();
  }

  close(): void {
    this.#state = 'ENDED';
    this.#drop();
  }

  #open(): void {
    this.#state = 'OPENING';
    const { url, WebSocket: Socket } = this.#settings;
    const socket = new Socket(url);
    this.#socket = socket;
    this.#heard = new AbortController();
    this.#after(ANSWER_MS, () => this.#lost());
    const { signal } = this.#heard;
    socket.addEventListener('open', () => this.#authenticate(), { signal });
    socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(String(data)) as ServerMessage), { signal });
    socket.addEventListener('close', ({ code }) => this.#lost(code), { signal });
  }

  /** Answered by a ticket, also where the place is on this socket already. */
  #authenticate(): void {
    const auth: ClientMessage = { type: 'auth', token: this.#settings.token };
    this.#socket?.send(JSON.stringify(auth));
  }

  #hear(message: ServerMessage): void {
    if (this.#state === 'OPENING') {
      this.#state = 'UP';
      this.#upSinceMs = performance.now();
    }
    this.#after(SILENCE_MS * (1 + Math.random()), () => {
      this.#authenticate();
      this.#after(ANSWER_MS, () => this.#lost());
    });
    this.#events.message(message);
  }

  #lost(code = 0): void {
    const lasted = this.#state === 'UP' && performance.now() - this.#upSinceMs > LASTED_MS;
    this.#drop();
    if (code === CLOSE.NOT_AUTHENTICATED || code === CLOSE.PLACES_OVER) {
      this.#state = 'ENDED';
      this.#events.ended(code);
      return;
    }
    this.#state = 'DOWN';
    this.#failures = lasted ? 1 : this.#failures + 1;
    const restarts = code === CLOSE.RESTARTING && this.#failures === 1;
    const pauseMs = restarts ? Math.random() * RESTART_SPREAD_MS : backOffMs(this.#failures, BACK_OFF);
    this.#after(pauseMs, () => this.#open());
    this.#events.down(this.#failures);
  }

  /** Nothing is heard of this socket any more, however long its closing takes. */
  #drop(): void {
    clearTimeout(this.#timer);
    this.#heard.abort();
    this.#socket?.close();
    this.#socket = null;
  }

  #after(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }
}
