import { expect, test } from 'vitest';
import type { Room, Ticket } from './api.ts';
import { ServerClock } from './clock.ts';
import { goesBack, isOlder, positionOf } from './place.ts';

const ticket = (position: number | null, admitted: number) => ({ position, admitted }) as Ticket;
const room = (admitted: number) => ({ admitted }) as Room;

test.for([
  // ticket, room, shown before -> position
  [ticket(10, 4), null, null, 10],
  [ticket(10, 4), room(6), null, 8],
  [ticket(10, 4), room(3), null, 10],
  [ticket(10, 4), room(40), null, 1],
  [ticket(10, 4), room(4), 9, 9],
  [ticket(7, 4), room(4), 9, 7],
  [ticket(null, 4), room(4), 1, null],
] as const)('position of row %#', ([of, numbers, shown, position]) => {
  expect(positionOf(of, numbers, shown)).toBe(position);
});

test('statuses go forward only', () => {
  const of = (status: Ticket['status']) => ({ status }) as Ticket;
  expect(goesBack(null, of('WAITING'))).toBe(false);
  expect(goesBack(of('ACTIVE'), of('WAITING'))).toBe(true);
  expect(goesBack(of('USED'), of('ACTIVE'))).toBe(true);
  expect(goesBack(of('WAITING'), of('EXPIRED'))).toBe(false);
  expect(isOlder(room(3), ticket(1, 4))).toBe(true);
  expect(isOlder(room(3), null)).toBe(false);
});

test('the clock believes the message that was least late', () => {
  const clock = new ServerClock();
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(50);
  const hourAhead = Date.now() + 3_600_000;
  clock.hear(new Date(hourAhead).toISOString());
  clock.hear(new Date(hourAhead - 400).toISOString());
  expect(Math.abs(clock.now() - hourAhead)).toBeLessThan(50);
});
