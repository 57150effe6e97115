/** Asks for the ticket, no oftener than the last one said. */
import type { Problem, Ticket } from './api.ts';
import type { Client } from './client.ts';
import { mayRepeat } from './repeat.ts';
import { backOffMs, notBeforeMs, sleep } from './wait.ts';

export interface PollingEvents {
  ticket(ticket: Ticket): void;
  /** no answer, or one that says to come later */
  silent(): void;
  /** the token is no good, or the place is not known */
  refused(problem: Problem): void;
}

const BACK_OFF = { firstMs: 1_000, maxMs: 15_000 };

export class Polling {
  readonly #client: Client;
  readonly #events: PollingEvents;
  #running: AbortController | null = null;

  /** @param client with the queue token */
  constructor(client: Client, events: PollingEvents) {
    this.#client = client;
    this.#events = events;
  }

  start(): void {
    if (this.#running) return;
    this.#running = new AbortController();
    void this.#run(this.#running.signal);
  }

  stop(): void {
    this.#running?.abort();
    this.#running = null;
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const answer = await this.#client.poll({}, { signal });
      if (signal.aborted) return;
      if (answer.ok) {
        failures = 0;
        this.#events.ticket(answer.body);
        await sleep(notBeforeMs(answer.body.pollAfterSeconds), signal);
      } else if (mayRepeat(answer)) {
        this.#events.silent();
        await sleep(Math.max(backOffMs(++failures, BACK_OFF), notBeforeMs(answer.retryAfterSeconds ?? 0)), signal);
      } else return this.#events.refused(answer.problem);
    }
  }
}
