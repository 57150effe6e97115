/** What every story has: its fans, its concert, the options that all share, and a summary for the runner. */
import { SharedArray } from 'k6/data';
import { fail } from 'k6';
import { type Fan, operator } from './calls.ts';

/** Made by `scripts/seed-users.ts`: `[[userId, accessToken], …]`. */
const users = new SharedArray<[string, string]>('users', () => {
  if (!__ENV.USERS) throw new Error('USERS names no file: make it with `npx node scripts/seed-users.ts <count>`');
  return JSON.parse(open(__ENV.USERS)) as [string, string][];
});

/** The fan with this number, from 0; undefined past the last one. */
export function fan(index: number): Fan | undefined {
  const user = users[index];
  return user && { userId: user[0], access: user[1] };
}

/** Options of all stories. Without `url` and other per-request tags k6 keeps one series per call. */
export const COMMON = {
  summaryTrendStats: ['min', 'avg', 'med', 'p(95)', 'p(99)', 'max', 'count'],
  systemTags: ['status', 'name', 'scenario'],
  setupTimeout: '60s',
  teardownTimeout: '60s',
};

export const PRICE = 1_000;
const ROW = 100;

export interface Night {
  concertId: string;
}

interface ConcertOptions {
  seats: number;
  seatLimit?: number;
  holdSeconds?: number;
  room: { state: 'OPEN' | 'PAUSED'; capacity: number; admitPerSecond: number };
}

/** Makes the concert of a run, one schedule `d1` with seats `A-<row>-<number>`, a hundred a row. */
export function openNight({ seats, seatLimit = 4, holdSeconds = 300, room }: ConcertOptions): Night {
  const concertId = __ENV.CONCERT || `load-${Date.now().toString(36)}`;
  const rows = Array.from({ length: Math.ceil(seats / ROW) }, (_, row) => ({
    row: `${row + 1}`,
    seats: Math.min(ROW, seats - row * ROW),
  }));
  const input = {
    title: 'Load test',
    venue: 'None',
    seatLimit,
    holdSeconds,
    schedules: [
      { scheduleId: 'd1', startsAt: '2030-12-24T19:00:00Z', sections: [{ section: 'A', price: PRICE, rows }] },
    ],
    room: { claimSeconds: 60, sessionSeconds: 3_600, ...room },
  };
  const answer = operator(`/concerts/${concertId}`, { method: 'PUT', body: input });
  if (answer.status !== 201 && answer.status !== 200)
    fail(`the concert could not be made: ${answer.status} ${JSON.stringify(answer.body)}; is OPERATOR_KEY right?`);
  return { concertId };
}

/** The seat with this number, from 0. */
export function seatId(index: number): string {
  return `A-${Math.floor(index / ROW) + 1}-${(index % ROW) + 1}`;
}

/** Nobody joins it any more; what was sold stays. */
export function closeNight({ concertId }: Night): void {
  operator(`/concerts/${concertId}/room`, { method: 'PATCH', body: { state: 'CLOSED' } });
}

interface SummaryData {
  metrics: Record<string, { type: string; values: Record<string, number>; thresholds?: Record<string, unknown> }>;
}

/** Everything to the runner's file, and without one the thresholds that failed to the terminal. */
export function handleSummary(data: SummaryData): Record<string, string> {
  if (__ENV.SUMMARY) return { [__ENV.SUMMARY]: JSON.stringify(data) };
  return { stdout: `${JSON.stringify(data.metrics, null, 1)}\n` };
}
