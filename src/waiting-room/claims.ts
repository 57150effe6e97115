import type { QueueClaims } from '../auth/tokens.ts';
import type { RoomView, RoomViews } from './room-views.ts';

/**
 * The room that a token speaks of, or null where its epoch is over. A token that is younger than the view may be of an
 * epoch that this process has not seen yet: then the room is read anew. Throws Unavailable.
 */
export async function roomOfClaims(
  rooms: Pick<RoomViews, 'view' | 'refresh'>,
  claims: QueueClaims,
): Promise<RoomView | null> {
  const { concertId, epoch, joinedAtMs } = claims;
  let view = await rooms.view(concertId);
  if (view && view.epoch !== epoch && joinedAtMs >= view.nowMs) view = await rooms.refresh(concertId);
  return view?.epoch === epoch ? view : null;
}
