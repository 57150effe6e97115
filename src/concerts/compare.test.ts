import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { catalogueOf, type ConcertRecord, type Stored } from './catalogue.ts';
import { compare } from './compare.ts';
import { type Layout, seatAt } from './layout.ts';
import type { ScheduleInput } from './shapes.ts';

const concert: ConcertRecord = {
  title: 'A night',
  venue: 'A hall',
  currency: 'KRW',
  timeZone: 'UTC',
  seatLimit: 4,
  holdSeconds: 300,
};

/** Rows by `section-row`: price and number of seats. */
const hallOf = fc
  .dictionary(
    fc.constantFrom('A-1', 'A-2', 'B-1', 'C-9'),
    fc.record({ price: fc.integer({ min: 1, max: 3 }), seats: fc.integer({ min: 1, max: 5 }) }),
  )
  .map((rows) =>
    Object.entries(rows).map(([key, { price, seats }]) => {
      const [section = '', row = ''] = key.split('-');
      return { section, price, rows: [{ row, seats }] };
    }),
  );
const night = fc
  .dictionary(fc.constantFrom('d1', 'd2'), hallOf)
  .map((halls) =>
    Object.entries(halls).map(
      ([scheduleId, sections]): ScheduleInput => ({ scheduleId, startsAt: '2027-01-01T00:00:00Z', sections }),
    ),
  );

/** What is on sale, by schedule and seat id: its price. */
function wanted(schedules: readonly ScheduleInput[]): Map<string, number> {
  const seats = new Map<string, number>();
  for (const { scheduleId, sections } of schedules)
    for (const { section, price, rows } of sections)
      for (const { row, seats: count } of rows)
        for (let number = 1; number <= count; number++) seats.set(`${scheduleId} ${section}-${row}-${number}`, price);
  return seats;
}

describe('a sequence of imports', () => {
  test('seats, indexes, bytes, guarded ranges and counts are those of a comparison seat by seat', () => {
    fc.assert(
      fc.property(fc.array(night, { minLength: 1, maxLength: 6 }), (nights) => {
        let stored: Stored | null = null;
        let before = new Map<string, number>();
        const bytes = new Map<string, string[]>();
        const everAt = new Map<string, number>();
        for (const schedules of nights) {
          const { next, changes, counts, overgrown }: ReturnType<typeof compare> = compare(stored, {
            concert,
            schedules,
          });
          const after = wanted(schedules);
          const kept = [...after].filter(([id]) => before.has(id));
          expect(overgrown).toEqual([]);
          expect(counts).toEqual({
            added: after.size - kept.length,
            removed: [...before.keys()].filter((id) => !after.has(id)).length,
            repriced: kept.filter(([id, price]) => before.get(id) !== price).length,
            unchanged: kept.filter(([id, price]) => before.get(id) === price).length,
          });
          const guarded = new Set<string>();
          for (const change of changes) {
            const { scheduleId, layout } = change;
            const old = stored?.layouts.get(scheduleId);
            for (const [first, count] of change.guarded)
              for (let i = first; i < first + count; i++) guarded.add(`${scheduleId} ${old && seatAt(old, i)}`);
            expect(change.guarded).toEqual(change.guarded.toSorted((a, b) => a[0] - b[0]));
            if (layout) applyBytes(bytes, change);
            else forget(scheduleId, { bytes, everAt });
          }
          const touched = [...before].filter(([id, price]) => after.get(id) !== price).map(([id]) => id);
          expect([...guarded].toSorted()).toEqual(touched.toSorted());

          const catalogue = catalogueOf('k', next);
          expect(
            new Map(
              catalogue.schedules.flatMap(({ scheduleId, seats }) =>
                seats.map(({ seatId, price }) => [`${scheduleId} ${seatId}`, price]),
              ),
            ),
          ).toEqual(after);
          for (const schedule of catalogue.schedules) {
            const { scheduleId, seats, size, totalSeats, layout } = schedule;
            expect(seats.length).toBe(totalSeats);
            expect(bytes.get(scheduleId)?.join('')).toBe(
              bytesOf(
                seats.map(({ index }) => index),
                size,
              ),
            );
            for (const seat of seats) {
              const id = `${scheduleId} ${seat.seatId}`;
              expect(seat.index, 'an index once given').toBe(everAt.get(id) ?? seat.index);
              everAt.set(id, seat.index);
              expect(schedule.seat(seat.seatId)).toEqual(seat);
              expect(seatAt(layout, seat.index)).toBe(seat.seatId);
            }
          }
          before = after;
          stored = {
            ...next,
            layouts: new Map(
              [...next.layouts].map(([id, layout]) => [id, JSON.parse(JSON.stringify(layout)) as Layout]),
            ),
          };
        }
      }),
      { numRuns: 300 },
    );
  });

  test('the same again is no change', () => {
    fc.assert(
      fc.property(night, (schedules) => {
        const { next } = compare(null, { concert, schedules });
        expect(compare(next, { concert, schedules }).changes).toEqual([]);
      }),
    );
  });

  test('a schedule that has had too many seats is named', () => {
    const rows = (section: string) => [{ section, price: 1, rows: [{ row: '1', seats: LIMITS.SEATS_A_CONCERT_MAX }] }];
    const imported = (sections: ScheduleInput['sections']) => ({
      concert,
      schedules: [{ scheduleId: 'd1', startsAt: '2027-01-01T00:00:00Z', sections }],
    });
    let stored: Stored | null = null;
    const overgrown = ['A', 'B', 'A', 'B', 'C'].map((section) => {
      const compared: ReturnType<typeof compare> = compare(stored, imported(rows(section)));
      stored = compared.next;
      return compared.overgrown;
    });
    expect(overgrown).toEqual([[], [], [], [], ['d1']]);
  });
});

function applyBytes(bytes: Map<string, string[]>, change: ReturnType<typeof compare>['changes'][number]): void {
  const now = bytes.get(change.scheduleId) ?? [];
  let freed = 0;
  for (const [first, count, byte] of change.bytes) {
    for (let i = first; i < first + count; i++) now[i] = byte;
    freed += byte === 'A' ? count : -count;
  }
  expect(change.freed).toBe(freed);
  bytes.set(change.scheduleId, now);
}

/** A schedule that is removed and comes back starts anew. */
function forget(
  scheduleId: string,
  { bytes, everAt }: { bytes: Map<string, string[]>; everAt: Map<string, number> },
): void {
  bytes.delete(scheduleId);
  for (const id of everAt.keys()) if (id.startsWith(`${scheduleId} `)) everAt.delete(id);
}

function bytesOf(indexes: readonly number[], size: number): string {
  const bytes = Array.from({ length: size }, () => 'X');
  for (const index of indexes) bytes[index] = 'A';
  return bytes.join('');
}
