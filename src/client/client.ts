/**
 * The calls of onsale, typed, one method each. An outcome is a value: done, refused (with the members of that refusal),
 * or NO_ANSWER, where nobody can tell whether the call took effect. Nothing is thrown, nothing repeated: see `repeat`.
 */
import { CALLS, type Calls, type Problem, type Problems } from './api.ts';

export type CallName = keyof Calls;

export interface Credentials {
  accessToken?: string | undefined;
  queueToken?: string | undefined;
  operatorKey?: string | undefined;
}

export interface ClientSettings extends Credentials {
  /** where onsale answers, `https://tickets.example`; with a path where a proxy adds one */
  baseUrl: string;
  /** a call without an answer by then is NO_ANSWER; 15,000 unless given */
  deadlineMs?: number;
  fetch?: typeof fetch;
}

export interface CallOptions extends Credentials {
  /** a repeat with the same key gets the first success as it was; of POSTs that change something */
  idempotencyKey?: string | undefined;
  /** `etag` of an earlier answer; 304 where nothing has changed */
  ifNoneMatch?: string | undefined;
  signal?: AbortSignal | undefined;
}

export type Done<C extends CallName> = Calls[C]['answer'] & {
  ok: true;
  etag: string | null;
  requestId: string | null;
  retryAfterSeconds: number | null;
};

export type Refused<C extends CallName> = {
  [Code in Calls[C]['refusal']]: {
    ok: false;
    code: Code;
    /** of HTTP */
    status: number;
    problem: Omit<Problem, 'code' | 'status'> & Problems[Code];
    requestId: string | null;
    retryAfterSeconds: number | null;
  };
}[Calls[C]['refusal']];

/** The network failed, time ran out, the signal was aborted, or what answered was not onsale. The outcome is unknown. */
export interface NoAnswer {
  ok: false;
  code: 'NO_ANSWER';
  /** of what answered in onsale's place: a proxy, as a rule */
  status: number | null;
  cause: unknown;
  retryAfterSeconds: number | null;
}

export type Answer<C extends CallName> = Done<C> | Refused<C> | NoAnswer;

type IsOptional<I> = I extends Record<string, never> ? true : Partial<I> extends I ? true : false;

type Method<C extends CallName> =
  IsOptional<Calls[C]['input']> extends true
    ? (input?: Calls[C]['input'], options?: CallOptions) => Promise<Answer<C>>
    : (input: Calls[C]['input'], options?: CallOptions) => Promise<Answer<C>>;

export type Client = { readonly [C in CallName]: Method<C> } & {
  readonly baseUrl: string;
  /** the same with other credentials */
  with(credentials: Credentials): Client;
};

const DEADLINE_MS = 15_000;

export function createClient(settings: ClientSettings): Client {
  const baseUrl = settings.baseUrl.replace(/\/$/, '');
  const methods = Object.keys(CALLS).map((name) => {
    return [
      name,
      (input: Input = {}, options: CallOptions = {}) => send(name as CallName, { settings, baseUrl, input, options }),
    ];
  });
  return {
    ...(Object.fromEntries(methods) as { [C in CallName]: Method<C> }),
    baseUrl,
    with: (credentials) => createClient({ ...settings, ...credentials }),
  };
}

type Input = Record<string, unknown>;
interface Sending {
  settings: ClientSettings;
  baseUrl: string;
  input: Input;
  options: CallOptions;
}

async function send(name: CallName, { settings, baseUrl, input, options }: Sending): Promise<Answer<CallName>> {
  const { path, body } = place(name, input);
  const deadline = AbortSignal.timeout(settings.deadlineMs ?? DEADLINE_MS);
  const request = {
    method: CALLS[name][0],
    headers: headersOf(name, { ...settings, ...options }, body),
    signal: options.signal ? AbortSignal.any([options.signal, deadline]) : deadline,
    ...(body === null ? {} : { body }),
  };
  let status = null;
  let retryAfterSeconds = null;
  try {
    const response = await (settings.fetch ?? fetch)(baseUrl + path, request);
    ({ status } = response);
    retryAfterSeconds = Number.parseInt(response.headers.get('retry-after') ?? '', 10) || null;
    return read(response, { text: await response.text(), retryAfterSeconds });
  } catch (cause) {
    return { ok: false, code: 'NO_ANSWER', status, cause, retryAfterSeconds };
  }
}

/** Throws for what onsale does not say. */
function read(
  { ok, status, headers }: Response,
  { text, retryAfterSeconds }: { text: string; retryAfterSeconds: number | null },
): Answer<CallName> {
  const said = { status, requestId: headers.get('x-request-id'), retryAfterSeconds };
  const body: unknown = text === '' ? null : JSON.parse(text);
  if (ok || status === 304) return { ok: true, body, etag: headers.get('etag'), ...said } as Done<CallName>;
  const problem = body as Problem | null;
  if (typeof problem?.code !== 'string') throw new Error(`an answer of status ${status} that is no problem object`);
  return { ok: false, code: problem.code, problem, ...said } as Refused<CallName>;
}

/** Where each member of the input goes: into the path, the query, or the body. */
function place(name: CallName, input: Input): { path: string; body: string | null } {
  const [method, template, , queryNames = []]: readonly [string, string, string, string[]?] = CALLS[name];
  const rest = { ...input };
  const take = (member: string) => {
    const value = rest[member] as string | number | boolean | undefined;
    delete rest[member];
    return value;
  };
  const path = template.replace(/\{(\w+)\}/g, (_, member: string) => encodeURIComponent(String(take(member))));
  const query = new URLSearchParams();
  for (const member of queryNames) {
    const value = take(member);
    if (value !== undefined) query.set(member, String(value));
  }
  const hasBody = method !== 'GET' && Object.keys(rest).length > 0;
  return { path: query.size > 0 ? `${path}?${query.toString()}` : path, body: hasBody ? JSON.stringify(rest) : null };
}

function headersOf(name: CallName, given: Credentials & CallOptions, body: string | null): Record<string, string> {
  const [, , takes] = CALLS[name];
  const { accessToken, queueToken, operatorKey, idempotencyKey, ifNoneMatch } = given;
  const headers: Record<string, string> = {};
  if (takes.includes('q') && queueToken) headers['queue-token'] = queueToken;
  else if (takes.includes('a') && accessToken) headers.authorization = `Bearer ${accessToken}`;
  else if (takes.includes('o') && operatorKey) headers.authorization = `Bearer ${operatorKey}`;
  if (body !== null) headers['content-type'] = 'application/json';
  if (idempotencyKey) headers['idempotency-key'] = idempotencyKey;
  if (ifNoneMatch) headers['if-none-match'] = ifNoneMatch;
  return headers;
}
