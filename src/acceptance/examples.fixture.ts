/**
 * Sends what the documents show, and holds answers against what they show. Ids and tokens of an example stand for those
 * that the server gives: each is learned where the two are compared, and takes its place in later requests.
 */
import { expect } from 'vitest';
import type { Answer, CallOptions } from '../testing/fan.ts';
import type { Loose, Under } from './contract.fixture.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const IS_OF_SERVER = /^(queueId|userId|reservationId|paymentId|chargeId|entryId|reference|token|accessToken|instance)$/;

export class Examples {
  readonly #under: Under;
  /** text of an example -> what the server has instead */
  readonly #known = new Map<string, string>();
  /** `POST /api/v1/queue 201`, `SEAT_TAKEN`, `ticket` … */
  readonly compared = new Set<string>();

  constructor(under: Under) {
    this.#under = under;
  }

  /** An example's value with what the server gave in the places of ids. */
  real(value: unknown): Loose {
    if (typeof value === 'string') return this.#known.get(value) ?? value;
    if (Array.isArray(value)) return value.map((one) => this.real(one));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.real(member)]));
  }

  /** Sends the example of a call; its answer is the one shown for the status. */
  async expectShown(call: string, status: number, credential: CallOptions = {}): Promise<Answer> {
    const [method = '', template = ''] = call.split(' ');
    const operation = this.#under.openApi.paths[template][method.toLowerCase()];
    const answer = await this.send(operation, { method, template, credential });
    expect(answer.status, `${call}: ${JSON.stringify(answer.body)}`).toBe(status);
    const [media] = Object.values<Loose>(operation.responses[status].content ?? {});
    this.compared.add(`${call} ${status}`);
    if (!media) expect(answer.body).toBeNull();
    else this.compare(media.example, answer.body, `${call} ${status}`);
    return answer;
  }

  send(operation: Loose, { method, template, credential }: { method: string; template: string; credential: object }) {
    const shown = (where: string) =>
      operation.parameters.filter((one: Loose) => one.in === where && one.example !== undefined);
    let path = template;
    for (const { name, example } of shown('path'))
      path = path.replace(`{${name}}`, encodeURIComponent(this.real(example)));
    const query = new URLSearchParams(shown('query').map(({ name, example }: Loose) => [name, String(example)]));
    const body = this.real(operation.requestBody?.content['application/json'].example);
    const options = { method, ...(body === undefined ? {} : { body }), ...credential };
    return this.#under.call(query.size > 0 ? `${path}?${query.toString()}` : path, options);
  }

  /** Holds a refusal against the example of its code, in the document of the call that was refused. */
  expectRefused(answer: Answer, code: string): void {
    const { body } = answer;
    expect(body.code, JSON.stringify(body)).toBe(code);
    const shown = Object.values<Loose>(this.#under.openApi.paths)
      .flatMap((operations) => Object.values<Loose>(operations))
      .map((operation) => operation.responses[answer.status]?.content?.['application/problem+json']?.examples[code])
      .find(Boolean);
    if (shown) this.compareProblem(shown.value, body);
    this.compared.add(code);
  }

  /** As `compare`; but what a refusal names (seats, faults, times of rooms) is the request's. */
  compareProblem(example: Loose, actual: Loose): void {
    expect(Object.keys(actual).sort(), JSON.stringify(actual)).toEqual(Object.keys(example).sort());
    for (const name of ['type', 'title', 'status', 'detail', 'code']) expect(actual[name]).toEqual(example[name]);
    expect(kindOf(actual), example.code).toEqual(kindOf(example));
  }

  /** The same members, of the same kinds; texts are the same but for times and what the server gives out. */
  compare(example: unknown, actual: unknown, at: string): void {
    const where = `${at}: ${JSON.stringify(actual)?.slice(0, 300)} as ${JSON.stringify(example)?.slice(0, 300)}`;
    if (typeof example !== 'object' || example === null) return this.#compareLeaf(example, actual, where);
    expect(Array.isArray(actual), where).toBe(Array.isArray(example));
    if (Array.isArray(example)) {
      const all = actual as unknown[];
      expect(all.length > 0, where).toBe(example.length > 0);
      for (const [i, one] of example.entries()) this.compare(one, all[i], `${at}/${i}`);
      return;
    }
    expect(Object.keys(actual as object).sort(), where).toEqual(Object.keys(example).sort());
    for (const [name, value] of Object.entries(example)) {
      const other = (actual as Record<string, unknown>)[name];
      if (typeof value === 'string' && typeof other === 'string' && IS_OF_SERVER.test(name))
        this.#known.set(value, other);
      else this.compare(value, other, `${at}/${name}`);
    }
  }

  #compareLeaf(example: unknown, actual: unknown, where: string): void {
    expect(actual === null ? 'null' : typeof actual, where).toBe(example === null ? 'null' : typeof example);
    if (typeof example !== 'string') return;
    if (TIME.test(example)) expect(actual, where).toMatch(TIME);
    else expect(actual, where).toBe(this.real(example));
  }
}

/** `number`, `time`, `[…]` of the first element, `{…}` of the members. */
function kindOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(kindOf);
  if (typeof value === 'string') return TIME.test(value) ? 'time' : 'text';
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, kindOf(member)]));
}
