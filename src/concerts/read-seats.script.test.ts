import { expect, test } from 'vitest';
import { cancelReservation } from '../reservations/cancel.ts';
import {
  createProcess,
  hall,
  hold,
  newFan,
  openSale,
  put,
  type Sale,
  scheduleInput,
} from '../reservations/holding.fixture.ts';
import { testRedis } from '../testing/connect.ts';
import { readSeatsScript } from './read-seats.script.ts';

const redis = await testRedis();
const process = createProcess(redis);

async function read(sale: Sale, moreArgs: (string | number)[], { revision = 1, logMax = 10 } = {}) {
  const epoch = (await redis.hget(sale.keys.room, 'epoch')) ?? '';
  return readSeatsScript.run(redis, { keys: sale.keys, args: { epoch, revision, log_max: logMax }, moreArgs });
}

test('SEATS: what changed, or all bytes where a process cannot go on from what it knows', async () => {
  const schedules = [scheduleInput('d1', { seats: 4 }), scheduleInput('d2', { seats: 2, day: '25' })];
  const sale = await openSale(process, hall({ schedules }));
  const fan = await newFan(sale);
  const epoch = await redis.hget(sale.keys.room, 'epoch');
  await hold(sale, fan, ['A-1-2', 'A-1-3']);
  const last = await hold(sale, fan, ['A-1-1']);
  await cancelReservation(process, { reservationId: last, userId: fan.userId });
  const changes = [
    { version: 2, byte: 'H', indexes: [1, 2] },
    { version: 3, byte: 'H', indexes: [0] },
    { version: 4, byte: 'A', indexes: [0] },
  ];
  const row = { scheduleId: 'd1', version: 4, free: 2 };
  const imported = { version: 1, byte: '*', indexes: [] };
  const all = { ...row, bytes: 'AHHA', changes: [imported, ...changes] };

  expect(await read(sale, ['d1', 1, 'd2', 1, 'd3', 1])).toEqual({
    outcome: 'SEATS',
    epoch,
    revision: 1,
    rows: [
      { ...row, bytes: null, changes },
      { scheduleId: 'd2', version: 1, free: 2, bytes: null, changes: [] },
    ],
  });
  const rowsOf = async (...call: Parameters<typeof read>) => {
    const answer = await read(...call);
    return 'rows' in answer ? answer.rows : [];
  };
  expect(await rowsOf(sale, ['d1', 3])).toEqual([{ ...row, bytes: null, changes: changes.slice(2) }]);
  expect(await rowsOf(sale, ['d1', 4])).toEqual([{ ...row, bytes: null, changes: [] }]);
  expect(await rowsOf(sale, ['d1', -1])).toEqual([all]);
  expect(await rowsOf(sale, ['d1', 5]), 'ahead of Redis').toEqual([all]);
  expect(await rowsOf(sale, ['d1', 3], { revision: 2 }), 'of another catalogue').toEqual([all]);
  expect(await rowsOf(sale, ['d1', 1], { logMax: 2 }), 'too far behind').toEqual([
    { ...all, changes: changes.slice(1) },
  ]);
  await redis.xtrim(sale.keys.seatLog('d1'), 'MAXLEN', 2);
  expect(await rowsOf(sale, ['d1', 1]), 'trimmed').toEqual([{ ...all, changes: changes.slice(1) }]);
  expect(await rowsOf(sale, ['d1', 2])).toEqual([{ ...row, bytes: null, changes: changes.slice(1) }]);
  await put(sale, hall({ seats: 3 }));
  expect(await rowsOf(sale, ['d1', 4, 'd2', 1])).toMatchObject([
    { scheduleId: 'd1', version: 5, bytes: 'AHHX' },
    { scheduleId: 'd2', version: 2, free: 0, bytes: null },
  ]);
});

test('NONE: no such concert', async () => {
  const sale = await openSale(process);
  await redis.del(sale.keys.room);
  expect(await read(sale, ['d1', -1])).toEqual({ outcome: 'NONE' });
});
