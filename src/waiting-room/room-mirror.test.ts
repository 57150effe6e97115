/** Positions in memory against a room in memory: no Redis here, thousands of runs. room-views.test.ts has the real one. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addLeft, countLeft, hasLeft, NOBODY_LEFT } from './left-set.ts';
import type { RoomReading } from './read-room.script.ts';
import { applyReading, type Mirror, questionOf, UNKNOWN } from './room-mirror.ts';
import { viewOf } from './room-view.ts';

describe('the set of those who left', () => {
  test('counts and finds as a plain set does, however it grew', () => {
    const steps = fc.array(
      fc.record({ add: fc.array(fc.integer({ min: 1, max: 5_000 }), { maxLength: 400 }), advance: fc.nat(60) }),
      {
        maxLength: 30,
      },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5_000 }), (rounds, asked) => {
        let set = NOBODY_LEFT;
        const plain = new Set<number>();
        let frontier = 0;
        for (const { add, advance } of rounds) {
          frontier += advance;
          const before = { set, count: countLeft(set, frontier, 5_001) };
          set = addLeft(set, add, frontier);
          for (const sequence of add) if (sequence > frontier) plain.add(sequence);
          // The older set is as it was: a view keeps it.
          expect(countLeft(before.set, frontier, 5_001)).toBe(before.count);
          const ahead = [...plain].filter((sequence) => sequence > frontier && sequence < asked).length;
          expect(countLeft(set, frontier, asked)).toBe(ahead);
          if (asked > frontier) expect(hasLeft(set, asked)).toBe(plain.has(asked));
        }
      }),
      { numRuns: 200 },
    );
  });

  test('forgets what lies behind the frontier', () => {
    const set = addLeft(
      NOBODY_LEFT,
      Array.from({ length: 3_000 }, (_, i) => i + 1),
      0,
    );
    expect(set.old).toHaveLength(3_000);
    expect(addLeft(set, [], 3_000)).toEqual(NOBODY_LEFT);
    expect(addLeft(set, [3_500], 2_990).late).toEqual([3_500]);
  });
});

/** A room as Redis has it, reduced to what positions come from. */
function plainRoom() {
  const room = {
    epoch: 'e1',
    sequence: 0,
    waiting: [] as number[],
    frontier: 0,
    admitted: 0,
    log: [] as number[],
    trimmed: 0,
  };
  const left = new Set<number>();
  return {
    room,
    join() {
      for (let i = 0; i < 3; i++) room.waiting.push(++room.sequence);
    },
    /** Up to four of them, one after another. */
    leave(pick: number) {
      for (let i = 0; i <= pick % 4; i++) {
        const [sequence] = room.waiting.splice((pick * (i + 1)) % Math.max(1, room.waiting.length), 1);
        if (sequence === undefined) return;
        room.log.push(sequence);
        left.add(sequence);
      }
    },
    admit(count: number) {
      const taken = room.waiting.splice(0, count);
      room.admitted += taken.length;
      room.frontier = taken.at(-1) ?? room.frontier;
      for (const sequence of left) if (sequence <= room.frontier) left.delete(sequence);
    },
    trim: (keep: number) => void (room.trimmed = Math.max(room.trimmed, room.log.length - keep)),
    reset() {
      Object.assign(room, { epoch: `${room.epoch}'`, sequence: 0, waiting: [], frontier: 0, admitted: 0 });
      left.clear();
    },
    /** As lua/waiting-room/read-room.lua, with small bounds so that slices and rests of the log happen. */
    answer(
      { since, left_after }: { since: number; left_after: number },
      { slice, log }: { slice: number; log: number },
    ): RoomReading {
      const first = Math.max(since, room.trimmed);
      const entries = since < 0 ? [] : room.log.slice(first, first + log);
      const above = [...left]
        .sort((a, b) => a - b)
        .filter((sequence) => sequence > Math.max(left_after, room.frontier));
      return {
        ...({
          nowMs: 1,
          state: 'OPEN',
          ratePerSecond: 0,
          active: 0,
          revision: 1,
          opensAtMs: null,
          capacity: 1,
        } as const),
        claimMs: 1,
        expired: 0,
        noShows: 0,
        left: 0,
        used: 0,
        stock: new Map<string, string>(),
        epoch: room.epoch,
        waiting: room.waiting.length,
        frontier: room.frontier,
        admitted: room.admitted,
        logNumber: room.log.length,
        slice: left_after < 0 ? [] : above.slice(0, slice),
        log: entries.map((sequence, i) => ({
          number: first + i + 1,
          change: { kind: 'LEFT_WAITING', queueId: `q${sequence}`, sequence, userId: 'u' },
        })),
      };
    },
  };
}

/** So short that several are needed. */
const SLICE = 3;

const step = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ do: 'join' as const, n: 0 }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('leave' as const), n: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('admit' as const), n: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('trim' as const), n: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reset' as const, n: 0 }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const, n: 0 }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('read' as const), n: fc.integer({ min: 1, max: 3 }) }) },
);

test('position = rank + 1 for everybody who waits, under joins, leaves, admissions, trims, resets and restarts', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 400 }), (steps) => {
      const plain = plainRoom();
      const { room } = plain;
      let mirror: Mirror = UNKNOWN;
      let views = 0;
      for (const { do: what, n } of steps) {
        if (what === 'restart') mirror = UNKNOWN;
        else if (what !== 'read') plain[what](n);
        else {
          const question = questionOf(mirror, SLICE);
          const answer = plain.answer(question, { slice: SLICE, log: n });
          const { mirror: next, whole } = applyReading(mirror, answer, SLICE);
          mirror = next;
          if (!whole) continue;
          views++;
          const reading = plain.answer({ since: -1, left_after: -1 }, { slice: 0, log: 0 });
          const view = viewOf('night', reading, {
            left: mirror.left,
            changed: new Map(),
          });
          expect(room.waiting.map((sequence) => view.positionOf(sequence))).toEqual(room.waiting.map((_, i) => i + 1));
          expect(room.waiting.filter((sequence) => view.needsRead(sequence))).toEqual([]);
          const over = Array.from({ length: room.sequence }, (_, i) => i + 1).filter(
            (sequence) => !room.waiting.includes(sequence),
          );
          expect(over.filter((sequence) => !view.needsRead(sequence))).toEqual([]);
        }
      }
      fc.pre(views > 0);
    }),
    { numRuns: 300 },
  );
});
