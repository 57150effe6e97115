import type { Tokens } from '../auth/tokens.ts';
import { type Refusal, refuse } from '../errors.ts';
import { newId } from '../ids.ts';
import type { RedisClient } from '../redis/script.ts';
import { type ConcertNotes, noteLater } from '../wallet/concert-notebook.ts';
import type { JoinAnswer } from './join.script.ts';
import { joinWithOthers } from './join-batch.ts';
import type { RoomViews } from './room-views.ts';
import type { Ticket } from './shapes.ts';
import { ticketOfRow } from './ticket-row.ts';

export interface JoinDeps extends ConcertNotes {
  redis: RedisClient;
  rooms: Pick<RoomViews, 'waits'>;
  tokens: Pick<Tokens, 'signQueue'>;
}

interface JoinCall {
  concertId: string;
  userId: string;
  idempotency: { key: string; fingerprint: string } | null;
}

/**
 * A new place at the end of the room. `repeated`: the first answer to this Idempotency-Key, as it was, with a fresh
 * token of the same place. Refuses CONCERT_NOT_FOUND, ROOM_CLOSED (state, opensAt), ALREADY_QUEUED (ticket: the live
 * place with its token), IDEMPOTENCY_MISMATCH.
 */
export function joinRoom(deps: JoinDeps, call: JoinCall): Promise<{ ticket: Ticket; repeated: boolean } | Refusal> {
  const { concertId, userId, idempotency } = call;
  return joinWithOthers(deps.redis, concertId, { userId, queueId: newId('q'), idempotency }).then((answer) =>
    answer ? answerTo(deps, call, answer) : refuse('CONCERT_NOT_FOUND'),
  );
}

function answerTo(deps: JoinDeps, call: JoinCall, answer: JoinAnswer): { ticket: Ticket; repeated: boolean } | Refusal {
  switch (answer.word) {
    case 'CLOSED': {
      const { state, opensAtMs } = answer;
      return refuse('ROOM_CLOSED', { state, opensAt: opensAtMs === null ? null : new Date(opensAtMs).toISOString() });
    }
    case 'MISMATCH':
      return refuse('IDEMPOTENCY_MISMATCH');
    case 'REPEAT':
      noteLater(deps, call); // the first answer may never have reached the process that asked
      return { ticket: ticketOfRow(answer.row, { concertId: call.concertId, tokens: deps.tokens }), repeated: true };
    case 'EXISTS':
      noteLater(deps, call);
      return refuse('ALREADY_QUEUED', {
        ticket: ticketOfRow(answer.row, { concertId: call.concertId, tokens: deps.tokens }),
      });
    case 'JOINED': {
      noteLater(deps, call);
      const ticket = ticketOfRow(answer.row, { concertId: call.concertId, tokens: deps.tokens });
      deps.rooms.waits.expect(ticket.queueId, {
        seconds: ticket.estimatedWaitSeconds,
        joinedAtMs: answer.row.record.joinedAtMs,
      });
      return { ticket, repeated: false };
    }
  }
}
