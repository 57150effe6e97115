/** A concert as an operator's file tells it. Throws a sentence for a file that cannot be read. */
import { csvParseRows } from 'd3-dsv';
import type { Calls } from '../../client/index.ts';

export type Input = Calls['putConcert']['input'];
type Section = Input['schedules'][number]['sections'][number];

export const COLUMNS = ['scheduleId', 'startsAt', 'section', 'price', 'row', 'seats'] as const;
type Column = (typeof COLUMNS)[number];

/** The fields are there for CSV, which says nothing of the concert itself. */
export interface Fields {
  concertId: string;
  title: string;
  venue: string;
  timeZone: string;
}

export function readFile(name: string, text: string, { concertId, title, venue, timeZone }: Fields): Input {
  if (!/\.csv$/i.test(name)) return { ...objectOf(text), concertId };
  if (title === '' || venue === '') throw new Error('a CSV file says nothing of title and venue: fill them in.');
  return { concertId, title, venue, ...(timeZone && { timeZone }), schedules: schedulesOf(text) };
}

function objectOf(text: string): Input {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`it is no JSON (${error instanceof Error ? error.message : String(error)}).`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('it is JSON, but no concert: an object with title, venue and schedules is expected.');
  return value as Input;
}

interface Line extends Record<Column, string> {
  /** as an editor counts */
  line: number;
}

/** Lines of one schedule and section may stand anywhere; rows are in the order of the lines. */
function schedulesOf(text: string): Input['schedules'] {
  const lines = linesOf(text);
  const faults = lines.flatMap(faultsOf);
  const schedules = new Map<string, Input['schedules'][number] & { sections: Section[] }>();
  const firstOf = new Map<object, Line>();
  for (const line of lines) {
    const { scheduleId, startsAt, section } = line;
    const [price, row, seats] = [Number(line.price), line.row, Number(line.seats)];
    let schedule = schedules.get(scheduleId);
    if (!schedule) {
      schedule = { scheduleId, startsAt, sections: [] };
      schedules.set(scheduleId, schedule);
      firstOf.set(schedule, line);
    }
    if (schedule.startsAt !== startsAt)
      faults.push(`line ${line.line}: ${scheduleId} starts at another time in line ${firstOf.get(schedule)?.line}`);
    let found = schedule.sections.find((one) => one.section === section);
    if (!found) {
      found = { section, price, rows: [] };
      schedule.sections.push(found);
      firstOf.set(found, line);
    }
    const first = firstOf.get(found);
    if (first && first.price !== line.price && Number(first.price) !== price)
      faults.push(`line ${line.line}: section ${section} of ${scheduleId} costs ${first.price} in line ${first.line}`);
    found.rows.push({ row, seats });
  }
  if (faults.length > 0) throw new Error(`correct these and choose it again.\n${shortened(faults).join('\n')}`);
  return [...schedules.values()];
}

function linesOf(text: string): Line[] {
  // Not csvParse: it makes its reader by `new Function`, which the page's policy forbids.
  const [columns = [], ...rows] = csvParseRows(text.trimEnd());
  const names = columns.map((name) => name.trim());
  const missing = COLUMNS.filter((name) => !names.includes(name));
  if (missing.length > 0) throw new Error(`the first line names no column ${missing.join(', ')}.`);
  if (rows.length === 0) throw new Error('no line follows the one with the columns.');
  return rows.flatMap((cells, i) => {
    if (cells.every((cell) => cell.trim() === '')) return [];
    const of = (name: Column) => cells[names.indexOf(name)]?.trim() ?? '';
    const values = Object.fromEntries(COLUMNS.map((name) => [name, of(name)])) as Record<Column, string>;
    return [{ ...values, line: i + 2 }];
  });
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/i;
const isTime = (text: string) => TIME.test(text) && !Number.isNaN(Date.parse(text));
const isWhole = (text: string) => /^\d{1,9}$/.test(text);
const isName = (text: string) => /^[\p{L}\p{N}]{1,16}$/u.test(text);

const CHECKS: Record<Column, readonly [(text: string) => boolean, string]> = {
  scheduleId: [(text) => /^[a-z0-9][a-z0-9-]{0,63}$/.test(text), 'is not made of small letters, digits and -'],
  startsAt: [isTime, 'is not a time with its offset, such as 2027-12-20T19:00:00+09:00'],
  section: [isName, 'is not a name of 1 to 16 letters or digits'],
  price: [isWhole, 'is not a whole number'],
  row: [isName, 'is not a name of 1 to 16 letters or digits'],
  seats: [(text) => isWhole(text) && Number(text) > 0, 'is not a whole number of 1 or more'],
};

function faultsOf(line: Line): string[] {
  return COLUMNS.flatMap((name) => {
    const [fits, fault] = CHECKS[name];
    if (fits(line[name])) return [];
    return [`line ${line.line}: ${name} ${fault} (${line[name] === '' ? 'it is empty' : `“${line[name]}”`})`];
  });
}

const SHOWN = 12;

/** No screen is long enough for a thousand. */
export function shortened(lines: readonly string[]): string[] {
  return lines.length <= SHOWN ? [...lines] : [...lines.slice(0, SHOWN), `and ${lines.length - SHOWN} more`];
}
