import { type Refusal, refuse } from '../errors.ts';
import type { Schedule } from './shapes.ts';
import { type ConcertDeps } from './read-concerts.ts';
import { scheduleOf } from './concert.ts';

interface SchedulesCall {
  concertId: string;
  /** days in the concert's time zone, both included; null: no bound */
  from: string | null;
  to: string | null;
  /** also those without a seat left */
  soldOut: boolean;
}

/** Schedules by `startsAt`. Refuses CONCERT_NOT_FOUND. */
export async function listSchedules(
  { catalogues, rooms }: Pick<ConcertDeps, 'catalogues' | 'rooms'>,
  { concertId, from, to, soldOut }: SchedulesCall,
): Promise<{ schedules: Schedule[] } | Refusal> {
  const catalogue = await catalogues.get(concertId);
  const room = catalogue && (await rooms.view(concertId));
  if (!catalogue || !room) return refuse('CONCERT_NOT_FOUND');
  const asked = catalogue.schedules.filter(
    ({ date }) => (from === null || date >= from) && (to === null || date <= to),
  );
  const schedules = asked.map((schedule) => scheduleOf(schedule, room));
  return { schedules: soldOut ? schedules : schedules.filter(({ availableSeats }) => availableSeats > 0) };
}
