/**
 * What many ask of Redis at once goes there as one call. All that come within one turn of the event loop go together,
 * and while a call is under way those who come wait for its return: the fuller the server, the larger the calls, and an
 * idle one waits for nobody. Per key, in the order of arrival; everyone gets the answer they would have got alone.
 */
import { LIMITS } from '../limits.ts';

interface Waiter<Q, A> {
  question: Q;
  resolve(answer: A): void;
  reject(error: unknown): void;
}

/** Those who gather for one key. It is kept while somebody waits or a call is under way. */
interface Gathering<Q, A> {
  waiters: Waiter<Q, A>[];
  calls: number;
  patience: NodeJS.Timeout | undefined;
}

interface Options<Q, A> {
  /** questions in one call; when so many have gathered they go, whatever is under way */
  most: number;
  /** answers in the order of the questions; where it rejects, it does so for these alone */
  call(key: string, questions: readonly Q[]): Promise<readonly A[]>;
}

export function gatherCalls<Q, A>({ most, call }: Options<Q, A>): (key: string, question: Q) => Promise<A> {
  const gatherings = new Map<string, Gathering<Q, A>>();

  function send(key: string): void {
    const gathering = gatherings.get(key);
    if (!gathering || gathering.waiters.length === 0) return;
    clearTimeout(gathering.patience);
    const { waiters } = gathering;
    gathering.waiters = [];
    gathering.calls++;
    void answer(key, waiters).then(() => {
      gathering.calls--;
      if (gathering.waiters.length > 0) send(key);
      else if (gathering.calls === 0) gatherings.delete(key);
    });
  }

  async function answer(key: string, waiters: readonly Waiter<Q, A>[]): Promise<void> {
    try {
      const questions = waiters.map(({ question }) => question);
      const answers = await call(key, questions);
      waiters.forEach(({ resolve }, i) => resolve(answers[i] as A));
    } catch (error) {
      for (const { reject } of waiters) reject(error);
    }
  }

  return (key, question) => {
    const gathering = gatherings.get(key) ?? { waiters: [], calls: 0, patience: undefined };
    gatherings.set(key, gathering);
    const { promise, resolve, reject } = Promise.withResolvers<A>();
    const gathered = gathering.waiters.push({ question, resolve, reject });
    if (gathered === most) send(key);
    else if (gathered === 1) {
      // Nobody waits long for the call of others: Redis may hang, and a refusal is due within a second.
      if (gathering.calls === 0) setImmediate(send, key);
      else gathering.patience = setTimeout(send, LIMITS.CALL_GATHERS_MS, key);
    }
    return promise;
  };
}
