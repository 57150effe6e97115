/**
 * A steady stream of fans who join, hold, charge and pay, for as long as it takes to see what grows. A second scenario
 * looks at /metrics: the peak of the memory in the last quarter against that before, the lag of the event loop, and the
 * age of the oldest payment that is not yet in PostgreSQL.
 */
import { sleep } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { BASE_URL, charge, failures, hold, join, pay, poll } from './shared/calls.ts';
import { planned } from './shared/plans.ts';
import { closeNight, COMMON, fan, type Night, openNight, PRICE, seatId } from './shared/story.ts';

export { handleSummary } from './shared/story.ts';

const v = planned('soak', __ENV);
const FANS = v.RATE * v.DURATION_S;

const joins = new Counter('joins');
const seatsPaid = new Counter('seats_paid');
const rss = new Trend('rss_mb');
const growth = new Trend('rss_growth_percent');
const lag = new Trend('ms_event_loop_lag', true);
const outboxAge = new Trend('outbox_age_s');

export const options = {
  ...COMMON,
  scenarios: {
    fans: {
      executor: 'constant-arrival-rate',
      rate: v.RATE,
      timeUnit: '1s',
      duration: `${v.DURATION_S}s`,
      preAllocatedVUs: v.VUS,
      maxVUs: v.VUS,
    },
    observer: { executor: 'per-vu-iterations', vus: 1, iterations: 1, exec: 'observe', maxDuration: '24h' },
  },
  thresholds: {
    failures: ['count==0'],
    dropped_iterations: ['count==0'],
    rss_growth_percent: [`max<${v.RSS_GROWTH_PERCENT}`],
    ms_event_loop_lag: [`p(99)<${v.LAG_P99_MS}`],
    outbox_age_s: [`p(99)<${v.OUTBOX_AGE_S}`],
  },
};

export function setup(): Night {
  failures.add(0);
  return openNight({ seats: FANS + 1, room: { state: 'OPEN', capacity: 1_000_000, admitPerSecond: 100_000 } });
}

export default function ({ concertId }: Night): void {
  const number = exec.scenario.iterationInTest;
  const one = fan(number);
  const joined = one && join(one, concertId);
  if (!one || joined?.status !== 201) return;
  joins.add(1);
  const { queueId, token } = joined.body;
  for (let status = joined.body.status; status === 'WAITING'; ) {
    sleep(1);
    status = poll(queueId, token).body?.status;
  }
  const held = hold(token, [seatId(number)], []);
  if (held.status !== 201) return;
  charge(one, token, PRICE);
  if (pay(token, held.body.reservationId).status === 201) seatsPaid.add(1);
}

export function observe(): void {
  const memory: number[] = [];
  const endMs = exec.scenario.startTime + v.DURATION_S * 1000;
  while (Date.now() < endMs) {
    sleep(v.SAMPLE_S);
    const text = http.get(`${BASE_URL}/metrics`, { tags: { name: 'metrics' } }).body;
    if (typeof text !== 'string') continue;
    const mb = sum(text, 'process_resident_memory_bytes') / 1e6;
    memory.push(mb);
    rss.add(mb);
    lag.add(Math.max(0, ...valuesOf(text, 'nodejs_eventloop_lag_p99_seconds')) * 1000);
    outboxAge.add(sum(text, 'onsale_outbox_age_seconds'));
  }
  // Peaks: between two full collections, minutes apart, memory that is free already goes up like a leak.
  const quarter = Math.max(1, Math.floor(memory.length / 4));
  growth.add((Math.max(...memory.slice(-quarter)) / Math.max(...memory.slice(0, -quarter)) - 1) * 100);
}

/** Of each process. */
function valuesOf(text: string, metric: string): number[] {
  const lines = text.split('\n').filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
  return lines.map((line) => Number(line.split(' ').at(-1)));
}

function sum(text: string, metric: string): number {
  return valuesOf(text, metric).reduce((total, value) => total + value, 0);
}

export function teardown(night: Night): void {
  closeNight(night);
}
