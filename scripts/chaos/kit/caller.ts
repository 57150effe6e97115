/** Sends the calls of the load as a careful client does: what was not answered is sent again with its key. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, call } from '../../../src/testing/fan.ts';
import type { Attempt, Effect, Kind, Ledger, Operation } from './ledger.ts';
import type { Dice } from './random.ts';

/** A call of which the outcome is unknown is sent again after this, give or take half. */
const AGAIN_MS = 150;
/** Of a double click, and of clients that send again too early: the same call twice at once. */
const TWICE = 0.05;

export interface Caller {
  /** Sends a changing call until it is answered; null where that did not come before the end. */
  perform(operation: Operation): Promise<Answer | null>;
  /** A call that changes nothing; null where it was not answered. */
  read(path: string, token: string): Promise<Answer | null>;
}

export interface CallerOptions {
  urls: readonly string[];
  ledger: Ledger;
  random: Dice;
  /** resolves when the next call may be sent */
  pace(): Promise<void>;
  /** by `performance.now()`; calls without an answer are given up then */
  givesUpAt(): number;
}

export function createCaller({ urls, ledger, random, pace, givesUpAt }: CallerOptions): Caller {
  const send = async (operation: Operation): Promise<Answer | null> => {
    const { kind, key, call: asked } = operation;
    const { path, method, body, bearer, queue } = asked;
    const url = random.pick(urls);
    const attempt: Attempt = { url, sentMs: Date.now(), doneMs: 0, status: 0, code: null, id: null };
    operation.attempts.push(attempt);
    try {
      const headers = { 'idempotency-key': key };
      const answer = await call(url, path, { method, body, bearer, queue, headers });
      attempt.status = answer.status;
      attempt.code = answer.status >= 400 ? String(answer.body?.code ?? 'NO_CODE') : null;
      attempt.id = answer.status < 300 ? idOf(kind, operation, answer) : null;
      return answer;
    } catch (error) {
      if (error instanceof Error && error.name === 'TimeoutError') attempt.code = 'HUNG';
      return null;
    } finally {
      attempt.doneMs = Date.now();
    }
  };

  return {
    async perform(operation) {
      ledger.operations.push(operation);
      for (;;) {
        await pace();
        const sent = [send(operation)];
        if (random.chance(TWICE)) sent.push(send(operation));
        const answers = (await Promise.all(sent)).filter(isOutcome);
        const answer = answers.find(({ status }) => status < 300) ?? answers[0];
        if (answer) {
          conclude(operation, answer);
          return answer;
        }
        if (performance.now() > givesUpAt()) return null;
        await sleep(AGAIN_MS * (0.5 + random.next()));
      }
    },
    async read(path, token) {
      await pace();
      ledger.reads++;
      return call(random.pick(urls), path, { queue: token }).catch(() => null);
    },
  };
}

/** 503 leaves it open whether the call took effect; 500 is a fault of ours, and does too. */
function isOutcome(answer: Answer | null): answer is Answer {
  return answer !== null && answer.status < 500 && answer.status !== 429;
}

function conclude(operation: Operation, { status, body }: Answer): void {
  if (status >= 300) {
    operation.refusal = String(body?.code ?? `HTTP ${status}`);
    return;
  }
  operation.effect = effectOf(operation, { status, body } as Answer);
}

function idOf(kind: Kind, operation: Operation, { body }: Answer): string {
  switch (kind) {
    case 'join':
      return String(body.queueId);
    case 'leave':
      return operation.queueId;
    case 'hold':
    case 'cancel':
      return String(body.reservationId);
    case 'charge':
      return String(body.chargeId);
    case 'pay':
      return String(body.paymentId);
  }
}

function effectOf(operation: Operation, answer: Answer): Effect {
  const { body } = answer;
  const isHold = operation.kind === 'hold';
  return {
    id: idOf(operation.kind, operation, answer),
    amount: operation.kind === 'charge' ? operation.amount : Number(body?.amount ?? 0),
    sequence: Number(body?.sequence ?? 0),
    createdMs: isHold ? Date.parse(body.createdAt) : 0,
    expiresMs: isHold ? Date.parse(body.expiresAt) : 0,
  };
}
