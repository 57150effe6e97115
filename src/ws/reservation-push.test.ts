/** What the user's own holds become, told to the user's sockets. */
import { expect, onTestFinished, test } from 'vitest';
import { isRefusal } from '../errors.ts';
import { pay } from '../payments/pay.ts';
import { sweepHolds } from '../reservations/sweep-holds.ts';
import type { Reservation } from '../reservations/shapes.ts';
import { testRedis } from '../testing/connect.ts';
import { cancel, enterHall, hold, openHall } from '../testing/hall.ts';
import { startSocketServer } from '../testing/sockets.ts';
import { leave, type TestRoom } from '../testing/waiting-room.ts';
import { charge } from '../wallet/charge.ts';
import { openWallet } from '../wallet/open.ts';

const redis = await testRedis();

async function serve(options: Parameters<typeof startSocketServer>[1] = {}) {
  const server = await startSocketServer(redis, options);
  onTestFinished(() => server.stop());
  return server;
}
type Server = Awaited<ReturnType<typeof serve>>;

/** Writes the deadline of a hold into the past, and lets the sweeper find it. */
async function runOut(server: Server, hall: TestRoom, { reservationId, userId, seats }: Reservation): Promise<void> {
  await redis.hset(hall.keys.reservation(reservationId), 'deadline', 1);
  await redis.zadd(hall.keys.holds, 1, reservationId);
  await redis.zadd(hall.keys.live(userId), 1, `${seats.length} ${reservationId}`);
  await sweepHolds(server, hall.concertId);
}

function held(reservation: Reservation | null): Reservation {
  if (!reservation) throw new Error('nothing was held');
  return reservation;
}

test('every socket of the user is told, whichever process made the change, and nobody else', async () => {
  const [server, other] = [await serve(), await serve()];
  const hall = await openHall(server);
  const [ann, bob] = [await enterHall(hall, 'ann'), await enterHall(hall, 'bob')];
  const mine = [await server.enter(ann), await server.enter(ann), await other.enter(ann)];
  const theirs = await server.enter(bob);
  await Promise.all([...mine, theirs].map((client) => client.next('ticket')));
  const made = held(await hold(server, ann, { numbers: [1, 2] }));
  const kept = held(await hold(server, ann, { numbers: [3] }));
  for (const client of mine) {
    const told = await client.next(
      'reservation',
      ({ reservation }) => reservation.reservationId === made.reservationId,
    );
    expect(told.reservation).toEqual({ ...made, serverTime: expect.any(String) });
    // What is read at once may be read only once it is over.
    await client.next('reservation', ({ reservation }) => reservation.reservationId === kept.reservationId);
  }
  await cancel(server, made);
  await runOut(server, hall, kept);
  for (const client of mine) {
    for (const status of ['CANCELLED', 'EXPIRED'])
      await client.next('reservation', ({ reservation }) => reservation.status === status);
    const told = client.messages.flatMap((m) =>
      m.type === 'reservation' ? [`${m.reservation.seats[0]?.seatId} ${m.reservation.status}`] : [],
    );
    expect(told.toSorted()).toEqual(['A-1-1 CANCELLED', 'A-1-1 HELD', 'A-1-3 EXPIRED', 'A-1-3 HELD']);
  }
  expect(theirs.messages.filter(({ type }) => type === 'reservation')).toEqual([]);
  await Promise.all([...mine, theirs].map((client) => client.close()));
});

test('a payment is told with its id, then the place is USED and the socket closed', async () => {
  const server = await serve({ limits: { WS_CLOSE_AFTER_OVER_MS: 300 } });
  const app = { ...server, config: { currency: 'KRW' } };
  const hall = await openHall(server);
  await openWallet(server, 'carl');
  await charge(app, { userId: 'carl', amount: 5_000, idempotency: null });
  const claims = await enterHall(hall, 'carl');
  const client = await server.enter(claims);
  await client.next('ticket');
  const { reservationId } = held(await hold(server, claims, { numbers: [1] }));
  await client.next('reservation');
  const paid = await pay(app, { claims, reservationId, idempotency: null });
  if (isRefusal(paid)) throw new Error(paid.refused);
  const { reservation } = await client.next('reservation', (m) => m.reservation.status === 'CONFIRMED');
  expect(reservation).toMatchObject({ reservationId, paymentId: paid.payment.paymentId });
  const { ticket } = await client.next('ticket', (m) => m.ticket.status === 'USED');
  expect(ticket.reason).toBe('PAID');
  expect(await client.closed).toBe(4403);
});

test('a hold that ends with its place is told as well', async () => {
  const server = await serve();
  const hall = await openHall(server);
  const claims = await enterHall(hall, 'dora');
  const client = await server.enter(claims);
  await client.next('ticket');
  await hold(server, claims, { numbers: [4] });
  await client.next('reservation');
  await leave(hall, claims.queueId);
  await client.next('reservation', ({ reservation }) => reservation.status === 'CANCELLED');
  await client.next('ticket', ({ ticket }) => ticket.status === 'LEFT');
  await client.close();
  expect(server.sockets.count()).toBe(0);
});
