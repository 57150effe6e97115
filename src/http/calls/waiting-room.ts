/** The waiting room: join, poll, leave, and what anybody may know of the room. */
import type { KnownQueue } from '../../auth/tokens.ts';
import { isRefusal } from '../../errors.ts';
import { joinRoom } from '../../waiting-room/join.ts';
import { leaveRoom } from '../../waiting-room/leave.ts';
import { livePlaces } from '../../waiting-room/places.ts';
import { readTicket, waitingIn } from '../../waiting-room/read-ticket.ts';
import { roomOf } from '../../waiting-room/room.ts';
import { waitingTicketJson } from '../../waiting-room/ticket.ts';
import { created, noContent, ok, serialised } from '../answer.ts';
import { refuseWhileFull } from '../guard.ts';
import type { Bucket } from '../buckets.ts';
import type { HttpApp } from '../http-app.ts';
import type { Idempotency } from '../idempotency.ts';
import { overLimit } from '../rate-limits.ts';
import type { Callers } from '../route.ts';
import type { Shortcut } from '../shortcut.ts';

export async function room(app: HttpApp, { params }: { params: { concertId: string } }) {
  const numbers = await roomOf(app, params.concertId);
  return isRefusal(numbers) ? numbers : ok(numbers);
}

interface Join {
  caller: Callers['access'];
  body: { concertId: string };
  idempotency: Idempotency;
}

export function join(app: HttpApp, { caller, body, idempotency }: Join) {
  refuseWhileFull(app);
  return joinRoom(app, { concertId: body.concertId, userId: caller.userId, idempotency }).then((joined) =>
    isRefusal(joined) ? joined : created(joined.ticket, `/api/v1/queue/${joined.ticket.queueId}`),
  );
}

/** A token may be asked about twice as often as its own last ticket said. */
export async function poll(app: HttpApp, { caller: { claims, token } }: { caller: Callers['queue'] }) {
  const known = app.tokens.knownQueue(token);
  const bucket = known ? pollsOf(app, known) : app.rateLimits.polls.of(claims.queueId);
  const hurried = overLimit(bucket.take());
  if (hurried) return hurried;
  const ticket = await readTicket(app, claims, token);
  if (isRefusal(ticket)) return ticket;
  bucket.pace((ticket.pollAfterSeconds * 1000) / 2);
  return ok(ticket);
}

/** Kept with the token: by its name it may be forgotten while only memory is polled, and there would be two. */
function pollsOf({ rateLimits: { polls } }: HttpApp, known: KnownQueue): Bucket {
  return (known.polls ??= polls.of(known.claims.queueId));
}

/** Of a place that memory knows to be waiting. */
export function pollFromMemory(app: HttpApp, { known, path }: Shortcut) {
  const { claims } = known;
  const named = path.getParameter(0);
  if (named !== undefined && named !== claims.queueId) return null;
  const view = waitingIn(app.rooms, claims);
  if (!view) return null;
  const bucket = pollsOf(app, known);
  // A poll too many takes nothing, and is refused the long way, which counts it.
  if (bucket.take() > 0) return null;
  const { json, pollAfterSeconds } = waitingTicketJson(known, {
    position: view.positionOf(claims.sequence),
    room: view,
  });
  bucket.pace((pollAfterSeconds * 1000) / 2);
  return serialised(json);
}

export async function leave(app: HttpApp, { caller: { claims } }: { caller: Callers['queue'] }) {
  return (await leaveRoom(app, { claims })) ?? noContent();
}

/** An operator sees the places, but cannot stand in them. */
export async function places(
  app: HttpApp,
  { caller, params: { userId } }: { caller: Callers['access or desk']; params: { userId: string } },
) {
  return ok({ places: await livePlaces(app, { userId, withTokens: caller.userId !== null }) });
}
