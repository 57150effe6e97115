/**
 * What many ask of Redis within one turn of the event loop goes there as one call per key, in the order of arrival;
 * everyone gets the answer they would have got alone. The fuller the server, the longer its turns and the larger the
 * calls: 64 clients in a closed loop make a call of 30. Waiting for the call under way as well made them no larger.
 */
import { atEndOfTurn } from '../turn.ts';

interface Batch<Q, A> {
  key: string;
  questions: Q[];
  answers: PromiseWithResolvers<readonly A[]>;
}

interface Options<Q, A> {
  /** questions in one call */
  most: number;
  /** answers in the order of the questions; where it throws or rejects, it does so for these alone */
  call(key: string, questions: readonly Q[]): Promise<readonly A[]>;
}

export function gatherCalls<Q, A>({ most, call }: Options<Q, A>): (key: string, question: Q) => Promise<A> {
  /** `async`, so that what it throws is a rejection too */
  const callOf = async (key: string, questions: readonly Q[]) => call(key, questions);
  let gathered: Batch<Q, A>[] = [];
  /** of each key, the batch that its next question joins; a new map each turn, since one that was cleared stays in memory */
  let filling = new Map<string, Batch<Q, A>>();

  function send(): void {
    const batches = gathered;
    gathered = [];
    filling = new Map();
    for (const { key, questions, answers } of batches) answers.resolve(callOf(key, questions));
  }

  function begin(key: string): Batch<Q, A> {
    const batch: Batch<Q, A> = { key, questions: [], answers: Promise.withResolvers() };
    if (gathered.push(batch) === 1) atEndOfTurn('ask', send);
    filling.set(key, batch);
    return batch;
  }

  return (key, question) => {
    let batch = filling.get(key);
    if (!batch || batch.questions.length >= most) batch = begin(key);
    const at = batch.questions.push(question) - 1;
    return batch.answers.promise.then((answers) => answers[at] as A);
  };
}
