import { expect, test } from 'vitest';
import { concertKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { userWith } from '../wallet/wallet.fixture.ts';
import { ask } from './ask.script.ts';
import { pay } from './pay.ts';
import { enter, hold, openSale, payDeps } from './sale.fixture.ts';

const redis = await testRedis();

async function held() {
  const sale = await openSale(redis);
  const claims = await enter(redis, sale, await userWith(redis, 10_000));
  const reservationId = await hold(redis, sale, claims, [1]);
  const reservation = concertKeys(sale.concertId).reservation(reservationId);
  const run = (transferId: string) => ask.run(redis, { keys: { reservation }, args: { transfer_id: transferId } });
  return { claims, reservationId, reservation, run };
}

test('CONFIRMED: by this very id; REFUSED: by another, which needs no mark', async () => {
  const { claims, reservationId, reservation, run } = await held();
  await pay(payDeps(redis), { claims, reservationId, idempotency: null });
  const before = await redis.hgetall(reservation);
  expect(await run(String(before.transfer))).toEqual({ outcome: 'CONFIRMED' });
  expect(await run('t_other')).toEqual({ outcome: 'REFUSED' });
  expect(await redis.hgetall(reservation)).toEqual(before);
});

test('REFUSED: not confirmed, the mark is left, the record’s end stays', async () => {
  const { reservation, run } = await held();
  const ttl = await redis.pttl(reservation);
  expect(await run('t_1')).toEqual({ outcome: 'REFUSED' });
  expect(Number(await redis.hget(reservation, 'm:t_1'))).toBeGreaterThan(1e12);
  expect(await redis.pttl(reservation)).toBeGreaterThan(ttl - 5_000);
  expect(await redis.hget(reservation, 'status')).toBe('HELD');
});

test('REFUSED: no record, and none is made up', async () => {
  const { reservation, run } = await held();
  await redis.del(reservation);
  expect(await run('t_1')).toEqual({ outcome: 'REFUSED' });
  expect(await redis.exists(reservation)).toBe(0);
});
