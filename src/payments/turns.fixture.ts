/**
 * Callers whose every command waits for its turn. What runs next, whether its reply gets back, and whether it comes
 * late, is for a test to say; between turns nothing moves.
 */
import type { RedisClient } from '../redis/script.ts';
import { type Command, gatedRedis, timeout } from './gate.fixture.ts';

/** What may happen next. Which kind, is drawn first; among its moves, one with a greater `ease` more often. */
export interface Move {
  kind: 'turn' | 'lost' | 'late' | 'pay' | 'sweep' | 'forget' | 'time' | 'going' | 'coming' | 'accident';
  label: string;
  ease?: number;
  run(): Promise<unknown>;
}

/**
 * Commands that settle something linger, while the others come and go: all that ever went wrong here did so between
 * an answer and what was done about it.
 */
const EASE: Record<string, number> = {
  'wallet/authorize': 3,
  'payments/confirm': 3,
  'wallet/post': 1,
  'wallet/void': 1,
};

interface Waiting extends Command {
  who: string;
  resolve(reply: unknown): void;
  reject(error: Error): void;
}

export interface Turns {
  /** Starts something that goes on command by command. Its own errors are its own to catch. */
  start(who: string, what: (redis: RedisClient) => Promise<void>): Promise<void>;
  /** how many are under way whose name starts so */
  running(prefix: string): number;
  moves(): Move[];
  /** Gives everybody their turn until all have come to their end. Throws where one hangs. */
  runAll(): Promise<void>;
  /** Runs the commands that were given up by their callers and come late. */
  runLate(): Promise<void>;
}

export function createTurns(redis: RedisClient): Turns {
  let waiting: Waiting[] = [];
  let late: Command[] = [];
  const names = new Set<string>();

  async function answer(command: Waiting) {
    waiting = waiting.filter((other) => other !== command);
    await command.send().then(command.resolve, command.reject);
    await settled();
  }

  /** Its caller learns only that there is no answer. */
  async function lose(command: Waiting, meanwhile: () => unknown) {
    waiting = waiting.filter((other) => other !== command);
    await meanwhile();
    command.reject(timeout());
    await settled();
  }

  async function arrive(command: Command) {
    late = late.filter((other) => other !== command);
    await command.send();
  }

  function movesOf(command: Waiting): Move[] {
    const name = `${command.who} ${command.label}`;
    return [
      { kind: 'turn', label: name, ease: EASE[command.label] ?? 8, run: () => answer(command) },
      { kind: 'lost', label: `${name}: reply lost`, run: () => lose(command, () => command.send()) },
      { kind: 'lost', label: `${name}: dies before it`, run: () => lose(command, () => null) },
      { kind: 'lost', label: `${name}: will come late`, run: () => lose(command, () => late.push(command)) },
    ];
  }

  return {
    async start(who, what) {
      names.add(who);
      const gated = gatedRedis(
        redis,
        (command) => new Promise((resolve, reject) => waiting.push({ ...command, who, resolve, reject })),
      );
      void what(gated).finally(() => names.delete(who));
      await settled();
    },
    running: (prefix) => [...names].filter((who) => who.startsWith(prefix)).length,
    moves: () => [
      ...waiting.flatMap(movesOf),
      ...late.map((command) => ({ kind: 'late' as const, label: `late ${command.label}`, run: () => arrive(command) })),
    ],
    async runAll() {
      for (let next = waiting[0]; next; next = waiting[0]) await answer(next);
      if (names.size > 0) throw new Error(`hangs: ${[...names].join(' ')}`);
    },
    async runLate() {
      for (const command of late) await arrive(command);
    },
  };
}

/** Until all that could go on without an answer of Redis has gone on: nothing here waits for anything else. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
