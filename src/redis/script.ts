/**
 * Lua scripts as typed functions. A script's header names its KEYS, ARGV and outcomes; `defineScript` names them
 * again for TypeScript, and `script.test.ts` compares the two for every script.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Cluster, Redis } from 'ioredis';
import type { Replicated } from './replicas.ts';

export type RedisClient = Redis | Cluster;

/**
 * DURABILITY=replica: scripts whose answer a caller relies on, and which nothing does again by itself. Two write nothing,
 * but answer with a payment or an account that an earlier call has made and could not wait for.
 */
const RELIED_ON = /^(reservations|payments|wallet|users)\/|^waiting-room\/(join|leave)\./;
const LOOKS_BACK: ReadonlySet<string> = new Set(['payments/look.lua', 'users/read-account.lua']);
let replicated: Replicated | null = null;
export function waitForReplicas(wait: Replicated): void {
  replicated = wait;
}

/** What a Lua reply may hold. */
export type Reply = string | number | null | Reply[];

type Decoder = (rest: string[], raw: Reply[]) => object;

interface Definition<K extends string, A extends string, O extends Record<string, Decoder>> {
  /** below lua/, as in `reservations/hold.lua` */
  file: string;
  /** names of KEYS in order */
  keys: readonly K[];
  /** names of ARGV in order */
  args: readonly A[];
  /** name of further KEYS, any number of them, after the fixed ones */
  moreKeys?: string;
  /** names of the group of ARGV that is repeated after the fixed ones */
  moreArgs?: readonly string[];
  /** first word of the reply -> decoder of the rest (as strings, and raw where it nests) */
  outcomes: O;
}

export type Outcome<O extends Record<string, Decoder>> = {
  [W in keyof O & string]: { outcome: W } & ReturnType<O[W]>;
}[keyof O & string];

interface Call<K extends string, A extends string> {
  keys: Record<K, string>;
  args: Record<A, string | number>;
  moreKeys?: readonly string[];
  /** flat: group after group */
  moreArgs?: readonly (string | number)[];
}

export interface Script<K extends string, A extends string, O extends Record<string, Decoder>> {
  definition: Definition<K, A, O>;
  source: string;
  run(redis: RedisClient, call: Call<K, A>): Promise<Outcome<O>>;
}

/** Told of every script that ran: name, seconds, whether it failed. Set by observability; measured at the caller. */
let observe: (file: string, seconds: number, failed: boolean) => void = () => {};
export function observeScripts(observer: typeof observe): void {
  observe = observer;
}

const LUA_ROOT = fileURLToPath(new URL('../../lua/', import.meta.url));
const INCLUDE = /^-- @include (\w+)$/gm;

/** Source with its includes in place, each once, in the order in which they are named. */
export function loadSource(file: string): string {
  const source = readFileSync(LUA_ROOT + file, 'utf8');
  return source.replace(INCLUDE, (_, name: string) => readFileSync(`${LUA_ROOT}include/${name}.lua`, 'utf8'));
}

/** All scripts defined so far, by file: the header test and the metrics walk over it. */
export const scripts = new Map<string, Script<string, string, Record<string, Decoder>>>();

export function defineScript<const K extends string, const A extends string, O extends Record<string, Decoder>>(
  definition: Definition<K, A, O>,
): Script<K, A, O> {
  const source = loadSource(definition.file);
  const sha = createHash('sha1').update(source).digest('hex');
  const { keys: keyNames, args: argNames, outcomes, file } = definition;
  const reads = source.startsWith('#!lua flags=no-writes');
  const reliedOn = RELIED_ON.test(file) && (!reads || LOOKS_BACK.has(file));

  function outcomeOf([word, ...rest]: Reply[]): Outcome<O> {
    const decode = outcomes[word as string];
    if (!decode) throw new Error(`${file} answered ${String(word)}, which its caller does not know`);
    return { outcome: word, ...decode(rest as string[], rest) } as Outcome<O>;
  }

  // Not `async`: three promises and their state for each call are a thirtieth of a charge.
  function run(redis: RedisClient, call: Call<K, A>): Promise<Outcome<O>> {
    const params: (string | number)[] = [];
    for (const name of keyNames) params.push(call.keys[name]);
    if (call.moreKeys) params.push(...call.moreKeys);
    const keyCount = params.length;
    for (const name of argNames) params.push(call.args[name]);
    if (call.moreArgs) params.push(...call.moreArgs);
    const started = performance.now();
    const ran = (failed: boolean) => observe(file, (performance.now() - started) / 1000, failed);
    const evaluation = () => evaluate(redis, { sha, source, keyCount, params });
    const replied = reliedOn && replicated ? replicated(redis, String(params[0]), evaluation) : evaluation();
    return replied.then(
      (reply) => {
        let failed = true; // an answer that is not understood as well
        try {
          const outcome = outcomeOf(reply);
          failed = false;
          return outcome;
        } finally {
          ran(failed);
        }
      },
      (error: unknown) => {
        ran(true);
        throw error;
      },
    );
  }

  const script = { definition, source, run };
  scripts.set(file, script);
  return script;
}

interface Evaluation {
  sha: string;
  source: string;
  keyCount: number;
  params: (string | number)[];
}

/** EVALSHA, and EVAL where this Redis has not seen the script yet: NOSCRIPT means that nothing was run. */
function evaluate(redis: RedisClient, { sha, source, keyCount, params }: Evaluation): Promise<Reply[]> {
  const replied = redis.evalsha(sha, keyCount, ...params) as Promise<Reply[]>;
  return replied.catch((error: unknown) => {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return redis.eval(source, keyCount, ...params) as Promise<Reply[]>;
  });
}
