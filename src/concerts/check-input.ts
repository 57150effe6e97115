/** What a schema cannot say of a concert that an operator sends. */
import { LIMITS } from '../limits.ts';
import type { ConcertRecord } from './catalogue.ts';
import { A_TIME, dayIn, parseTime } from '../times.ts';
import { rowKey } from './layout.ts';
import type { ConcertInput, ScheduleInput } from './shapes.ts';

export interface Fault {
  path: string;
  message: string;
}

/** The concert with its defaults and with names in one spelling (NFC), or what is wrong with it. */
export function checkInput(
  input: ConcertInput,
  currency: string,
): { concert: ConcertRecord; schedules: ScheduleInput[] } | { faults: Fault[] } {
  const { title, venue, timeZone = 'UTC', seatLimit = 4, holdSeconds = 300 } = input;
  const schedules = input.schedules.map(withPlainNames);
  const faults = [...concertFaults(input, { currency, timeZone }), ...scheduleFaults(schedules)];
  if (faults.length > 0) return { faults: faults.slice(0, FAULTS_MAX) };
  return { concert: { title, venue, currency, timeZone, seatLimit, holdSeconds }, schedules };
}

const FAULTS_MAX = 100;

function* concertFaults(
  { currency: named, room }: ConcertInput,
  { currency, timeZone }: { currency: string; timeZone: string },
): Generator<Fault> {
  if (named !== undefined && named !== currency)
    yield { path: '/currency', message: `must be ${currency}, the one of this installation` };
  if (!isTimeZone(timeZone)) yield { path: '/timeZone', message: 'must be an IANA time zone' };
  const opensAt = room?.opensAt;
  if (typeof opensAt === 'string' && parseTime(opensAt) === null) {
    yield { path: '/room/opensAt', message: A_TIME };
  }
}

function* scheduleFaults(schedules: readonly ScheduleInput[]): Generator<Fault> {
  const ids = new Set<string>();
  let total = 0;
  for (const [i, schedule] of schedules.entries()) {
    const path = `/schedules/${i}`;
    if (ids.has(schedule.scheduleId)) yield { path: `${path}/scheduleId`, message: 'is there more than once' };
    ids.add(schedule.scheduleId);
    if (parseTime(schedule.startsAt) === null) {
      yield { path: `${path}/startsAt`, message: A_TIME };
    }
    yield* rowFaults(schedule, path);
    for (const { rows } of schedule.sections) for (const { seats } of rows) total += seats;
  }
  if (total > LIMITS.SEATS_A_CONCERT_MAX) {
    yield { path: '/schedules', message: `have ${total} seats, over ${LIMITS.SEATS_A_CONCERT_MAX}` };
  }
}

function* rowFaults({ sections }: ScheduleInput, path: string): Generator<Fault> {
  const rows = new Set<string>();
  for (const [i, { section, rows: named }] of sections.entries()) {
    for (const [j, { row }] of named.entries()) {
      const key = rowKey(section, row);
      if (rows.has(key)) yield { path: `${path}/sections/${i}/rows/${j}`, message: `${key} is there more than once` };
      rows.add(key);
    }
  }
}

/** Offsets such as `+09:00` are no zones: they know no summer time. */
function isTimeZone(timeZone: string): boolean {
  if (!/^[A-Za-z]/.test(timeZone)) return false;
  try {
    dayIn(timeZone);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The same letters may be spelt in several ways; seat ids are compared byte by byte. */
function withPlainNames({ sections, ...schedule }: ScheduleInput): ScheduleInput {
  return {
    ...schedule,
    sections: sections.map(({ section, price, rows }) => ({
      section: section.normalize('NFC'),
      price,
      rows: rows.map(({ row, seats }) => ({ row: row.normalize('NFC'), seats })),
    })),
  };
}
