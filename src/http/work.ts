/** What the server of HTTP asks of those who know the calls. */
import type { ErrorCode } from '../errors.ts';
import type { Soon } from '../soon.ts';
import type { Body } from './body.ts';
import type { HttpAnswer } from './exchange.ts';
import type { Glance, Head } from './head.ts';

/** What is to be done about a request, decided before its body is read. */
export interface Work {
  bodyMaxBytes: number;
  /** false: the body is read and forgotten, so that the client hears the answer */
  keepBody: boolean;
  /** tells its own faults; where it throws or rejects all the same, the answer is INTERNAL */
  run(body: Body): Soon<HttpAnswer>;
}

/** None of these may throw. */
export interface Service {
  /** by path (`:name` is any one segment): GETs that may be answered at once; null: the call goes the long way */
  readonly shortcuts?: ReadonlyMap<string, (glance: Glance) => HttpAnswer | null>;
  plan(head: Head): Work;
  /** an answer to what goes wrong here: framing, size, deadlines */
  refusal(head: Head, code: ErrorCode, members?: Record<string, unknown>): HttpAnswer;
}
