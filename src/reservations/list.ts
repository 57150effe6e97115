import { type Refusal, refuse } from '../errors.ts';
import { concertKeys } from '../redis/keys.ts';
import { type ConcertNotes, flushNotes } from '../wallet/concert-notebook.ts';
import { concertsOf, ofEach } from '../wallet/note-concerts.ts';
import { isReservationId } from './ids.ts';
import { list as script } from './list.script.ts';
import { reservationOf } from './record.ts';
import type { Reservation, Reservations, ReservationStatus } from './shapes.ts';

type ListDeps = ConcertNotes;

interface ListCall {
  userId: string;
  /** those in which the user may have reservations; default: those noted in the wallet's slot */
  concertIds?: readonly string[];
  status: ReservationStatus | null;
  limit: number;
  /** the `nextCursor` of the page before; null for the newest */
  cursor: string | null;
}

/** A reservation's place in the list: newest first, those of one millisecond by id. */
interface Spot {
  createdMs: number;
  reservationId: string;
}

/** Entries looked at by one script: with a filter, most of them may not fit. */
const LOOK_MAX = 200;

/** A page of the user's reservations over all concerts, newest first. Refuses VALIDATION for a cursor of no page. */
export async function listReservations(deps: ListDeps, call: ListCall): Promise<Reservations | Refusal> {
  const { userId, status, limit, cursor } = call;
  const before = cursor === null ? null : readCursor(cursor);
  if (before === undefined) {
    return refuse('VALIDATION', { errors: [{ path: 'query/cursor', message: 'is not of this list' }] });
  }
  const concertIds = call.concertIds ?? (await notedConcerts(deps, userId));
  // One more than the page holds tells whether there is another page.
  const wanted = { userId, status, before, limit: limit + 1 };
  const lists = await ofEach(concertIds, (concertId) => listOf(deps, { ...wanted, concertId }));
  const sorted = lists.flat().sort((a, b) => newestFirst(a.spot, b.spot));
  const page = sorted.slice(0, limit);
  const last = page.at(-1);
  return {
    reservations: page.map(({ reservation }) => reservation),
    nextCursor: last && sorted.length > limit ? cursorOf(last.spot) : null,
  };
}

async function notedConcerts(deps: ListDeps, userId: string): Promise<string[]> {
  await flushNotes(deps, { userId }); // or a hold of a moment ago would not show
  return concertsOf(deps, userId);
}

interface Found {
  spot: Spot;
  reservation: Reservation;
}

async function listOf(
  { redis }: Pick<ListDeps, 'redis'>,
  { concertId, userId, status, before, limit }: Omit<ListCall, 'cursor'> & { concertId: string; before: Spot | null },
): Promise<Found[]> {
  const keys = concertKeys(concertId);
  const owned = keys.ownedBy(userId);
  const found: Found[] = [];
  let from = before;
  do {
    const page = await script.run(redis, {
      keys: { ...keys, owned_by: owned, paid_by: keys.paidBy(userId) },
      args: {
        before_ms: from?.createdMs ?? '+inf',
        before_id: from?.reservationId ?? '',
        status: status ?? '',
        limit: limit - found.length,
        look_max: LOOK_MAX,
      },
    });
    for (const { reservationId, record } of page.found) {
      const spot = { createdMs: record.createdMs, reservationId };
      found.push({ spot, reservation: reservationOf(reservationId, record, page.nowMs) });
    }
    // Ids are never used again, so that a record which is gone stays gone.
    if (page.gone.length > 0) await redis.zrem(owned, ...page.gone);
    from = page.next;
  } while (from !== null && found.length < limit);
  return found;
}

function newestFirst(a: Spot, b: Spot): number {
  return b.createdMs - a.createdMs || (a.reservationId < b.reservationId ? 1 : -1);
}

function cursorOf({ createdMs, reservationId }: Spot): string {
  return Buffer.from(`${createdMs} ${reservationId}`).toString('base64url');
}

/** undefined for what no page gave. */
function readCursor(cursor: string): Spot | undefined {
  const [createdMs = '', reservationId = ''] = Buffer.from(cursor, 'base64url').toString().split(' ');
  if (!/^\d{1,15}$/.test(createdMs) || !isReservationId(reservationId)) return undefined;
  return { createdMs: Number(createdMs), reservationId };
}
