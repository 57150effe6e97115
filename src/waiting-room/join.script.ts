import type { ConcertKeys } from '../redis/keys.ts';
import { defineScript, type RedisClient, type Reply } from '../redis/script.ts';
import type { RoomState } from './shapes.ts';
import { readTicketRow, type TicketRow } from './ticket-row.ts';

export interface Joiner {
  userId: string;
  /** of the place that is made where none lives */
  queueId: string;
  idempotency: { key: string; fingerprint: string } | null;
}

export type JoinAnswer =
  | { word: 'JOINED' | 'EXISTS' | 'REPEAT'; row: TicketRow }
  | { word: 'CLOSED'; state: string; opensAtMs: number | null }
  | { word: 'MISMATCH' };

export const joinScript = defineScript({
  file: 'waiting-room/join.lua',
  keys: ['room', 'places', 'waiting', 'active', 'members', 'ended', 'left', 'log'],
  moreKeys: 'idempotency',
  args: [],
  moreArgs: ['user_id', 'queue_id', 'fingerprint'],
  outcomes: {
    ROOM: (_, [numbers, ...answers]) => ({ before: readNumbers(numbers as Reply[]), answers }),
    NONE: () => ({}),
  },
});

/** One call for all of them, an answer each in their order; null: there is no such room. */
export async function joinAll(
  redis: RedisClient,
  keys: ConcertKeys,
  joiners: readonly Joiner[],
): Promise<JoinAnswer[] | null> {
  const joined = await joinScript.run(redis, { keys, args: {}, ...joinersOf(keys, joiners) });
  if (joined.outcome === 'NONE') return null;
  const { before, answers } = joined;
  return joiners.map((joiner, i) => {
    const answer = answers[i];
    return typeof answer === 'number' ? joinedAs(joiner, answer, before) : readAnswer(answer as Reply[]);
  });
}

/** What names the joiners in a call of the script. */
export function joinersOf(keys: ConcertKeys, joiners: readonly Joiner[]): { moreKeys: string[]; moreArgs: string[] } {
  const moreKeys: string[] = [];
  const moreArgs: string[] = [];
  for (const { userId, queueId, idempotency } of joiners) {
    if (idempotency) moreKeys.push(keys.idempotency(userId, 'join', idempotency.key));
    moreArgs.push(userId, queueId, idempotency?.fingerprint ?? '');
  }
  return { moreKeys, moreArgs };
}

type Before = ReturnType<typeof readNumbers>;

function readNumbers([sequence, waiting, admitted, rate, state, claimMs, epoch, now]: Reply[]) {
  return {
    sequence: Number(sequence),
    epoch: String(epoch),
    room: {
      waiting: Number(waiting),
      admitted: Number(admitted),
      ratePerSecond: Number(rate) / 1_000,
      state: state as RoomState,
      claimMs: Number(claimMs),
      nowMs: Number(now),
    },
  };
}

/** A new place is what its joiner brought and its sequence: the rest is the same for all of a call. */
function joinedAs({ userId, queueId }: Joiner, sequence: number, before: Before): JoinAnswer {
  const { epoch, room } = before;
  const position = room.waiting + sequence - before.sequence;
  const record = {
    status: 'W',
    sequence,
    joinedAtMs: room.nowMs,
    deadlineMs: 0,
    sessionEndMs: 0,
    paid: false,
    endedMs: 0,
    reason: null,
    userId,
  } as const;
  return { word: 'JOINED', row: { queueId, record, position, epoch, room: { ...room, waiting: position } } };
}

function readAnswer([word, ...rest]: Reply[]): JoinAnswer {
  switch (String(word)) {
    case 'EXISTS':
      return { word: 'EXISTS', row: readTicketRow(rest) };
    case 'REPEAT':
      // The first answer: its own word, then its row.
      return { word: 'REPEAT', row: readTicketRow(rest.slice(1)) };
    case 'CLOSED':
      return { word: 'CLOSED', state: String(rest[0]), opensAtMs: rest[1] === '' ? null : Number(rest[1]) };
    case 'MISMATCH':
      return { word: 'MISMATCH' };
    default:
      throw new Error(`join answered ${String(word)} for one joiner`);
  }
}
