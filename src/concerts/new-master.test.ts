/** A failover of a cluster that loses what was answered last: what processes keep in memory follows the new master. */
import { expect, onTestFinished, test } from 'vitest';
import { createProcess, hall, hold, newFan, openSale } from '../reservations/holding.fixture.ts';
import { createLog } from '../observability/log.ts';
import { testRedis } from '../testing/connect.ts';
import { copyOf, failoverOn } from '../testing/failover.ts';
import { until } from '../testing/until.ts';
import { join, leave, openRoom } from '../testing/waiting-room.ts';
import { createRoomViews } from '../waiting-room/room-views.ts';

const redis = await testRedis();

test('positions, where the new master gives the numbers of the log to other changes', async () => {
  const { client, takeOver } = failoverOn(redis);
  const room = await openRoom(redis, { capacity: 0 });
  const first = await join(room, 'ann');
  const second = await join(room, 'bob');
  const third = await join(room, 'cat');
  const views = createRoomViews({ redis: client, log: createLog('silent', 'test') });
  const positions = async () => {
    const view = await views.refresh(room.concertId);
    return [first, second, third].map(({ sequence }) => view?.positionOf(sequence));
  };
  expect(await positions()).toEqual([1, 2, 3]);
  const copy = await copyOf(redis, `{c:${room.concertId}}`);
  await leave(room, third.queueId);
  await positions();
  await takeOver(copy);
  await leave(room, first.queueId);
  expect((await positions()).slice(1)).toEqual([1, 2]);
});

test('seats, where the new master gives a version to another change', async () => {
  const { client, takeOver } = failoverOn(redis);
  const process = createProcess(redis);
  const sale = await openSale(process, hall({ seats: 3 }));
  const fan = await newFan(sale);
  const { seatMaps } = createProcess(client);
  seatMaps.start();
  onTestFinished(() => seatMaps.stop());
  const shown = async () => {
    const answer = await seatMaps.body(sale.concertId, 'd1', 'ALL', {});
    const { seats } = JSON.parse(answer?.body.toString() ?? '{}') as { seats: { status: string }[] };
    return seats.map(({ status }) => status[0]).join('');
  };
  expect(await shown()).toBe('AAA');
  const copy = await copyOf(redis, `{c:${sale.concertId}}`);
  await hold(sale, fan, ['A-1-1']);
  await until(async () => (await shown()) === 'HAA');
  await takeOver(copy);
  await hold(sale, fan, ['A-1-3']);
  await until(async () => (await shown()) === 'AAH');
});
