import { isRefusal, type Refusal, refuse } from '../errors.ts';
import type { RedisClient } from '../redis/script.ts';
import type { RoomView } from '../waiting-room/room-view.ts';
import type { Catalogues } from './catalogues.ts';
import { concertOf } from './concert.ts';
import { pageOfConcertIds } from './directory.ts';
import type { Concert, Concerts } from './shapes.ts';

export interface ConcertDeps {
  redis: RedisClient;
  catalogues: Catalogues;
  rooms: { view(concertId: string): Promise<RoomView | null> };
}

/** A concert with the numbers of its room. Refuses CONCERT_NOT_FOUND. */
export async function readConcert(deps: ConcertDeps, { concertId }: { concertId: string }): Promise<Concert | Refusal> {
  return (await findConcert(deps, concertId)) ?? refuse('CONCERT_NOT_FOUND');
}

/** A page of all concerts, in the order of their first import. Refuses VALIDATION for a cursor of no page. */
export async function listConcerts(
  deps: ConcertDeps,
  { limit, cursor }: { limit: number; cursor: string | null },
): Promise<Concerts | Refusal> {
  const page = await pageOfConcertIds(deps, { limit, cursor });
  if (isRefusal(page)) return page;
  const found = await Promise.all(page.concertIds.map((concertId) => findConcert(deps, concertId)));
  return { concerts: found.filter((concert) => concert !== null), nextCursor: page.nextCursor };
}

async function findConcert({ catalogues, rooms }: ConcertDeps, concertId: string): Promise<Concert | null> {
  const catalogue = await catalogues.get(concertId);
  const room = catalogue && (await rooms.view(concertId));
  return catalogue && room ? concertOf(catalogue, room) : null;
}
