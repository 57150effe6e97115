/** Concerts, their dates and their seats. */
import { listSchedules } from '../../concerts/list-schedules.ts';
import { listConcerts, readConcert } from '../../concerts/read-concerts.ts';
import {
  type SeatsAnswer,
  schedulesWithSeats,
  seatsByDate,
  seatsInMemory,
  seatsOfSchedule,
} from '../../concerts/read-seats.ts';
import type { SeatStatus } from '../../concerts/shapes.ts';
import { isRefusal } from '../../errors.ts';
import { ok, serialised } from '../answer.ts';
import type { HttpApp } from '../http-app.ts';
import type { Callers } from '../route.ts';
import type { Shortcut } from '../shortcut.ts';

export async function concerts(app: HttpApp, { query }: { query: { limit: number; cursor?: string } }) {
  const page = await listConcerts(app, { limit: query.limit, cursor: query.cursor ?? null });
  return isRefusal(page) ? page : ok(page);
}

export async function concert(app: HttpApp, { params }: { params: { concertId: string } }) {
  const found = await readConcert(app, params);
  return isRefusal(found) ? found : ok(found);
}

interface Dates {
  params: { concertId: string };
  query: { from?: string; to?: string; soldOut: boolean };
}

export async function schedules(app: HttpApp, { params: { concertId }, query }: Dates) {
  const { from = null, to = null, soldOut } = query;
  const found = await listSchedules(app, { concertId, from, to, soldOut });
  return isRefusal(found) ? found : ok(found);
}

interface Seats {
  caller: Callers['active'];
  params: { concertId: string; scheduleId: string };
  query: { status?: SeatStatus };
  ifNoneMatch: string;
}

export async function seats(app: HttpApp, { caller: { userId }, params, query, ifNoneMatch }: Seats) {
  const map = await seatsOfSchedule(app, { ...params, status: query.status ?? null, ifNoneMatch, userId });
  return isRefusal(map) ? map : seatsReply(map);
}

/** Of a place that the guard has let pass of late. */
export function seatsFromMemory(
  { rooms, catalogues, seatMaps }: HttpApp,
  { known: { claims }, headers: { ifNoneMatch }, path }: Shortcut,
) {
  const [concertId = '', scheduleId = ''] = [path.getParameter(0), path.getParameter(1)];
  if (concertId !== claims.concertId || !rooms.verdicts.passes(claims.queueId)) return null;
  const map = seatsInMemory({ catalogues, seatMaps }, { concertId, scheduleId, ifNoneMatch, userId: claims.userId });
  return map && seatsReply(map);
}

function seatsReply({ etag, json, notModified }: SeatsAnswer) {
  const headers = { ETag: etag };
  return notModified ? ({ status: 304, headers } as const) : serialised(json, headers);
}

interface Day {
  caller: Callers['active'];
  params: { concertId: string };
  query: { date: string; status?: SeatStatus };
}

export async function seatsOfDay(app: HttpApp, { caller: { userId }, params: { concertId }, query }: Day) {
  const { date, status = null } = query;
  const maps = await seatsByDate(app, { concertId, date, status, userId });
  return isRefusal(maps) ? maps : serialised(maps.json);
}

/** Of the concert that the queue token names. */
export async function schedulesAndSeats(app: HttpApp, { caller: { claims, userId } }: { caller: Callers['active'] }) {
  const found = await schedulesWithSeats(app, { concertId: claims.concertId, userId });
  return isRefusal(found) ? found : serialised(found.json);
}
