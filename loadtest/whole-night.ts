/**
 * The whole night of a crowd: join, wait by push, look, hold, some cancel or let it lapse, charge, pay. A fan a virtual
 * user. The runner checks afterwards that the books are clean and that as many seats are sold as were paid here.
 */
import { sleep } from 'k6';
import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import { clearTimeout, setTimeout } from 'k6/timers';
import { WebSocket } from 'k6/websockets';
import { BASE_URL, call, charge, failures, type Fan, hold, join, pay } from './shared/calls.ts';
import { planned } from './shared/plans.ts';
import { closeNight, COMMON, fan, type Night, openNight, PRICE } from './shared/story.ts';

export { handleSummary } from './shared/story.ts';

const v = planned('whole-night', __ENV);
const SEATS_EACH = 2;
const TRIES = 30;
const WAIT_MAX_S = 30 + Math.ceil((v.RATE * v.DURATION_S) / Math.max(1, v.ADMIT));

const joins = new Counter('joins');
const nights = new Counter('nights');
const seatsPaid = new Counter('seats_paid');
const cancelled = new Counter('holds_cancelled');
const lapsed = new Counter('holds_lapsed');
const soldOut = new Counter('fans_without_seats');
const notAdmitted = new Counter('fans_not_admitted');
const wait = new Trend('ms_wait', true);

export const options = {
  ...COMMON,
  scenarios: {
    night: {
      executor: 'constant-arrival-rate',
      rate: v.RATE,
      timeUnit: '1s',
      duration: `${v.DURATION_S}s`,
      preAllocatedVUs: v.VUS,
      maxVUs: v.VUS,
      gracefulStop: `${WAIT_MAX_S + 60}s`,
    },
  },
  thresholds: {
    failures: ['count==0'],
    fans_not_admitted: ['count==0'],
    ms_pay: [`p(99)<${v.PAY_P99_MS}`],
    dropped_iterations: ['count==0'],
  },
};

export function setup(): Night {
  failures.add(0);
  notAdmitted.add(0);
  return openNight({
    seats: v.SEATS,
    seatLimit: SEATS_EACH,
    holdSeconds: v.HOLD_SECONDS,
    room: { state: 'OPEN', capacity: v.CAPACITY, admitPerSecond: v.ADMIT },
  });
}

export default async function (night: Night): Promise<void> {
  const one = fan(exec.scenario.iterationInTest);
  if (!one) return;
  const joined = join(one, night.concertId);
  if (joined.status !== 201) return;
  joins.add(1);
  const { token, queueId } = joined.body;
  const socket = await waitInside(token);
  if (!socket) notAdmitted.add(1);
  else {
    shop(night, one, { token, queueId });
    socket.close();
  }
  nights.add(1);
}

/** Resolves with the socket once it has told that the place is ACTIVE; null where it ended, or that took too long. */
function waitInside(token: string): Promise<WebSocket | null> {
  const startMs = Date.now();
  return new Promise((resolve) => {
    const socket = new WebSocket(`${BASE_URL.replace(/^http/, 'ws')}/ws`, null, { tags: { name: 'ws' } });
    const tooLate = setTimeout(() => {
      socket.close();
      resolve(null);
    }, WAIT_MAX_S * 1000);
    const end = (result: WebSocket | null) => {
      clearTimeout(tooLate);
      resolve(result);
    };
    socket.onopen = () => socket.send(JSON.stringify({ type: 'auth', token }));
    socket.onmessage = (event) => {
      const message = JSON.parse(event?.data as string);
      if (message.type !== 'ticket' || message.ticket.status === 'WAITING') return;
      wait.add(Date.now() - startMs);
      end(message.ticket.status === 'ACTIVE' ? socket : null);
    };
    socket.onclose = () => end(null);
    socket.onerror = () => end(null);
  });
}

interface Place {
  token: string;
  queueId: string;
}

function shop({ concertId }: Night, one: Fan, { token, queueId }: Place): void {
  const kind = Math.random() * 100;
  call('schedules', `/api/v1/concerts/${concertId}/schedules?soldOut=true`, { queue: token });
  think();
  let reservation = holdSome(concertId, token);
  if (reservation && kind < v.CANCEL_PERCENT) {
    think();
    // A slow thinker's hold has run out by now.
    const path = `/api/v1/reservations/${reservation.reservationId}`;
    call('cancel', path, { method: 'DELETE', queue: token, expect: ['RESERVATION_EXPIRED'] });
    cancelled.add(1);
    reservation = kind < v.CANCEL_PERCENT / 2 ? holdSome(concertId, token) : null;
  } else if (reservation && kind < v.CANCEL_PERCENT + v.LAPSE_PERCENT) {
    lapsed.add(1);
    return; // closes the page; the seats go back on sale by themselves
  }
  if (!reservation) {
    call('cancel', `/api/v1/queue/${queueId}`, { method: 'DELETE', queue: token });
    return;
  }
  think();
  charge(one, token, SEATS_EACH * PRICE);
  const paid = pay(token, reservation.reservationId, ['RESERVATION_EXPIRED']);
  if (paid.status === 201 || paid.status === 200) seatsPaid.add(reservation.seats.length);
}

interface Reservation {
  reservationId: string;
  seats: unknown[];
}

/** Looks and holds until some seats are won; null once nothing is left. */
function holdSome(concertId: string, token: string): Reservation | null {
  for (let tries = 0; tries < TRIES; tries++) {
    const path = `/api/v1/concerts/${concertId}/schedules/d1/seats?status=AVAILABLE`;
    const { body } = call('seats', path, { queue: token });
    const free: { seatId: string }[] = body?.seats ?? [];
    if (free.length === 0) break;
    const from = Math.floor(Math.random() * free.length);
    const seats = free.slice(from, from + SEATS_EACH).map((seat) => seat.seatId);
    const held = hold(token, seats);
    if (held.status === 201) return held.body;
    if (held.code !== 'SEAT_TAKEN') return null;
    sleep(0.1);
  }
  soldOut.add(1);
  return null;
}

function think(): void {
  sleep((v.THINK_MS / 1000) * (0.5 + Math.random()));
}

export function teardown(night: Night): void {
  closeNight(night);
}
