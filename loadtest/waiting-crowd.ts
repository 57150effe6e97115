/**
 * A crowd waits by push: sockets opened at a steady rate before the door opens, held until each is told that it is in.
 * Measured: how long connecting takes, how old a position is just before the next news of it, and how long after the
 * admission its ticket comes. Both clocks must agree where server and generator are two machines.
 */
import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import { clearTimeout, setTimeout } from 'k6/timers';
import { WebSocket } from 'k6/websockets';
import { BASE_URL, failures, join, operator } from './shared/calls.ts';
import { planned } from './shared/plans.ts';
import { closeNight, COMMON, fan, type Night, openNight } from './shared/story.ts';

export { handleSummary } from './shared/story.ts';

const v = planned('waiting-crowd', __ENV);
const CLAIM_MS = 60_000;
const OPENS_AFTER_S = Math.ceil(v.FANS / v.CONNECT) + 3;
const MAX_S = OPENS_AFTER_S + Math.ceil(v.FANS / v.ADMIT) + 20;

const opened = new Counter('sockets_opened');
const activations = new Counter('activations');
const frames = new Counter('frames');
const rises = new Counter('positions_that_rose');
const unexpected = new Counter('sockets_closed_by_server');
const connecting = new Trend('ms_connect', true);
const age = new Trend('ms_position_age', true);
const delay = new Trend('ms_activation_delay', true);
/** when each was let in, in seconds from the beginning */
const admittedAt = new Trend('admitted_at_s');

export const options = {
  ...COMMON,
  scenarios: {
    crowd: { executor: 'per-vu-iterations', vus: v.VUS, iterations: 1, maxDuration: `${MAX_S + 20}s` },
    operator: { executor: 'shared-iterations', vus: 1, startTime: `${OPENS_AFTER_S}s`, exec: 'openTheDoor' },
  },
  thresholds: {
    failures: ['count==0'],
    sockets_opened: [`count==${v.FANS}`],
    activations: [`count==${v.FANS}`],
    positions_that_rose: ['count==0'],
    sockets_closed_by_server: ['count==0'],
    ms_position_age: [`p(99)<${v.AGE_P99_MS}`],
    ms_activation_delay: [`p(99)<${v.DELAY_P99_MS}`],
  },
};

export function setup(): Night {
  failures.add(0);
  rises.add(0);
  unexpected.add(0);
  return openNight({ seats: 100, room: { state: 'PAUSED', capacity: v.FANS, admitPerSecond: v.ADMIT } });
}

export function openTheDoor({ concertId }: Night): void {
  operator(`/concerts/${concertId}/room`, { method: 'PATCH', body: { state: 'OPEN' } });
}

/** One virtual user: every VUS-th fan comes at its moment. */
export default function (night: Night): void {
  const first = (exec.vu.idInInstance - 1) % v.VUS;
  const startMs = exec.scenario.startTime;
  for (let number = first; number < v.FANS; number += v.VUS) {
    const inMs = startMs + (number / v.CONNECT) * 1000 - Date.now();
    setTimeout(() => wait(night, number), Math.max(1, inMs));
  }
}

interface Seen {
  position: number;
  admitted: number;
  /** what was told last, by the server's clock; 0 before the door opened */
  toldMs: number;
  derived: number;
}

function wait({ concertId }: Night, number: number): void {
  const one = fan(number);
  const joined = one && join(one, concertId);
  if (joined?.status !== 201) return;
  const { token } = joined.body;
  const seen: Seen = { position: Infinity, admitted: 0, toldMs: 0, derived: Infinity };
  const startMs = Date.now();
  const socket = new WebSocket(`${BASE_URL.replace(/^http/, 'ws')}/ws`, null, { tags: { name: 'ws' } });
  let closing = false;
  const close = () => {
    closing = true;
    socket.close();
  };
  const tooLate = setTimeout(close, MAX_S * 1000 - number / v.CONNECT);
  socket.onopen = () => {
    opened.add(1);
    connecting.add(Date.now() - startMs);
    socket.send(JSON.stringify({ type: 'auth', token }));
  };
  socket.onmessage = (event) => {
    frames.add(1);
    const message = JSON.parse(event?.data as string);
    if (message.type === 'room') onRoom(seen, message.room);
    if (message.type === 'ticket' && onTicket(seen, message.ticket) === 'in') {
      clearTimeout(tooLate);
      close();
    }
  };
  socket.onclose = () => {
    if (!closing) unexpected.add(1);
  };
  socket.onerror = () => {
    if (!closing) failures.add(1);
  };
}

function onRoom(seen: Seen, room: { state: string; admitted: number; serverTime: string }): void {
  if (room.admitted < seen.admitted) return;
  if (seen.toldMs > 0) age.add(Date.now() - seen.toldMs);
  // Before the door opens nothing moves, and nothing is told.
  if (room.state === 'OPEN' && room.admitted > 0) seen.toldMs = Date.parse(room.serverTime);
  derive(seen, Math.max(1, seen.position - (room.admitted - seen.admitted)));
}

interface Ticket {
  status: string;
  position: number;
  admitted: number;
  expiresAt: string;
  serverTime: string;
}

function onTicket(seen: Seen, ticket: Ticket): 'in' | 'waits' {
  if (ticket.status === 'WAITING') {
    seen.position = ticket.position;
    seen.admitted = ticket.admitted;
    derive(seen, ticket.position);
    return 'waits';
  }
  // An ACTIVE place that nobody has claimed ends one claim window after its admission.
  const admittedMs = Date.parse(ticket.expiresAt) - CLAIM_MS;
  activations.add(1);
  delay.add(Math.max(0, Date.now() - admittedMs));
  admittedAt.add((admittedMs - exec.scenario.startTime) / 1000);
  return 'in';
}

function derive(seen: Seen, position: number): void {
  if (position > seen.derived) rises.add(1);
  seen.derived = position;
}

export function teardown(night: Night): void {
  closeNight(night);
}
