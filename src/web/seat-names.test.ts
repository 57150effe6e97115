import { expect, test, vi } from 'vitest';

// The pages' words ask the browser for its language.
vi.stubGlobal('document', { documentElement: {} });
const { groupSeats, ranges, seatNames } = await import('./seat-names.ts');

test.for([
  [[7], '7'],
  [[15, 12, 13, 14], '12–\u206015'],
  [[1, 3, 4, 9], '1, 3–\u20604, 9'],
] as const)('numbers %s', ([numbers, text]) => {
  expect(ranges(numbers)).toBe(text);
});

test('seats of a row are named together, rows in the order of their first seat', () => {
  const seat = (section: string, row: string, number: number) => ({ section, row, number, price: number });
  const seats = [seat('F3', '17', 12), seat('A', '1', 5), seat('F3', '17', 13), seat('F3', '18', 12)];
  expect(seatNames(seats).replaceAll('\u00a0', ' ').replaceAll('\u2060', '')).toBe(
    'Section F3, row 17, seats 12–13; Section A, row 1, seat 5; Section F3, row 18, seat 12',
  );
  expect(groupSeats(seats).map((group) => group.seats.length)).toEqual([2, 1, 1]);
});
