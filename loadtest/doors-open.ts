/**
 * The doors open: a spike of joins at a ramping arrival rate; everybody then polls, never earlier than
 * pollAfterSeconds says. One virtual user carries many fans: while the spike lasts, an iteration is one join and the
 * polls that are due by then; afterwards, only the polls.
 */
import { sleep } from 'k6';
import exec from 'k6/execution';
import { Counter } from 'k6/metrics';
import { join, poll } from './shared/calls.ts';
import { planned } from './shared/plans.ts';
import { closeNight, COMMON, fan, type Night, openNight } from './shared/story.ts';

export { handleSummary } from './shared/story.ts';

const v = planned('doors-open', __ENV);
const SPIKE = v.RATE * (v.RAMP_S / 2 + v.HOLD_S);
const POLLS_A_JOIN = 5;
/** Once the spike is over an iteration polls what falls due for this long; a virtual user begins one each 1.25 s. */
const POLLING_MS = 900;
const POLLING_PER_SECOND = Math.ceil(v.VUS * 0.8);
const PAUSE_S = 0.1;

const joins = new Counter('joins');
const joinsAtPeak = new Counter('joins_at_peak');
const polls = new Counter('polls');
const activations = new Counter('activations');

export const options = {
  ...COMMON,
  scenarios: {
    doors: {
      executor: 'ramping-arrival-rate',
      startRate: 0,
      timeUnit: '1s',
      preAllocatedVUs: v.VUS,
      maxVUs: v.VUS,
      stages: [
        { target: v.RATE, duration: `${v.RAMP_S}s` },
        { target: v.RATE, duration: `${v.HOLD_S}s` },
        { target: POLLING_PER_SECOND, duration: '0s' },
        { target: POLLING_PER_SECOND, duration: `${v.POLL_S}s` },
      ],
      gracefulStop: '10s',
    },
  },
  thresholds: {
    failures: ['count==0'],
    ms_join: [`p(99)<${v.JOIN_P99_MS}`],
    ms_poll: [`p(99)<${v.POLL_P99_MS}`],
    dropped_iterations: [`count<=${Math.ceil((v.DROPPED_PERCENT / 100) * SPIKE)}`],
  },
};

interface Waiting {
  queueId: string;
  token: string;
  dueMs: number;
}
/** the fans of this virtual user who wait */
let mine: Waiting[] = [];

export function setup(): Night {
  return openNight({ seats: 100, room: { state: 'OPEN', capacity: v.CAPACITY, admitPerSecond: v.ADMIT } });
}

export default function (night: Night): void {
  const startMs = Date.now();
  const sinceMs = startMs - exec.scenario.startTime;
  if (sinceMs < (v.RAMP_S + v.HOLD_S) * 1000) {
    joinOne(night, sinceMs);
    pollTheDue(POLLS_A_JOIN, Infinity);
    return;
  }
  while (Date.now() < startMs + POLLING_MS) {
    pollTheDue(Infinity, startMs + POLLING_MS);
    sleep(PAUSE_S);
  }
}

function joinOne({ concertId }: Night, sinceMs: number): void {
  const one = fan(exec.scenario.iterationInTest);
  if (!one) return;
  const { status, body } = join(one, concertId);
  if (status !== 201) return;
  joins.add(1);
  if (sinceMs >= v.RAMP_S * 1000) joinsAtPeak.add(1);
  mine.push({ queueId: body.queueId, token: body.token, dueMs: Date.now() + body.pollAfterSeconds * 1000 });
}

function pollTheDue(atMost: number, untilMs: number): void {
  const over = new Set<Waiting>();
  let left = atMost;
  for (const place of mine) {
    if (place.dueMs > Date.now()) continue;
    if (left-- === 0 || Date.now() > untilMs) break;
    const { status, body } = poll(place.queueId, place.token);
    polls.add(1);
    if (status === 200 && body.status === 'WAITING') place.dueMs = Date.now() + body.pollAfterSeconds * 1000;
    else over.add(place);
    if (status === 200 && body.status === 'ACTIVE') activations.add(1);
  }
  if (over.size > 0) mine = mine.filter((place) => !over.has(place));
}

export function teardown(night: Night): void {
  closeNight(night);
}
