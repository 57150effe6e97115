/** A Redis whose commands wait for leave: tests say what happens before one, whether it is sent, and when it is answered. */
import { createHash } from 'node:crypto';
import { type RedisClient, scripts } from '../redis/script.ts';

export interface Command {
  /** the script, as in `payments/confirm`, or the name of a plain command */
  label: string;
  /** Sends it, at most once to be called. */
  send(): Promise<unknown>;
}

type Send = (...args: unknown[]) => Promise<unknown>;

/** The same Redis, but each command goes through `gate`, whose answer is the caller's. */
export function gatedRedis(redis: RedisClient, gate: (command: Command) => Promise<unknown>): RedisClient {
  const known = new Map([...scripts].map(([file, { source }]) => [sha1(source), { label: file.slice(0, -4), source }]));
  const evalsha = (sha: string, ...rest: unknown[]) => {
    const script = known.get(sha);
    if (!script) throw new Error('a script that nobody has defined');
    const runOnce = () =>
      plain(redis, 'evalsha', [sha, ...rest]).catch((error: Error) => {
        // Answered here, or the caller would need two commands for one.
        if (!error.message.startsWith('NOSCRIPT')) throw error;
        return plain(redis, 'eval', [script.source, ...rest]);
      });
    return gate({ label: script.label, send: runOnce });
  };
  return new Proxy(redis, {
    get(target, name: string) {
      if (name === 'evalsha') return evalsha;
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => gate({ label: name, send: () => plain(redis, name, args) });
    },
  });
}

async function plain(redis: RedisClient, name: string, args: unknown[]): Promise<unknown> {
  return (Reflect.get(redis, name) as Send).apply(redis, args);
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

/** As ioredis says it: whether the command ran, or will, is not known. */
export const timeout = (): Error => new Error('Command timed out');

type Hook = (command: Command) => Promise<unknown>;

/** Commands with one of these labels go through its hook, the others straight on. */
export function hookedRedis(redis: RedisClient, hooks: Record<string, Hook>): RedisClient {
  return gatedRedis(redis, (command) => hooks[command.label]?.(command) ?? command.send());
}

/** Hook: the command is run, its reply is lost. */
export const replyLost: Hook = async ({ send }) => {
  await send();
  throw timeout();
};

/** Hook: the command never gets there. */
export const neverSent: Hook = () => Promise.reject(timeout());
