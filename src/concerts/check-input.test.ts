import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { hall, scheduleInput } from '../reservations/holding.fixture.ts';
import { checkInput } from './check-input.ts';
import { ConcertId, ConcertInput } from './shapes.ts';
import { dayIn, parseTime } from '../times.ts';

const schema = Compile(ConcertInput);

function faultsOf(input: ConcertInput): string[] {
  const checked = checkInput(input, 'KRW');
  return 'faults' in checked ? checked.faults.map(({ path }) => path) : [];
}

const section = (name: string, row = '1', seats = 2) => ({ section: name, price: 1, rows: [{ row, seats }] });
const withSections = (...sections: ReturnType<typeof section>[]) =>
  hall({ schedules: [{ ...scheduleInput('d1'), sections }] });

describe('what a schema cannot say', () => {
  test.each<[string, ConcertInput, string[]]>([
    ['a good concert', hall({ currency: 'KRW' }), []],
    ['no schedules', hall({ schedules: [] }), []],
    ['another currency', hall({ currency: 'USD' }), ['/currency']],
    ['no time zone', hall({ timeZone: 'Asia/Nowhere' }), ['/timeZone']],
    ['an offset for a time zone', hall({ timeZone: '+09:00' }), ['/timeZone']],
    ['a room that opens in a leap second', hall({ room: { opensAt: '2016-12-31T23:59:60Z' } }), ['/room/opensAt']],
    [
      'one schedule id twice',
      hall({ schedules: [scheduleInput('d1'), scheduleInput('d1')] }),
      ['/schedules/1/scheduleId'],
    ],
    [
      'a start in a leap second',
      hall({ schedules: [{ ...scheduleInput('d1'), startsAt: '2016-12-31T23:59:60Z' }] }),
      ['/schedules/0/startsAt'],
    ],
    ...['0999-12-31T19:00:00Z', '9999-01-01T00:00:00Z'].map((startsAt): [string, ConcertInput, string[]] => [
      `a start at ${startsAt}`,
      hall({ schedules: [{ ...scheduleInput('d1'), startsAt }] }),
      ['/schedules/0/startsAt'],
    ]),
    ['one row twice', withSections(section('A'), section('B'), section('A')), ['/schedules/0/sections/2/rows/0']],
    ['one section at two prices, in other rows', withSections(section('A'), section('A', '2')), []],
    [
      'one name in two spellings',
      withSections(section('\u1100\u1161'), section('\uac00')),
      ['/schedules/0/sections/1/rows/0'],
    ],
    ['too many seats', withSections(section('A', '1', 150_000), section('B', '1', 50_001)), ['/schedules']],
    ['as many seats as may be', withSections(section('A', '1', 150_000), section('B', '1', 50_000)), []],
  ])('%s', (_, input, paths) => {
    expect(schema.Check(input)).toBe(true);
    expect(faultsOf(input)).toEqual(paths);
  });

  test('defaults', () => {
    const { timeZone: _zone, ...plain } = hall();
    expect(checkInput(plain, 'KRW')).toMatchObject({
      concert: { timeZone: 'UTC', seatLimit: 4, holdSeconds: 300, currency: 'KRW' },
    });
  });
});

describe('what the schema says', () => {
  test.each<[string, unknown, boolean]>([
    ['names in any script', withSections(section('가나1', '𝒜Ω')), true],
    ['a dash in a section', withSections(section('A-1')), false],
    ['a space in a row', withSections(section('A', ' ')), false],
    ['16 letters beyond the first plane', withSections(section('𝒜'.repeat(16))), true],
    ['17 letters', withSections(section('A'.repeat(17))), false],
    ['no letter', withSections(section('')), false],
    ['no seat', withSections(section('A', '1', 0)), false],
    ['a schedule id in capitals', hall({ schedules: [scheduleInput('D1')] }), false],
    ['101 schedules', hall({ schedules: Array.from({ length: 101 }, (_, i) => scheduleInput(`d${i}`)) }), false],
    ['a price over the bound', hall({ price: 100_000_001 }), false],
    ['the highest price', hall({ price: 100_000_000 }), true],
    ['nine seats a person', hall({ seatLimit: 9 }), false],
    ['a hold of more than an hour', hall({ holdSeconds: 3_601 }), false],
    ['a day that is not', hall({ schedules: [{ ...scheduleInput('d1'), startsAt: '2027-02-30T19:00:00Z' }] }), false],
    ['a room that opens at no time', hall({ room: { opensAt: 'soon' } }), false],
    ['an unknown member', { ...hall(), seats: 1 }, false],
  ])('%s', (_, input, good) => expect(schema.Check(input)).toBe(good));

  test('`schedules` is no concert id', () => {
    const id = Compile(ConcertId);
    for (const good of ['a', '7-x', 'schedules2', 'my-schedules', 'a'.repeat(64)])
      expect(id.Check(good), good).toBe(true);
    for (const bad of ['schedules', '', '-a', 'A', 'a_b', 'a'.repeat(65)]) expect(id.Check(bad), bad).toBe(false);
  });
});

describe('times', () => {
  test.each([
    ['2026-12-24T19:00:00+09:00', '2026-12-24T10:00:00.000Z'],
    ['2026-12-24t19:00:00.5z', '2026-12-24T19:00:00.500Z'],
    ['2028-02-29T00:00:00-11:30', '2028-02-29T11:30:00.000Z'],
  ])('%s', (text, iso) => expect(new Date(parseTime(text) ?? 0).toISOString()).toBe(iso));

  test.each([
    '2026-12-24',
    '2026-12-24T19:00:00',
    '2026-12-24T19:00Z',
    '2027-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-12-24T24:30:00Z',
    '2026-04-31T00:00:00Z',
    'now',
  ])('no time: %s', (text) => expect(parseTime(text)).toBeNull());

  test('a day is that of the time zone', () => {
    const ms = Date.parse('2026-12-24T15:30:00Z');
    expect(dayIn('Asia/Seoul')(ms)).toBe('2026-12-25');
    expect(dayIn('America/New_York')(ms)).toBe('2026-12-24');
    expect(dayIn('UTC')(Date.parse('0999-01-02T00:00:00Z'))).toBe('0999-01-02');
  });
});
