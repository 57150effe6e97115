import { type Refusal, refuse } from '../errors.ts';
import { names } from '../etag.ts';
import type { ScheduleCatalogue } from './catalogue.ts';
import type { Catalogues } from './catalogues.ts';
import type { SeatMaps } from './seat-maps.ts';
import type { SeatStatus } from './shapes.ts';

interface SeatsDeps {
  catalogues: Catalogues;
  seatMaps: SeatMaps;
}

/** Who asks: what they changed through this process shows. */
interface Asker {
  concertId: string;
  userId?: string | undefined;
}

export interface SeatsAnswer {
  /** with its quotes */
  etag: string;
  /** true: it is what `ifNoneMatch` names, and `json` need not be sent */
  notModified: boolean;
  /** a `SeatMap`, serialised; not to be written to */
  json: Buffer;
}

/** The seats of a schedule, all or those of one status. Refuses CONCERT_NOT_FOUND, SCHEDULE_NOT_FOUND. */
export async function seatsOfSchedule(
  { catalogues, seatMaps }: SeatsDeps,
  {
    concertId,
    scheduleId,
    status,
    ifNoneMatch = '',
    userId,
  }: Asker & { scheduleId: string; status: SeatStatus | null; ifNoneMatch?: string | undefined },
): Promise<SeatsAnswer | Refusal> {
  const catalogue = await catalogues.get(concertId);
  if (!catalogue) return refuse('CONCERT_NOT_FOUND');
  if (!catalogue.schedule(scheduleId)) return refuse('SCHEDULE_NOT_FOUND');
  const answer = await seatMaps.body(concertId, scheduleId, status ?? 'ALL', { ifNoneMatch, userId });
  if (!answer) return refuse('SCHEDULE_NOT_FOUND');
  const { etag, body: json } = answer;
  return { etag, json, notModified: names(ifNoneMatch, etag) };
}

/** As seatsOfSchedule of all seats, where memory alone can tell; else null. */
export function seatsInMemory(
  { catalogues, seatMaps }: SeatsDeps,
  { concertId, scheduleId, ifNoneMatch, userId }: Asker & { scheduleId: string; ifNoneMatch: string },
): SeatsAnswer | null {
  if (!catalogues.peek(concertId)?.schedule(scheduleId)) return null;
  const map = seatMaps.peek(concertId, scheduleId, { ifNoneMatch, userId });
  if (!map) return null;
  const etag = map.etag('ALL');
  return { etag, json: map.body('ALL'), notModified: names(ifNoneMatch, etag) };
}

/** The seats of every schedule on a day, serialised. Refuses CONCERT_NOT_FOUND. */
export async function seatsByDate(
  deps: SeatsDeps,
  { concertId, date, status, userId }: Asker & { date: string; status: SeatStatus | null },
): Promise<{ json: Buffer } | Refusal> {
  const catalogue = await deps.catalogues.get(concertId);
  if (!catalogue) return refuse('CONCERT_NOT_FOUND');
  const asked = catalogue.schedules.filter((schedule) => schedule.date === date);
  const maps = await Promise.all(
    asked.map(({ scheduleId }) => deps.seatMaps.body(concertId, scheduleId, status ?? 'ALL', { userId })),
  );
  return { json: listOf(maps.flatMap((map) => (map ? [map.body] : []))) };
}

/** The schedules with seats left, each with all of its seats, serialised. Refuses CONCERT_NOT_FOUND. */
export async function schedulesWithSeats(
  { catalogues, seatMaps }: SeatsDeps,
  { concertId, userId }: Asker,
): Promise<{ json: Buffer } | Refusal> {
  const catalogue = await catalogues.get(concertId);
  if (!catalogue) return refuse('CONCERT_NOT_FOUND');
  const found = await Promise.all(
    catalogue.schedules.map(async (schedule) => {
      const map = await seatMaps.read(concertId, schedule.scheduleId, { userId });
      return map && map.available > 0 ? [withSeats(schedule, map.available, map.seats('ALL'))] : [];
    }),
  );
  return { json: listOf(found.flat()) };
}

function withSeats(
  { scheduleId, startsAt, date, totalSeats }: ScheduleCatalogue,
  availableSeats: number,
  seats: Buffer,
): Buffer {
  const head = JSON.stringify({ scheduleId, startsAt, date, totalSeats, availableSeats }).slice(0, -1);
  return Buffer.concat([Buffer.from(`${head},"seats":[`), seats, Buffer.from(']}')]);
}

const COMMA = Buffer.from(',');

function listOf(schedules: readonly Buffer[]): Buffer {
  const joined = schedules.flatMap((schedule, i) => (i === 0 ? [schedule] : [COMMA, schedule]));
  return Buffer.concat([Buffer.from('{"schedules":['), ...joined, Buffer.from(']}')]);
}
