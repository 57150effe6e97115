/**
 * What each story asks for: its variables, and what follows from them. Read by the stories (k6), by the runner
 * (`scripts/load.ts`: how many users to make, what to print) and by the README's table. Neither Node nor k6 in here.
 */

interface Variable {
  /** for two cores, server and generator on one each */
  value: number;
  /** for the smoke of `.ci/run`: a few seconds */
  smoke: number;
  /** where to begin on a cluster with a few generators */
  cluster: number;
  what: string;
}

/** A run's counters, and the highest value or the span of its trends, by name; 0 for one that never counted. */
export type Counts = (metric: string, of?: 'max' | 'span') => number;

interface Rate {
  what: string;
  asked: number;
  reached(counts: Counts): number;
}

interface Story<V extends string = string> {
  what: string;
  variables: Record<V, Variable>;
  fans(v: Record<V, number>): number;
  rates(v: Record<V, number>): Rate[];
  /** settings of onsale that the story needs where the runner starts it */
  settings?: Record<string, string>;
  /** after it the books must be clean, and seats sold (or held) equal to this counter */
  books?: { counter: string; stat: 'sold' | 'held' };
}

const story = <V extends string>(one: Story<V>): Story<V> => one;
const variable = (value: number, smoke: number, cluster: number, what: string): Variable => ({
  value,
  smoke,
  cluster,
  what,
});

export const PLANS = {
  'doors-open': story({
    what: 'a spike of joins, then polls that obey pollAfterSeconds',
    variables: {
      RATE: variable(500, 100, 20_000, 'joins a second at the peak'),
      RAMP_S: variable(5, 1, 10, 'seconds from nothing to the peak'),
      HOLD_S: variable(15, 2, 60, 'seconds at the peak'),
      POLL_S: variable(20, 3, 120, 'seconds of polling after the last join'),
      VUS: variable(400, 40, 4_000, 'virtual users of k6; each carries many fans'),
      CAPACITY: variable(500, 50, 20_000, 'how many may shop at once'),
      ADMIT: variable(50, 20, 1_000, 'admissions a second'),
      JOIN_P99_MS: variable(500, 3_000, 250, 'a join takes at most, p99'),
      POLL_P99_MS: variable(300, 3_000, 150, 'a poll takes at most, p99'),
      DROPPED_PERCENT: variable(1, 100, 1, 'of the iterations, k6 may drop'),
    },
    fans: (v) => Math.ceil((v.RATE * v.RAMP_S) / 2 + v.RATE * v.HOLD_S),
    rates: (v) => [
      { what: 'joins/s at the peak', asked: v.RATE, reached: (count) => count('joins_at_peak') / v.HOLD_S },
      {
        what: 'joins',
        asked: Math.ceil((v.RATE * v.RAMP_S) / 2 + v.RATE * v.HOLD_S),
        reached: (count) => count('joins'),
      },
      {
        what: 'polls/s (as pollAfterSeconds allows)',
        asked: Number.NaN,
        reached: (count) => count('polls') / (v.RAMP_S + v.HOLD_S + v.POLL_S),
      },
    ],
  }),

  'waiting-crowd': story({
    what: 'WebSockets held open: connect rate, age of the position, delay of the activation',
    variables: {
      FANS: variable(1_000, 80, 15_000, 'sockets held open'),
      CONNECT: variable(100, 40, 500, 'joins and sockets opened a second'),
      VUS: variable(20, 8, 300, 'virtual users of k6; each carries many sockets'),
      ADMIT: variable(50, 40, 200, 'admissions a second once the door is open'),
      AGE_P99_MS: variable(1_500, 5_000, 1_500, 'age of a position just before the next news of it, p99'),
      DELAY_P99_MS: variable(1_000, 5_000, 1_000, 'from the admission to the ticket that tells of it, p99'),
    },
    fans: (v) => v.FANS,
    rates: (v) => [
      { what: 'sockets', asked: v.FANS, reached: (count) => count('sockets_opened') },
      { what: 'told that they are in', asked: v.FANS, reached: (count) => count('activations') },
      {
        what: 'admissions/s',
        asked: v.ADMIT,
        reached: (count) => count('activations') / count('admitted_at_s', 'span'),
      },
    ],
  }),

  'hold-storm': story({
    what: 'all want the same front rows: exactly as many wins as seats',
    variables: {
      FANS: variable(400, 60, 20_000, 'fans, all inside before the storm'),
      SEATS: variable(40, 10, 400, 'seats that all of them want'),
      VUS: variable(100, 20, 2_000, 'virtual users of k6, which hold at once'),
      HOLD_P99_MS: variable(500, 3_000, 250, 'a hold or its refusal takes at most, p99'),
    },
    fans: (v) => v.FANS,
    rates: (v) => [
      { what: 'seats won', asked: v.SEATS, reached: (count) => count('wins') },
      { what: 'holds/s asked for', asked: Number.NaN, reached: (count) => count('holds') / count('storm_s') },
    ],
    // Each fan tries seat after seat as fast as answers come: more than one person's 20 a second.
    settings: { LIMIT_USER_PER_SECOND: '0', LIMIT_USER_BURST: '0' },
    books: { counter: 'wins', stat: 'held' },
  }),

  'whole-night': story({
    what: 'join, wait by push, look, hold, some cancel or let it lapse, charge, pay',
    variables: {
      RATE: variable(20, 10, 500, 'fans a second'),
      DURATION_S: variable(30, 4, 600, 'seconds of arrivals'),
      SEATS: variable(400, 25, 100_000, 'seats for sale'),
      VUS: variable(400, 60, 10_000, 'virtual users of k6, a fan each'),
      CAPACITY: variable(150, 30, 5_000, 'how many may shop at once'),
      ADMIT: variable(15, 8, 400, 'admissions a second, fewer than come'),
      CANCEL_PERCENT: variable(15, 15, 15, 'of the fans cancel their first hold'),
      LAPSE_PERCENT: variable(10, 10, 10, 'of the fans let their hold run out'),
      HOLD_SECONDS: variable(5, 3, 60, 'a hold lasts'),
      THINK_MS: variable(500, 50, 2_000, 'pause between steps'),
      PAY_P99_MS: variable(500, 3_000, 250, 'a payment takes at most, p99'),
    },
    fans: (v) => v.RATE * v.DURATION_S,
    rates: (v) => [
      { what: 'fans/s', asked: v.RATE, reached: (count) => count('joins') / v.DURATION_S },
      { what: 'nights lived to their end', asked: v.RATE * v.DURATION_S, reached: (count) => count('nights') },
      { what: 'seats paid', asked: Number.NaN, reached: (count) => count('seats_paid') },
    ],
    books: { counter: 'seats_paid', stat: 'sold' },
  }),

  soak: story({
    what: 'steady arrival of fans who join, hold, charge and pay: memory and lag stay flat',
    variables: {
      RATE: variable(20, 10, 1_000, 'fans a second'),
      DURATION_S: variable(600, 6, 7_200, 'seconds'),
      VUS: variable(60, 20, 2_000, 'virtual users of k6'),
      SAMPLE_S: variable(5, 1, 15, 'seconds between two looks at /metrics'),
      RSS_GROWTH_PERCENT: variable(15, 1_000, 15, 'peak of the memory in the last quarter over that before'),
      LAG_P99_MS: variable(200, 3_000, 100, 'lag of the event loop, p99 over the looks'),
      OUTBOX_AGE_S: variable(3, 10, 3, 'age of the oldest payment that is not yet in PostgreSQL, p99'),
    },
    fans: (v) => v.RATE * v.DURATION_S,
    rates: (v) => [
      { what: 'fans/s', asked: v.RATE, reached: (count) => count('joins') / v.DURATION_S },
      { what: 'payments/s', asked: v.RATE, reached: (count) => count('seats_paid') / v.DURATION_S },
    ],
    books: { counter: 'seats_paid', stat: 'sold' },
  }),
};

export type StoryName = keyof typeof PLANS;
export type VariablesOf<N extends StoryName> = Record<keyof (typeof PLANS)[N]['variables'], number>;

/** The variables of a story, as the environment sets them. Throws with one line for one that is no number. */
export function planned<N extends StoryName>(name: N, env: Record<string, string | undefined>): VariablesOf<N> {
  const which = env.SMOKE === '1' ? 'smoke' : 'value';
  const entries = Object.entries(PLANS[name].variables).map(([key, one]) => {
    const given = env[key];
    const number = given === undefined || given === '' ? one[which] : Number(given);
    if (!(number >= 0)) throw new Error(`${key}: must be a number, but it is ${JSON.stringify(given)}`);
    return [key, number] as const;
  });
  return Object.fromEntries(entries) as VariablesOf<N>;
}
