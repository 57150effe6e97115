/** For programs that have nothing else to do where a call is refused. */

/** `answer` is what was answered instead. */
export class NotDone extends Error {
  readonly answer: { code: string };

  constructor(answer: { code: string }) {
    super(`not done: ${answer.code}`);
    this.answer = answer;
  }
}

/** The body of an answer that is done; throws NotDone for every other. */
export function must<A extends { ok: true; body: unknown } | { ok: false; code: string }>(
  answer: A,
): Extract<A, { ok: true }>['body'] {
  if (!answer.ok) throw new NotDone(answer);
  return answer.body;
}
