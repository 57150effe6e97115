/**
 * What many ask of Redis within one turn of the event loop goes there as one call per key, in the order of arrival;
 * everyone gets the answer they would have got alone. The fuller the server, the longer its turns and the larger the
 * calls: 64 clients in a closed loop make a call of 30. Waiting for the call under way as well made them no larger.
 */
interface Waiter<Q, A> {
  question: Q;
  resolve(answer: A): void;
  reject(error: unknown): void;
}

interface Options<Q, A> {
  /** questions in one call */
  most: number;
  /** answers in the order of the questions; where it rejects, it does so for these alone */
  call(key: string, questions: readonly Q[]): Promise<readonly A[]>;
}

export function gatherCalls<Q, A>({ most, call }: Options<Q, A>): (key: string, question: Q) => Promise<A> {
  let gathered = new Map<string, Waiter<Q, A>[]>();

  function send(): void {
    const all = gathered;
    gathered = new Map();
    for (const [key, waiters] of all)
      for (let i = 0; i < waiters.length; i += most) void answer(key, waiters.slice(i, i + most));
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
    if (gathered.size === 0) setImmediate(send);
    const { promise, resolve, reject } = Promise.withResolvers<A>();
    const waiter = { question, resolve, reject };
    const waiters = gathered.get(key);
    if (waiters) waiters.push(waiter);
    else gathered.set(key, [waiter]);
    return promise;
  };
}
