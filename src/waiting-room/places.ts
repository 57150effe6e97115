/** Places found by their user or their id, instead of by their token. */
import type { Tokens } from '../auth/tokens.ts';
import { type Refusal, refuse } from '../errors.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { type ConcertNotes, flushNotes } from '../wallet/concert-notebook.ts';
import { concertsOf, ofEach } from '../wallet/note-concerts.ts';
import { inspectPlaceScript } from './inspect-place.script.ts';
import { placesOfScript } from './places-of.script.ts';
import type { RoomViews } from './room-views.ts';
import type { Ticket } from './shapes.ts';
import { ticketOfRow } from './ticket-row.ts';

export interface PlacesDeps extends ConcertNotes {
  tokens: Pick<Tokens, 'signQueue'>;
}

/** Live places of a user in all concerts noted for them, by the time of joining; operators get them without tokens. */
export async function livePlaces(
  { redis, log, tokens }: PlacesDeps,
  { userId, withTokens }: { userId: string; withTokens: boolean },
): Promise<Ticket[]> {
  await flushNotes({ redis, log }, { userId }); // or a join of a moment ago would not show
  const found = await ofEach(await concertsOf({ redis }, userId), async (concertId) => {
    const answer = await placesOfScript.run(redis, { keys: concertKeys(concertId), args: { user_id: userId } });
    if (answer.outcome === 'NONE') return [];
    return answer.rows.map((row) => ticketOfRow(row, { concertId, tokens: withTokens ? tokens : undefined }));
  });
  return found.flat().sort((a, b) => a.joinedAt.localeCompare(b.joinedAt));
}

export interface InspectedPlace {
  /** without token */
  ticket: Ticket;
  userId: string;
  /** the user's live holds in this concert */
  holds: { reservationId: string; seats: number; expiresAt: string }[];
}

/** Refuses CONCERT_NOT_FOUND, QUEUE_NOT_FOUND. */
export async function inspectPlace(
  { redis, rooms }: { redis: RedisClient; rooms: Pick<RoomViews, 'view'> },
  { concertId, queueId }: { concertId: string; queueId: string },
): Promise<InspectedPlace | Refusal> {
  const answer = await inspectPlaceScript.run(redis, { keys: concertKeys(concertId), args: { queue_id: queueId } });
  if (answer.outcome === 'NONE') return refuse((await rooms.view(concertId)) ? 'QUEUE_NOT_FOUND' : 'CONCERT_NOT_FOUND');
  return {
    ticket: ticketOfRow(answer.row, { concertId }),
    userId: answer.row.record.userId,
    holds: answer.holds.map(({ reservationId, seats, deadlineMs }) => ({
      reservationId,
      seats,
      expiresAt: new Date(deadlineMs).toISOString(),
    })),
  };
}
