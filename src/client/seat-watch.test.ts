/** Numbered changes in every order, against loads that come when the test says. */
import { afterEach, expect, test, vi } from 'vitest';
import type { SeatMap } from './api.ts';
import type { Answer } from './client.ts';
import { type Seats, SeatWatch, type SeatsFrame } from './seat-watch.ts';

const seat = (number: number, status: 'AVAILABLE' | 'HELD' | 'SOLD' = 'AVAILABLE') => {
  return { seatId: `A-1-${number}`, section: 'A', row: '1', number, price: 1, status };
};
const mapOf = (version: number, seats = [seat(1), seat(2)]): SeatMap => {
  return { scheduleId: 'd1', version, available: seats.filter(({ status }) => status === 'AVAILABLE').length, seats };
};
const frame = (version: number, changes: SeatsFrame['changes'], full?: true): SeatsFrame => {
  return { type: 'seats', concertId: 'c', scheduleId: 'd1', version, changes, ...(full ? { full } : {}) };
};
const done = (body: SeatMap | null): Answer<'seats'> => {
  const said = { ok: true as const, etag: `"${body?.version}"`, requestId: null, retryAfterSeconds: null };
  return body ? { ...said, status: 200, body } : { ...said, status: 304, body: null };
};
const silence: Answer<'seats'> = { ok: false, code: 'NO_ANSWER', status: null, cause: null, retryAfterSeconds: null };

/** A load is repeated within a second, and the machine runs other tests too. */
const LATE = { timeout: 10_000 };

let end = () => {};
afterEach(() => {
  end();
  vi.restoreAllMocks();
});

function watching() {
  const sent: unknown[] = [];
  const loads: { etag: string | undefined; answer: (with_: Answer<'seats'>) => Promise<void> }[] = [];
  let last: Seats = { map: null, problem: null };
  const watch = new SeatWatch({
    scheduleId: 'd1',
    load(etag) {
      const { promise, resolve } = Promise.withResolvers<Answer<'seats'>>();
      const answer = async (outcome: Answer<'seats'>) => {
        resolve(outcome);
        await vi.waitFor(() => promise);
      };
      loads.push({ etag, answer });
      return promise;
    },
    send: (message) => void sent.push(message),
    changed: (seats) => void (last = seats),
  });
  end = () => watch.end();
  return { watch, sent, loads, seats: () => last, statuses: () => last.map?.seats.map(({ status }) => status) };
}

/** The map is there at version 5, and the socket follows it. */
async function followed() {
  const all = watching();
  all.watch.follow();
  await all.loads[0]?.answer(done(mapOf(5)));
  expect(all.sent.splice(0)).toEqual([{ type: 'watch', scheduleId: 'd1', version: 5 }]);
  return all;
}

test('changes that follow are taken, those that are known are not', async () => {
  const { watch, seats, statuses, sent } = await followed();
  watch.hear(frame(6, [['A-1-1', 'HELD']]));
  watch.hear(frame(6, [['A-1-2', 'SOLD']]));
  watch.hear(frame(3, [['A-1-2', 'SOLD']]));
  watch.hear(
    frame(7, [
      ['A-1-1', 'SOLD'],
      ['A-1-2', 'HELD'],
      ['A-1-2', 'AVAILABLE'],
      ['Z-9-9', 'SOLD'],
    ]),
  );
  expect(statuses()).toEqual(['SOLD', 'AVAILABLE']);
  expect(seats().map).toMatchObject({ version: 7, available: 1 });
  expect(sent).toEqual([]);
});

test('a gap is asked for once, from the last that was taken', async () => {
  const { watch, sent, statuses } = await followed();
  watch.hear(frame(8, [['A-1-2', 'SOLD']]));
  watch.hear(frame(9, [['A-1-2', 'AVAILABLE']]));
  expect(sent.splice(0)).toEqual([{ type: 'watch', scheduleId: 'd1', version: 5 }]);
  for (const [version, status] of [
    [6, 'HELD'],
    [7, 'AVAILABLE'],
    [8, 'SOLD'],
  ] as const)
    watch.hear(frame(version, [['A-1-2', status]]));
  expect(statuses()).toEqual(['AVAILABLE', 'SOLD']);
  watch.hear(frame(10, []));
  expect(sent).toHaveLength(1);
});

test('a snapshot stands at once, and the map is loaded anew until it is as new', async () => {
  const { watch, loads, seats, statuses } = await followed();
  vi.spyOn(Math, 'random').mockReturnValue(0);
  watch.hear(
    frame(
      9,
      [
        ['A-1-2', 'SOLD'],
        ['B-1-1', 'HELD'],
      ],
      true,
    ),
  );
  expect(statuses()).toEqual(['AVAILABLE', 'SOLD']);
  await vi.waitFor(() => expect(loads).toHaveLength(2), LATE);
  await loads[1]?.answer(done(mapOf(8)));
  expect(seats().map?.version).toBe(9);
  await vi.waitFor(() => expect(loads).toHaveLength(3), LATE);
  await loads[2]?.answer(done(mapOf(9, [seat(1), seat(2, 'SOLD'), seat(3)])));
  expect(statuses()).toEqual(['AVAILABLE', 'SOLD', 'AVAILABLE']);
  watch.hear(frame(10, [['A-1-3', 'HELD']]));
  expect(seats().map).toMatchObject({ version: 10, available: 1 });
  expect(loads).toHaveLength(3);
});

test('a load without an answer is repeated; one that is refused is told; one that changed nothing stands', async () => {
  const { watch, loads, seats } = watching();
  watch.follow();
  await loads[0]?.answer(silence);
  await vi.waitFor(() => expect(loads).toHaveLength(2), LATE);
  expect(seats()).toEqual({ map: null, problem: null });
  await loads[1]?.answer(done(mapOf(1)));
  watch.refresh();
  watch.refresh();
  expect(loads).toHaveLength(3);
  expect(loads[2]?.etag).toBe('"1"');
  await loads[2]?.answer(done(null));
  expect(seats().map?.version).toBe(1);
  watch.refresh();
  const refused = { ok: false, code: 'NOT_ACTIVE', status: 403, problem: {}, requestId: null, retryAfterSeconds: null };
  await loads[3]?.answer(refused as Answer<'seats'>);
  expect(seats()).toMatchObject({ map: { version: 1 }, problem: { code: 'NOT_ACTIVE' } });
});

test('after its end nothing is loaded or told', async () => {
  const { watch, loads, seats } = watching();
  watch.follow();
  watch.end();
  await loads[0]?.answer(done(mapOf(1)));
  watch.refresh();
  expect(seats().map).toBeNull();
  expect(loads).toHaveLength(1);
});
