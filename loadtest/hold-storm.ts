/**
 * All want the same front rows: everybody is inside, and at one moment every virtual user begins to hold the same
 * seats, the front one first, for one fan after another. Each fan may have one seat and gives up when all are taken:
 * so exactly as many win as there are seats, whoever was faster.
 */
import { sleep } from 'k6';
import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import { call, failures, type Fan, hold, join, poll } from './shared/calls.ts';
import { planned } from './shared/plans.ts';
import { closeNight, COMMON, fan, type Night, openNight, seatId } from './shared/story.ts';

export { handleSummary } from './shared/story.ts';

const v = planned('hold-storm', __ENV);
const ENTER_MAX_S = 10 + Math.ceil(v.FANS / 50);

const holds = new Counter('holds');
const wins = new Counter('wins');
const inside = new Counter('inside');
const stormS = new Trend('storm_s');

export const options = {
  ...COMMON,
  scenarios: {
    enter: { executor: 'per-vu-iterations', vus: v.VUS, iterations: 1, maxDuration: `${ENTER_MAX_S + 300}s` },
  },
  thresholds: {
    failures: ['count==0'],
    inside: [`count==${v.FANS}`],
    wins: [`count==${v.SEATS}`],
    ms_hold: [`p(99)<${v.HOLD_P99_MS}`],
  },
};

interface Storm extends Night {
  seats: string[];
}

export function setup(): Storm {
  failures.add(0);
  const night = openNight({
    seats: v.SEATS,
    seatLimit: 1,
    room: { state: 'OPEN', capacity: v.FANS, admitPerSecond: 100_000 },
  });
  return { ...night, seats: Array.from({ length: v.SEATS }, (_, index) => seatId(index)) };
}

interface Inside extends Fan {
  queueId: string;
  token: string;
}

export default function ({ concertId, seats }: Storm): void {
  const mine = enter(concertId);
  const startMs = waitForAll(concertId, mine[0]);
  for (const one of mine) {
    for (const seat of seats) {
      holds.add(1);
      if (hold(one.token, [seat]).status !== 201) continue;
      wins.add(1);
      break;
    }
  }
  stormS.add((Date.now() - startMs) / 1000);
}

/** Joins for every VUS-th fan, and waits until all of them are inside. */
function enter(concertId: string): Inside[] {
  const mine: Inside[] = [];
  for (let number = (exec.vu.idInInstance - 1) % v.VUS; number < v.FANS; number += v.VUS) {
    const one = fan(number);
    const joined = one && join(one, concertId);
    if (one && joined?.status === 201) mine.push({ ...one, queueId: joined.body.queueId, token: joined.body.token });
  }
  const untilMs = Date.now() + ENTER_MAX_S * 1000;
  for (const { queueId, token } of mine) {
    while (Date.now() < untilMs) {
      const { body } = poll(queueId, token);
      if (body?.status === 'ACTIVE') {
        inside.add(1);
        break;
      }
      sleep(body?.pollAfterSeconds ?? 1);
    }
    // Any guarded call claims the place: the storm may begin later than the claim window ends.
    call('schedules', `/api/v1/concerts/${concertId}/schedules`, { queue: token });
  }
  return mine;
}

/** All begin together, on the next full second after everybody is inside. */
function waitForAll(concertId: string, one: Inside | undefined): number {
  const untilMs = Date.now() + ENTER_MAX_S * 1000;
  let active = 0;
  while (one && active < v.FANS && Date.now() < untilMs) {
    sleep(0.5);
    active = call('room', `/api/v1/concerts/${concertId}/room`).body?.active ?? 0;
  }
  const startMs = Math.ceil((Date.now() + 500) / 1000) * 1000;
  sleep((startMs - Date.now()) / 1000);
  return startMs;
}

export function teardown(night: Night): void {
  closeNight(night);
}
