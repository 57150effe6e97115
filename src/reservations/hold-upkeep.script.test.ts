/** What a hold writes now and then only, or not at all. */
import { describe, expect, test } from 'vitest';
import { testRedis } from '../testing/connect.ts';
import { createProcess, hall, hold, newFan, openSale } from './holding.fixture.ts';

const redis = await testRedis();
const process = createProcess(redis);

describe('HELD', () => {
  test('one hold in sixteen forgets live holds whose records are gone, which no hold counts', async () => {
    const sale = await openSale(process, hall({ seatLimit: 2 }));
    const fan = await newFan(sale);
    await redis.zadd(sale.keys.live(fan.userId), 1_000, '3 rsv_gone');
    await redis.hset(sale.keys.stock, 'v:d1', 14);
    const first = await hold(sale, fan, ['A-1-1']);
    expect(await redis.zrange(sale.keys.live(fan.userId), '0', '-1')).toEqual(['3 rsv_gone', `1 ${first}`]);
    const second = await hold(sale, fan, ['A-1-2']);
    expect((await redis.zrange(sale.keys.live(fan.userId), '0', '-1')).toSorted()).toEqual(
      [`1 ${first}`, `1 ${second}`].toSorted(),
    );
  });

  test('a place whose deadline a hold does not move is left as it is, with nothing to tell of it', async () => {
    const sale = await openSale(process, hall({ holdSeconds: 60 }));
    const fan = await newFan(sale);
    await hold(sale, fan, ['A-1-1']);
    const [place, logged] = [await redis.hget(sale.keys.places, fan.queueId), await redis.xlen(sale.keys.log)];
    await hold(sale, fan, ['A-1-2']);
    expect(await redis.hget(sale.keys.places, fan.queueId)).toBe(place);
    expect(await redis.xlen(sale.keys.log)).toBe(logged + 1);
  });

  test('the logs of seats and reservations are trimmed by every hundredth entry', async () => {
    const sale = await openSale(process);
    const [fan, { keys }] = [await newFan(sale), sale];
    const filled = redis.pipeline();
    for (const [log, ...entry] of [
      [keys.log, 'k', 'R', 'r', 'some', 'u', 'one'],
      [keys.seatLog('d1'), 's', 'A', 'i', '9'],
    ] as const) {
      filled.del(log);
      for (let n = 1; n <= 10_998; n++) filled.xadd(log, `${n}-0`, ...entry);
    }
    filled.hset(keys.room, 'log', 10_998).hset(keys.stock, 'v:d1', 10_998);
    await filled.exec();
    // The first hold claims the place too, which makes an entry of its own.
    await hold(sale, fan, ['A-1-1']);
    expect(await redis.xlen(keys.seatLog('d1'))).toBe(10_999);
    expect(await redis.xlen(keys.log)).toBeLessThan(10_200);
    await hold(sale, fan, ['A-1-2']);
    expect(await redis.xlen(keys.seatLog('d1'))).toBeLessThan(10_200);
  });
});
