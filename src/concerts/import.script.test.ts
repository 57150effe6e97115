import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isRefusal } from '../errors.ts';
import { concertKeys, directoryKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import {
  ageHold,
  createProcess,
  forgetHold,
  hall,
  hold,
  newFan,
  openSale,
  put,
  type Sale,
  scheduleInput,
  seatsOf,
  sell,
} from '../reservations/holding.fixture.ts';
import { sweepHolds } from '../reservations/sweep-holds.ts';
import { testRedis } from '../testing/connect.ts';
import { redisNow } from '../testing/waiting-room.ts';
import { importConcert } from './import.ts';
import { importScript } from './import.script.ts';
import type { ConcertInput, ScheduleInput } from './shapes.ts';

const redis = await testRedis();
const process = createProcess(redis);

function rows(section: string, counts: readonly number[], price = 1_000): ScheduleInput['sections'][number] {
  return { section, price, rows: counts.map((seats, i) => ({ row: String(i + 1), seats })) };
}

function withSections(sections: ScheduleInput['sections'], input: Partial<ConcertInput> = {}): ConcertInput {
  return hall({ schedules: [{ ...scheduleInput('d1'), sections }], ...input });
}

/** Everything of a concert, as text. */
async function dump(client: RedisClient, concertId: string): Promise<Record<string, unknown>> {
  const { base } = concertKeys(concertId);
  const names = ['room', 'catalogue', 'stock', 'status:d1', 'seats:d1', 'seat-log:d1', 'holds', 'log'];
  const dumps = await Promise.all(names.map((name) => client.dumpBuffer(base + name)));
  return Object.fromEntries(names.map((name, i) => [name, dumps[i]?.toString('hex')]));
}

const tryPut = (sale: Pick<Sale, 'concertId'>, input: ConcertInput, dryRun = false) =>
  importConcert(process, { concertId: sale.concertId, input, dryRun });

describe('DONE', () => {
  test('a new concert: directory, catalogue, seats, stock, room with its epoch', async () => {
    const concertId = `new-${randomUUID()}`;
    const before = await redisNow(redis);
    const answer = await put(
      { process, concertId },
      withSections([rows('A', [3, 2]), rows('나', [2], 5_000)], {
        room: { capacity: 7, state: 'CLOSED', opensAt: '2099-01-01T00:00:00Z' },
      }),
    );
    expect(answer.created).toBe(true);
    expect(answer.concert).toMatchObject({
      concertId,
      title: 'A night',
      venue: 'A hall',
      timeZone: 'Asia/Seoul',
      currency: 'KRW',
      seatLimit: 4,
      schedules: [
        {
          scheduleId: 'd1',
          startsAt: '2027-12-24T10:00:00.000Z',
          date: '2027-12-24',
          totalSeats: 7,
          availableSeats: 7,
        },
      ],
      room: { concertId, state: 'CLOSED', opensAt: '2099-01-01T00:00:00.000Z', capacity: 7, seatsLeft: 7, waiting: 0 },
      added: 7,
      removed: 0,
      repriced: 0,
      unchanged: 0,
    });
    const keys = concertKeys(concertId);
    expect(Number(await redis.zscore(directoryKeys.concerts, concertId))).toBeGreaterThanOrEqual(before);
    expect(await redis.hgetall(keys.stock)).toEqual({ 'v:d1': '1', 'f:d1': '7' });
    expect(await redis.get(keys.status('d1'))).toBe('AAAAAAA');
    expect(await redis.xrange(keys.seatLog('d1'), '-', '+')).toEqual([['1-0', ['s', '*', 'i', '']]]);
    expect(await redis.hgetall(keys.catalogue)).toEqual({
      revision: '1',
      concert: JSON.stringify({
        title: 'A night',
        venue: 'A hall',
        currency: 'KRW',
        timeZone: 'Asia/Seoul',
        seatLimit: 4,
        holdSeconds: 300,
      }),
      'schedule:d1': JSON.stringify({
        startsAt: '2027-12-24T19:00:00+09:00',
        size: 7,
        rows: [
          ['A', '1', 3, 1_000, [0, 3]],
          ['A', '2', 2, 1_000, [3, 2]],
          ['나', '1', 2, 5_000, [5, 2]],
        ],
      }),
    });
    const room = await redis.hgetall(keys.room);
    expect(room).toMatchObject({
      capacity: '7',
      state: 'CLOSED',
      admit_per_second: '100',
      session_ms: '600000',
      seq: '0',
      log: '0',
    });
    expect(room.epoch).toMatch(/^[0-9a-f]{16}$/);
  });

  test('the same again changes nothing but the revision', async () => {
    const sale = await openSale(process, hall({ seats: 3 }));
    const before = await dump(redis, sale.concertId);
    const again = await put(sale, hall({ seats: 3 }));
    expect(again).toMatchObject({ created: false, concert: { added: 0, removed: 0, repriced: 0, unchanged: 3 } });
    const { catalogue: _old, ...rest } = before;
    expect(await dump(redis, sale.concertId)).toMatchObject(rest);
    expect(await redis.hget(sale.keys.catalogue, 'revision')).toBe('2');
  });

  test('seats are added, removed and repriced; a removed one comes back at its index', async () => {
    const sale = await openSale(process, withSections([rows('A', [3, 3])]));
    const fan = await newFan(sale);
    const mine = await hold(sale, fan, ['A-1-1']);

    expect((await put(sale, withSections([rows('A', [2, 4])]))).concert).toMatchObject({
      added: 1,
      removed: 1,
      unchanged: 5,
    });
    expect(await seatsOf(sale)).toMatchObject({ bytes: 'HAXAAAA', version: 3, free: 5 });

    const repriced = withSections([
      rows('A', [2]),
      { ...rows('A', [4], 9_000), rows: [{ row: '2', seats: 4 }] },
      rows('B', [1]),
    ]);
    expect((await put(sale, repriced)).concert).toMatchObject({ added: 1, removed: 0, repriced: 4, unchanged: 2 });
    expect(await seatsOf(sale)).toMatchObject({ bytes: 'HAXAAAAA', version: 4, free: 6 });

    expect((await put(sale, withSections([rows('A', [5])]))).concert).toMatchObject({
      added: 3,
      removed: 5,
      unchanged: 2,
    });
    expect(await seatsOf(sale)).toEqual({
      bytes: 'HAAXXXXXAA',
      seats: { 'A-1-1': mine },
      version: 5,
      free: 4,
    });
    const catalogue = await process.catalogues.get(sale.concertId);
    expect(catalogue?.schedule('d1')?.seats.map(({ seatId, index }) => [seatId, index])).toEqual([
      ['A-1-1', 0],
      ['A-1-2', 1],
      ['A-1-3', 2],
      ['A-1-4', 8],
      ['A-1-5', 9],
    ]);
    // Row 2 comes back with another price: its old indexes are used again.
    await put(sale, withSections([rows('A', [5, 4], 1_000)]));
    expect(await seatsOf(sale)).toMatchObject({ bytes: 'HAAAAAAXAA', free: 8 });
  });

  test('a schedule is removed and comes back; its version goes on', async () => {
    const both = hall({ schedules: [scheduleInput('d1', { seats: 3 }), scheduleInput('d2', { seats: 2, day: '25' })] });
    const sale = await openSale(process, both);
    const fan = await newFan(sale);
    const removed = await put(sale, hall({ schedules: [scheduleInput('d2', { seats: 2, day: '25' })] }));
    expect(removed.concert).toMatchObject({ removed: 3, unchanged: 2, room: { seatsLeft: 2 } });
    expect(removed.concert.schedules.map(({ scheduleId }) => scheduleId)).toEqual(['d2']);
    expect(await redis.exists(sale.keys.status('d1'), sale.keys.seats('d1'), sale.keys.seatLog('d1'))).toBe(0);
    expect(await redis.hmget(sale.keys.stock, 'v:d1', 'f:d1')).toEqual(['2', '0']);
    expect((await put(sale, both)).concert).toMatchObject({ added: 3, unchanged: 2 });
    expect(await seatsOf(sale)).toMatchObject({ bytes: 'AAA', version: 3, free: 3 });
    await hold(sale, fan, ['A-1-1']);
    expect((await seatsOf(sale)).version).toBe(4);
  });

  test('what `room` does not name stays; a passed opening time ends with the next CLOSED', async () => {
    const sale = await openSale(
      process,
      hall({ room: { capacity: 5, state: 'CLOSED', opensAt: '2020-01-01T00:00:00Z' } }),
    );
    const epoch = await redis.hget(sale.keys.room, 'epoch');
    const opened = await put(sale, hall({ room: { sessionSeconds: 9 } }));
    expect(opened.concert.room).toMatchObject({ state: 'OPEN', capacity: 5 });
    expect(await redis.hmget(sale.keys.room, 'epoch', 'capacity', 'session_ms')).toEqual([epoch, '5', '9000']);
    const { room: _none, ...silent } = hall();
    await put(sale, silent);
    expect(await redis.hmget(sale.keys.room, 'capacity', 'session_ms')).toEqual(['5', '9000']);
    expect((await put(sale, hall({ room: { state: 'CLOSED' } }))).concert.room).toMatchObject({
      state: 'CLOSED',
      opensAt: null,
    });
    const later = hall({ room: { opensAt: '2099-01-01T00:00:00Z' } });
    expect((await put(sale, later)).concert.room).toMatchObject({
      state: 'CLOSED',
      opensAt: '2099-01-01T00:00:00.000Z',
    });
    expect((await put(sale, hall({ room: { state: 'CLOSED' } }))).concert.room.opensAt).toBe(
      '2099-01-01T00:00:00.000Z',
    );
  });

  test('a held seat past its deadline is free, and its hold ends', async () => {
    const sale = await openSale(process, hall({ seats: 4 }));
    const fan = await newFan(sale);
    const late = await hold(sale, fan, ['A-1-2', 'A-1-4']);
    await ageHold(sale, late);
    expect((await put(sale, hall({ seats: 3 }))).concert).toMatchObject({ removed: 1 });
    expect(await seatsOf(sale)).toMatchObject({ bytes: 'AAAX', seats: {}, free: 3 });
    expect(await redis.hget(sale.keys.reservation(late), 'status')).toBe('EXPIRED');
  });
});

describe('dry run', () => {
  test('answers what would change, and changes nothing', async () => {
    const sale = await openSale(process, withSections([rows('A', [3, 3])]));
    const fan = await newFan(sale);
    await hold(sale, fan, ['A-1-1']);
    const before = await dump(redis, sale.concertId);
    const wish = withSections([rows('A', [4]), rows('B', [2], 7)], {
      title: 'Other',
      room: { capacity: 3, state: 'CLOSED' },
    });
    const answer = await tryPut(sale, wish, true);
    if (isRefusal(answer)) throw new Error(answer.refused);
    expect(answer.concert).toMatchObject({
      title: 'Other',
      schedules: [{ totalSeats: 6, availableSeats: 5 }],
      room: { capacity: 3, state: 'CLOSED', seatsLeft: 5 },
      added: 3,
      removed: 3,
      unchanged: 3,
    });
    expect(await dump(redis, sale.concertId)).toEqual(before);
    const refused = await tryPut(sale, withSections([rows('A', [3, 3], 2_000)]), true);
    expect(refused).toMatchObject({ refused: 'IMPORT_CONFLICT' });
    expect(await dump(redis, sale.concertId)).toEqual(before);
  });

  test('of a new concert leaves nothing behind, not even in the directory', async () => {
    const concertId = `dry-${randomUUID()}`;
    const answer = await tryPut({ concertId }, hall(), true);
    expect(answer).toMatchObject({
      created: true,
      concert: {
        added: 10,
        schedules: [{ availableSeats: 10 }],
        room: { state: 'OPEN', capacity: 1_000_000, seatsLeft: 10 },
      },
    });
    expect(await redis.exists(concertKeys(concertId).room, concertKeys(concertId).catalogue)).toBe(0);
    expect(await redis.zscore(directoryKeys.concerts, concertId)).toBeNull();
  });
});

describe('CONFLICT, with nothing changed', () => {
  test('held and sold seats that would be removed or repriced are named', async () => {
    const sale = await openSale(process, withSections([rows('A', [2, 2])]));
    const [fan, buyer] = [await newFan(sale), await newFan(sale)];
    await hold(sale, fan, ['A-1-2']);
    await sell(sale, buyer, await hold(sale, buyer, ['A-2-1']));
    const before = await dump(redis, sale.concertId);
    const answer = await tryPut(sale, withSections([rows('A', [1, 2]), rows('B', [1])]));
    expect(answer).toEqual({
      refused: 'IMPORT_CONFLICT',
      members: {
        conflicts: [{ path: '/schedules/d1/seats/A-1-2', message: 'A-1-2 is held and would be removed' }],
      },
    });
    const repriced = await tryPut(sale, withSections([rows('A', [2, 2], 1)]));
    expect(repriced).toEqual({
      refused: 'IMPORT_CONFLICT',
      members: {
        conflicts: [
          { path: '/schedules/d1/seats/A-1-2', message: 'A-1-2 is held and would be repriced' },
          { path: '/schedules/d1/seats/A-2-1', message: 'A-2-1 is sold and would be repriced' },
        ],
      },
    });
    const gone = await tryPut(sale, hall({ schedules: [scheduleInput('d2')] }));
    expect(gone).toMatchObject({ refused: 'IMPORT_CONFLICT', members: { conflicts: [{}, {}] } });
    expect(await dump(redis, sale.concertId)).toEqual(before);
    // What is taken stays as it is while the rest changes.
    expect((await put(sale, withSections([rows('A', [2, 1])]))).concert).toMatchObject({ removed: 1 });
  });

  test('a sold seat is never judged by a deadline', async () => {
    const sale = await openSale(process, hall({ seats: 2 }));
    const fan = await newFan(sale);
    const sold = await hold(sale, fan, ['A-1-2']);
    await sell(sale, fan, sold);
    await redis.hset(sale.keys.reservation(sold), 'deadline', 1_000);
    expect(await tryPut(sale, hall({ seats: 1 }))).toMatchObject({ refused: 'IMPORT_CONFLICT' });
  });

  test('at most 100 are listed', async () => {
    const sale = await openSale(process, hall({ seats: 300 }));
    await redis.setrange(sale.keys.status('d1'), 0, 'S'.repeat(250));
    const answer = await tryPut(sale, hall({ seats: 300, price: 2 }));
    expect(isRefusal(answer) && (answer.members.conflicts as unknown[]).length).toBe(100);
    await redis.setrange(sale.keys.status('d1'), 0, 'A'.repeat(250));
  });
});

describe('STALE and SWEEP', () => {
  test('STALE: another import came first', async () => {
    const sale = await openSale(process, hall({ seats: 2 }));
    const args = { revision: 0, dry: 0, concert: '{}', new_room: '{}', room_changes: '{}' };
    expect(await importScript.run(redis, { keys: sale.keys, args })).toEqual({ outcome: 'STALE' });
    const other = { ...sale, process: createProcess(redis) };
    const both = await Promise.all([put(sale, hall({ seats: 5 })), put(other, hall({ seats: 5 }))]);
    expect(both.map(({ concert }) => concert.added)).toEqual(expect.arrayContaining([0, 3]));
    expect(await redis.hget(sale.keys.catalogue, 'revision')).toBe('3');
    expect(await seatsOf(sale)).toMatchObject({ bytes: 'AAAAA', free: 5 });
  });

  test('SWEEP: more holds are past their deadline than one call ends', async () => {
    const sale = await openSale(process, hall({ seats: 300, seatLimit: 8 }));
    for (let i = 0; i < 210; i++)
      await ageHold(sale, await hold(sale, await newFan(sale), [`A-1-${i + 1}`]), 1_000 + i);
    const args = { revision: 1, dry: 1, concert: '{}', new_room: '{}', room_changes: '{}' };
    const moreArgs = ['d1', '', '0 300', '', 0];
    expect(await importScript.run(redis, { keys: sale.keys, args, moreArgs })).toEqual({ outcome: 'SWEEP' });
    expect(await importScript.run(redis, { keys: sale.keys, args, moreArgs })).toMatchObject({ outcome: 'DONE' });
    expect((await put(sale, hall({ seats: 1 }))).concert).toMatchObject({ removed: 299 });
    expect((await seatsOf(sale)).free).toBe(1);
  });

  test('SWEEP: a held seat whose record is gone waits for the sweeper', async () => {
    const sale = await openSale(process, hall({ seats: 3 }));
    await forgetHold(sale, await hold(sale, await newFan(sale), ['A-1-3']));
    const importing = put(sale, hall({ seats: 2 }));
    await sweepHolds(process, sale.concertId);
    expect((await importing).concert).toMatchObject({ removed: 1 });
    expect(await seatsOf(sale)).toMatchObject({ bytes: 'AAX', free: 2 });
  });
});

// Here: 2 ms in Redis each; 20 to 35 ms at the caller, most of it for the JSON of 4,000 rows.
test('200,000 seats: created, repriced, looked at while all are sold, within tens of milliseconds in Redis', async () => {
  const sections = (price: number) =>
    Array.from({ length: 40 }, (_, i) =>
      rows(
        `S${i}`,
        Array.from({ length: 100 }, () => 50),
        price,
      ),
    );
  const took: Record<string, number> = {};
  const note = (name: string, ms: number) => void (took[name] = Math.min(took[name] ?? Infinity, ms));
  const timed = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
    await resetSlowlog();
    const started = performance.now();
    const answer = await run();
    note(name, Math.round(performance.now() - started));
    note(`${name}, in Redis`, (await slowestScriptUs()) / 1_000);
    return answer;
  };
  const bytes = Array.from({ length: 200_000 }, (_, i) => (i % 2 ? 'S' : 'A')).join('');
  // The least of several concerts: the machine may pause in any one call.
  for (let i = 0; i < 4; i++) {
    const concertId = `big-${randomUUID()}`;
    const sale = { process, redis, concertId, keys: concertKeys(concertId) };
    await timed('create', () => put(sale, withSections(sections(1_000))));
    await timed('reprice', () => put(sale, withSections(sections(2_000))));
    await redis.set(sale.keys.status('d1'), bytes);
    const refused = await timed('refuse', () => tryPut(sale, withSections(sections(3_000))));
    expect(refused).toMatchObject({ refused: 'IMPORT_CONFLICT' });
  }
  for (const [name, ms] of Object.entries(took)) if (name.endsWith('in Redis')) expect(ms, name).toBeLessThan(30);
});

const masters = () => ('nodes' in redis ? redis.nodes('master') : [redis]);

async function resetSlowlog(): Promise<void> {
  for (const node of masters()) {
    await node.call('CONFIG', 'SET', 'slowlog-log-slower-than', '100');
    await node.call('SLOWLOG', 'RESET');
  }
}

/** By Redis' own measure. */
async function slowestScriptUs(): Promise<number> {
  let most = 0;
  for (const node of masters()) {
    const log = (await node.call('SLOWLOG', 'GET', '128')) as [id: number, at: number, us: number, command: string[]][];
    for (const [, , us, [command = '']] of log) if (/^eval/i.test(command)) most = Math.max(most, us);
  }
  return most;
}
