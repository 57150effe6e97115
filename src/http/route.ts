/**
 * One row of the route table: what a call is, who may make it, what it takes, what it answers. The same row checks
 * requests, and is what the OpenAPI document says of the call.
 */
import type { Static, TObject, TSchema } from 'typebox';
import type { QueueClaims } from '../auth/tokens.ts';
import type { ErrorCode, Refusal } from '../errors.ts';
import type { Soon } from '../soon.ts';
import type { HttpApp } from './http-app.ts';
import type { Idempotency } from './idempotency.ts';
import type { Shortcut } from './shortcut.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * Who may call, and what the handler then knows of the caller. The letters are the contract's.
 * `desk` also lets the operator key in (support desk): `userId` is null then.
 * `active` (G) is guarded before the handler; `place` (G) is guarded by the script that makes the change.
 */
export interface Callers {
  none: null;
  /** A */
  access: { userId: string };
  'access or desk': { userId: string | null };
  /** Q */
  queue: { userId: string; claims: QueueClaims; token: string };
  /** U */
  user: { userId: string; claims: QueueClaims | null };
  'user or desk': { userId: string | null; claims: QueueClaims | null };
  active: { userId: string; claims: QueueClaims };
  place: { userId: string; claims: QueueClaims | null };
  operator: null;
}
export type Auth = keyof Callers;

/** Names in braces of a path: `/users/{userId}/balance` has `userId`. */
export type ParamNames<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never;

/** Everything of a request that a handler may use; checked by then. */
export interface Call<A extends Auth, P extends string, Q, B> {
  caller: Callers[A];
  params: Record<P, string>;
  query: Q;
  body: B;
  idempotency: Idempotency;
  /** '' where absent */
  ifNoneMatch: string;
  acceptEncoding: string;
}

/** Schema of the JSON body by status; a media type for a body that is no JSON; null: no body. */
export type Answers = Record<number, TSchema | string | null>;

/** An answer that is no refusal. `text` is a body that is serialised already. */
export type Reply<W extends Answers> = {
  [S in keyof W & number]: { status: S; headers?: Record<string, string> } & (W[S] extends TSchema
    ? { body: Static<W[S]> } | { text: string | Uint8Array }
    : W[S] extends string
      ? { text: string | Uint8Array }
      : object);
}[keyof W & number];

type StaticOr<S, D> = S extends TSchema ? Static<S> : D;

interface Row<P extends string, A extends Auth, Q, B, W extends Answers> {
  auth: A;
  /** one sentence for the documents */
  summary: string;
  /** values arrive as text: integers and booleans are converted by the schema */
  query?: Q;
  body?: B;
  answers: W;
  /** codes beyond those that follow from auth, schemas and limits */
  errors?: readonly ErrorCode[];
  /** route word of `Idempotency-Key`, where it is honoured */
  idempotent?: string;
  /** money of a wallet: with BALANCE_REQUIRES_ACTIVE it needs an ACTIVE place in the room of the queue token */
  spends?: true;
  /** of the built-in accounts: NOT_FOUND, whatever is sent, where an outside provider says who is who */
  builtIn?: true;
  /** which bucket the call is counted in, beyond that every changing call of a user is counted in `user` */
  limit?: 'address' | 'user' | 'poll';
  /** 64 KiB unless named */
  bodyMaxBytes?: number;
  /** `Cache-Control`; `no-store` unless named */
  cache?: string;
  /** for people: no call of the API, and not in its documents */
  page?: true;
  /** Answers where memory alone can, and as `handle` would; see shortcut.ts. Of GETs by queue token. */
  fromMemory?(app: HttpApp, shortcut: Shortcut): Reply<NoInfer<W>> | null;
  handle(
    app: HttpApp,
    call: Call<A, ParamNames<P>, StaticOr<Q, object>, StaticOr<B, undefined>>,
  ): Soon<Reply<NoInfer<W>> | Refusal>;
}

/** Something in a request that does not fit: member path (`/seatIds/0`, `query/limit`), and what is wrong with it. */
export interface Fault {
  path: string;
  message: string;
}

/** A row as the server, the documents and the tests see it: types of single rows erased. */
export interface Route {
  method: Method;
  path: string;
  auth: Auth;
  summary: string;
  query?: TObject;
  body?: TSchema;
  answers: Answers;
  errors: readonly ErrorCode[];
  idempotent?: string;
  spends?: true;
  builtIn?: true;
  limit?: 'address' | 'user' | 'poll';
  bodyMaxBytes?: number;
  cache?: string;
  page?: true;
  fromMemory?(app: HttpApp, shortcut: Shortcut): AnyReply | null;
  handle(app: HttpApp, call: AnyCall): Soon<AnyReply | Refusal>;
}

/** A call as the checks make it, before the row's own types say what is in it. */
export interface AnyCall {
  caller: { userId: string | null; claims: QueueClaims | null; token: string | null } | null;
  params: Record<string, string>;
  query: object;
  body: unknown;
  idempotency: Idempotency;
  ifNoneMatch: string;
  acceptEncoding: string;
}

export interface AnyReply {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
  text?: string | Uint8Array;
}

/** Makes one row of the table: `route('GET /api/v1/things/{thingId}', { … })`. */
export function route<
  const P extends string,
  const A extends Auth,
  const W extends Answers,
  Q extends TObject | undefined = undefined,
  B extends TSchema | undefined = undefined,
>(call: `${Method} ${P}`, row: Row<P, A, Q, B, W>): Route {
  const space = call.indexOf(' ');
  const [method, path] = [call.slice(0, space) as Method, call.slice(space + 1)];
  // The row is erased here, once: the server hands each handler only what its own schemas have let through.
  return { errors: [], ...row, method, path } as unknown as Route;
}
