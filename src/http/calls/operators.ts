/** What operators do. */
import { importConcert } from '../../concerts/import.ts';
import type { ConcertInput } from '../../concerts/shapes.ts';
import { isRefusal, Unavailable } from '../../errors.ts';
import { requestAudit } from '../../operations/audit.ts';
import { readStats } from '../../operations/stats.ts';
import { removePlace } from '../../waiting-room/leave.ts';
import { inspectPlace } from '../../waiting-room/places.ts';
import { digest } from '../../redis/keys.ts';
import { changeRoom, resetRoom, settingsOfRoom } from '../../waiting-room/room.ts';
import type { RoomSettings } from '../../waiting-room/shapes.ts';
import { created, noContent, ok } from '../answer.ts';
import type { HttpApp } from '../http-app.ts';
import type { Idempotency } from '../idempotency.ts';
import { once } from '../once.ts';

interface Concert {
  params: { concertId: string };
}

interface Import extends Concert {
  query: { dryRun: boolean };
  body: ConcertInput;
}

export async function putConcert(app: HttpApp, { params: { concertId }, query: { dryRun }, body }: Import) {
  if (!dryRun && !(await app.hasBooks())) {
    throw new Unavailable(
      'this Redis was emptied since the start, and nothing may be put on sale in it: stop all servers and workers, and run `npm run rebuild`',
    );
  }
  const done = await importConcert(app, { concertId, input: body, dryRun });
  if (isRefusal(done)) return done;
  return done.created && !dryRun ? created(done.concert, `/api/v1/concerts/${concertId}`) : ok(done.concert);
}

export async function patchRoom(app: HttpApp, { params, body }: Concert & { body: RoomSettings }) {
  const room = await changeRoom(app, { concertId: params.concertId, change: body });
  return isRefusal(room) ? room : ok(room);
}

export async function readRoom(app: HttpApp, { params }: Concert) {
  const settings = await settingsOfRoom(app, params.concertId);
  return isRefusal(settings) ? settings : ok(settings);
}

export async function stats(app: HttpApp, { params }: Concert) {
  const numbers = await readStats(app, params.concertId);
  return isRefusal(numbers) ? numbers : ok(numbers);
}

interface Place {
  params: { concertId: string; queueId: string };
}

export async function place(app: HttpApp, { params }: Place) {
  const found = await inspectPlace(app, params);
  if (isRefusal(found)) return found;
  const { ticket, userId, holds } = found;
  return ok({ ...ticket, userId, holds });
}

export async function remove(app: HttpApp, { params }: Place) {
  return (await removePlace(app, params)) ?? noContent();
}

export async function reset(
  app: HttpApp,
  { params: { concertId }, idempotency }: Concert & { idempotency: Idempotency },
) {
  const by = idempotency && digest(idempotency.key);
  const room = await once(app.redis, { concertId, route: 'reset', idempotency }, () =>
    resetRoom(app, { concertId, by }),
  );
  return isRefusal(room) ? room : ok(room);
}

/** Under way for longer than anybody should wait: 202, and the report later. */
export async function audit(app: HttpApp) {
  const answer = await requestAudit(app);
  if ('done' in answer) return ok(answer.done);
  const headers = { 'Retry-After': String(answer.retryAfterSeconds) };
  return { status: 202, body: { running: true }, headers } as const;
}
