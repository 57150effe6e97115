/** Renders concerts and schedules; no Redis here. */
import { renderRoom } from '../waiting-room/ticket.ts';
import type { RoomView } from '../waiting-room/room-view.ts';
import type { Catalogue, ScheduleCatalogue } from './catalogue.ts';
import type { Concert, Schedule } from './shapes.ts';

/** The numbers of a room that a concert shows. */
export type ShownRoom = Parameters<typeof renderRoom>[0] & Pick<RoomView, 'stock'>;

export function scheduleOf(schedule: ScheduleCatalogue, { stock }: Pick<RoomView, 'stock'>): Schedule {
  const { scheduleId, startsAt, date, totalSeats } = schedule;
  // The numbers may be from a moment before an import that took seats away.
  const availableSeats = Math.min(totalSeats, stock.get(scheduleId)?.free ?? 0);
  return { scheduleId, startsAt, date, totalSeats, availableSeats };
}

export function concertOf(catalogue: Catalogue, room: ShownRoom): Concert {
  const { concertId, title, venue, timeZone, currency, seatLimit, schedules } = catalogue;
  return {
    concertId,
    title,
    venue,
    timeZone,
    currency,
    seatLimit,
    schedules: schedules.map((schedule) => scheduleOf(schedule, room)),
    room: renderRoom(room),
  };
}
