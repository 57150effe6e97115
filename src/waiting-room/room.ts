/** The room as a whole: what it shows, and what operators do with it. */
import { type Refusal, refuse } from '../errors.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { A_TIME, parseTime } from '../times.ts';
import { changeRoomScript } from './change-room.script.ts';
import { resetRoomScript } from './reset-room.script.ts';
import type { RoomViews } from './room-views.ts';
import { newEpoch, roomFields, settingsOf } from './settings.ts';
import type { Room, RoomSettings, SetRoom } from './shapes.ts';
import { renderRoom } from './ticket.ts';

export interface RoomDeps {
  redis: RedisClient;
  rooms: Pick<RoomViews, 'view' | 'refresh'>;
}

/** Refuses CONCERT_NOT_FOUND. Throws Unavailable. */
export async function roomOf({ rooms }: Pick<RoomDeps, 'rooms'>, concertId: string): Promise<Room | Refusal> {
  const view = await rooms.view(concertId);
  return view ? renderRoom(view) : refuse('CONCERT_NOT_FOUND');
}

/** What operators have set. Refuses CONCERT_NOT_FOUND. */
export async function settingsOfRoom(
  { redis }: Pick<RoomDeps, 'redis'>,
  concertId: string,
): Promise<SetRoom | Refusal> {
  const fields = await redis.hgetall(concertKeys(concertId).room);
  return fields.epoch === undefined ? refuse('CONCERT_NOT_FOUND') : settingsOf(fields);
}

/**
 * Changes what `change` names; the answer shows it. Refuses VALIDATION (an `opensAt` that is no moment, such as second
 * 60, which RFC 3339 allows), CONCERT_NOT_FOUND. Throws Unavailable.
 */
export async function changeRoom(
  { redis, rooms }: RoomDeps,
  { concertId, change }: { concertId: string; change: RoomSettings },
): Promise<Room | Refusal> {
  if (typeof change.opensAt === 'string' && parseTime(change.opensAt) === null)
    return refuse('VALIDATION', { errors: [{ path: '/opensAt', message: A_TIME }] });
  const moreArgs = Object.entries(roomFields(change)).flat();
  const { outcome } = await changeRoomScript.run(redis, { keys: concertKeys(concertId), args: {}, moreArgs });
  return outcome === 'NONE' ? refuse('CONCERT_NOT_FOUND') : shown(rooms, concertId);
}

/**
 * After loss of data: a new epoch, every place is over; holds and purchases stay. Refuses CONCERT_NOT_FOUND.
 * @param by names the call: sent again, since its answer was lost, it does not throw out who has joined since
 */
export async function resetRoom(
  { redis, rooms }: RoomDeps,
  { concertId, by = null }: { concertId: string; by?: string | null },
): Promise<Room | Refusal> {
  const args = { epoch: newEpoch(), by: by ?? '' };
  const { outcome } = await resetRoomScript.run(redis, { keys: concertKeys(concertId), args });
  return outcome === 'NONE' ? refuse('CONCERT_NOT_FOUND') : shown(rooms, concertId);
}

async function shown(rooms: RoomDeps['rooms'], concertId: string): Promise<Room | Refusal> {
  const view = await rooms.refresh(concertId);
  return view ? renderRoom(view) : refuse('CONCERT_NOT_FOUND');
}
