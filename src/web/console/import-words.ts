/** What an import would change, and why one is refused, in lines that can be read out. */
import type { Concert, ImportedConcert, SetRoom } from '../../client/index.ts';
import { type Input, shortened } from './import-file.ts';
import { type Fault, sentenceOf, type Told } from './operator.ts';
import { changedSettings, count, money, when } from './words.ts';

export interface Before {
  concert: Concert;
  room: SetRoom | null;
}

export interface Difference {
  title: string;
  seats: string;
  /** of the concert, its dates and its room */
  lines: string[];
  /** of each date, its sections as the file has them: what they were, operators cannot ask */
  sections: string[];
}

/** `after`: what a dry run answered. `before`: null for a concert that is not there yet. */
export function differenceOf(input: Input, after: ImportedConcert, before: Before | null): Difference {
  const { title, concertId, added, removed, repriced, unchanged } = after;
  const lines = [...concertLines(after, before), ...dateLines(after, before), ...settingLines(input, before)];
  return {
    title: before ? `${before.concert.title} (${concertId}) is there: it would change` : `New: ${title} (${concertId})`,
    seats: before
      ? `${count(added, 'seat')} added, ${count(removed, 'seat')} removed, ${count(repriced, 'seat')} repriced, ${count(unchanged, 'seat')} as they are.`
      : `${count(added, 'seat')} added.`,
    lines: lines.length > 0 ? lines : ['Title, venue, dates and room stay as they are.'],
    sections: sectionLines(input, after.currency),
  };
}

function concertLines(after: ImportedConcert, before: Before | null): string[] {
  const facts = ({ title, venue, timeZone, seatLimit }: Concert) => [
    ['Title', title],
    ['Venue', venue],
    ['Time zone', timeZone],
    ['Seats a person', String(seatLimit)],
  ];
  const was = before && facts(before.concert);
  return facts(after).flatMap(([label, to], i) => {
    if (!was) return [`${label}: ${to}`];
    const from = was[i]?.[1];
    return from === to ? [] : [`${label}: ${from} → ${to}`];
  });
}

function dateLines({ schedules, timeZone }: ImportedConcert, before: Before | null): string[] {
  const was = new Map(before?.concert.schedules.map((schedule) => [schedule.scheduleId, schedule]));
  const lines = schedules.flatMap(({ scheduleId, startsAt, totalSeats }) => {
    const old = was.get(scheduleId);
    was.delete(scheduleId);
    if (!old) return [`New date ${scheduleId}: ${when(startsAt, timeZone)}, ${count(totalSeats, 'seat')}`];
    const changes = [];
    if (Date.parse(old.startsAt) !== Date.parse(startsAt))
      changes.push(`${when(old.startsAt, timeZone)} → ${when(startsAt, timeZone)}`);
    if (old.totalSeats !== totalSeats) changes.push(`${old.totalSeats} → ${count(totalSeats, 'seat')}`);
    return changes.length === 0 ? [] : [`Date ${scheduleId}: ${changes.join(', ')}`];
  });
  const gone = [...was.values()].map(
    ({ scheduleId, startsAt, totalSeats }) =>
      `Date ${scheduleId} goes: ${when(startsAt, timeZone)}, ${count(totalSeats, 'seat')}`,
  );
  return [...lines, ...gone];
}

function settingLines({ room = {}, holdSeconds }: Input, before: Before | null): string[] {
  const hold =
    holdSeconds === undefined
      ? 'Holds last 300 seconds: the file does not say how long, and that is the default'
      : `Holds last ${count(holdSeconds, 'second')}, as the file says`;
  return [hold, ...changedSettings(room, before?.room ?? null).map((line) => `Waiting room: ${line}`)];
}

function sectionLines({ schedules }: Input, currency: string): string[] {
  return schedules.flatMap(({ scheduleId, sections }) =>
    sections.map(({ section, price, rows }) => {
      const seats = rows.reduce((sum, row) => sum + row.seats, 0);
      return `${scheduleId}, section ${section}: ${count(seats, 'seat')} at ${money(price, currency)}`;
    }),
  );
}

interface Refusal extends Fault {
  problem?: Fault['problem'] & { conflicts?: readonly Told[] };
}

/** `does`: a dry run changes nothing, so that no answer to it leaves nothing unknown. */
export function refusalInWords(refusal: Refusal, input: Input, does: 'read' | 'change'): string {
  const { code, problem } = refusal;
  const { conflicts = [], errors = [] } = problem ?? {};
  if (code === 'IMPORT_CONFLICT') {
    const lines = conflicts.map(({ path, message }) => `${placeOf(path, input)}: ${message}`);
    return [
      'Nothing was changed. The file would remove or reprice seats that are held or sold:',
      ...shortened(lines),
      'Leave these seats and their prices in the file as they are now. Held ones may change once nobody holds them.',
    ].join('\n');
  }
  if (code === 'VALIDATION') {
    const lines = errors.map(({ path, message }) => `${placeOf(path, input)} ${message}`);
    return ['Nothing was changed. Correct this in the file:', ...shortened(lines)].join('\n');
  }
  return sentenceOf(refusal, does);
}

/** What was refused may be of any shape. */
interface Refused {
  schedules?: { scheduleId?: string; sections?: { section?: string; rows?: { row?: string }[] }[] }[];
}

/** `/schedules/0/sections/1/price` as `date winter-d1, section B, price`. */
function placeOf(path: string, { schedules }: Refused): string {
  const [head = '', id = '', ...rest] = path.split('/').slice(1);
  if (head !== 'schedules' || id === '') return path.slice(1).replaceAll('/', ' ') || 'the file';
  const schedule = /^\d+$/.test(id) ? schedules?.[Number(id)] : undefined;
  const date = `date ${schedule?.scheduleId ?? id}`;
  const [list, at = '', ...members] = rest;
  if (list === 'seats') return date;
  if (list !== 'sections' || at === '') return [date, ...rest].join(', ');
  const section = schedule?.sections?.[Number(at)];
  const [rows, row = '', ...last] = members;
  const named = [date, `section ${section?.section ?? Number(at) + 1}`];
  if (rows !== 'rows' || row === '') return [...named, ...members].join(', ');
  return [...named, `row ${section?.rows?.[Number(row)]?.row ?? Number(row) + 1}`, ...last].join(', ');
}
