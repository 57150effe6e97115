/** A concert with seats for tests of what is told about them: made by the real import, changed by the real calls. */
import { randomUUID } from 'node:crypto';
import type { QueueClaims } from '../auth/tokens.ts';
import { importConcert } from '../concerts/import.ts';
import type { ConcertInput } from '../concerts/shapes.ts';
import { isRefusal } from '../errors.ts';
import { concertKeys } from '../redis/keys.ts';
import { cancelReservation } from '../reservations/cancel.ts';
import { holdSeats } from '../reservations/hold.ts';
import type { Reservation } from '../reservations/shapes.ts';
import { concertInput } from './fan.ts';
import type { SocketServer } from './sockets.ts';
import { enter, type TestRoom } from './waiting-room.ts';

type HallServer = Pick<SocketServer, 'redis' | 'log' | 'rooms' | 'catalogues' | 'seatMaps'>;

/** Imports a concert that nobody has met before, or changes one. */
export async function openHall(
  server: HallServer,
  options: Parameters<typeof concertInput>[0] & { concertId?: string } = {},
): Promise<TestRoom> {
  const { concertId = `hall-${randomUUID()}`, ...rest } = options;
  const call = { concertId, input: concertInput({ seatLimit: 8, ...rest }) as ConcertInput, dryRun: false };
  const answer = await importConcert({ ...server, config: { currency: 'KRW' } }, call);
  if (isRefusal(answer)) throw new Error(`the import was refused: ${JSON.stringify(answer)}`);
  return { redis: server.redis, concertId, keys: concertKeys(concertId) };
}

/** Somebody inside the hall. */
export function enterHall(hall: TestRoom, userId: string = randomUUID()): Promise<QueueClaims> {
  return enter(hall, userId);
}

/** A hold of seats `A-1-<number>`; null where it is refused. */
export async function hold(
  server: HallServer,
  claims: QueueClaims,
  { numbers, scheduleId = 'd1' }: { numbers: readonly number[]; scheduleId?: string },
): Promise<Reservation | null> {
  const seatIds = numbers.map((number) => `A-1-${number}`);
  const answer = await holdSeats(server, { claims, scheduleId, seatIds, idempotency: null });
  return isRefusal(answer) ? null : answer.reservation;
}

export async function cancel(server: HallServer, { reservationId, userId }: Reservation): Promise<void> {
  const answer = await cancelReservation(server, { reservationId, userId });
  if (isRefusal(answer)) throw new Error(`the cancel was refused: ${answer.refused}`);
}
