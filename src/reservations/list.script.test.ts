import { describe, expect, test } from 'vitest';
import type { QueueClaims } from '../auth/tokens.ts';
import { ConcertInput } from '../concerts/shapes.ts';
import { isRefusal } from '../errors.ts';
import { testRedis } from '../testing/connect.ts';
import { enter } from '../testing/waiting-room.ts';
import { noteConcerts } from '../wallet/note-concerts.ts';
import { cancelReservation } from './cancel.ts';
import {
  ageHold,
  createProcess,
  forgetHold,
  hall,
  hold,
  newFan,
  newUser,
  openSale,
  type Sale,
  sell,
} from './holding.fixture.ts';
import { list as script } from './list.script.ts';
import { listReservations } from './list.ts';
import type { ReservationStatus } from './shapes.ts';

const redis = await testRedis();
const process = createProcess(redis);

async function page(call: { userId: string; status?: ReservationStatus; limit?: number; cursor?: string | null }) {
  const answer = await listReservations(process, { status: null, limit: 20, cursor: null, ...call });
  if (isRefusal(answer)) throw new Error(answer.refused);
  return { ids: answer.reservations.map((each) => each.reservationId), ...answer };
}

/** Pages of two, to the end. */
async function allPages(call: { userId: string; status?: ReservationStatus }): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const next: Awaited<ReturnType<typeof page>> = await page({ ...call, limit: 2, cursor });
    expect(next.ids.length).toBe(next.nextCursor === null ? next.ids.length : 2);
    ids.push(...next.ids);
    cursor = next.nextCursor;
  } while (cursor !== null);
  return ids;
}

/** A user with places in several concerts. */
async function regular(sales: readonly Sale[]): Promise<{ userId: string; places: QueueClaims[] }> {
  const userId = newUser();
  const places = await Promise.all(sales.map((sale) => enter(sale, userId)));
  await noteConcerts(
    process,
    sales.map(({ concertId }) => ({ userId, concertId })),
  );
  return { userId, places };
}

describe('PAGE', () => {
  test('over all concerts, newest first, with their status', async () => {
    const sales = [await openSale(process, hall({ seatLimit: 8 })), await openSale(process, hall({ seatLimit: 8 }))];
    const { userId, places } = await regular(sales);
    const made: string[] = [];
    for (let i = 0; i < 6; i++) {
      const [sale, claims] = [sales[i % 2], places[i % 2]];
      if (sale && claims) made.push(await hold(sale, claims, [`A-1-${i + 1}`]));
    }
    // Of one millisecond: by id.
    const date = async (createdMs: (i: number) => number) => {
      for (const { keys } of sales)
        for (const [i, id] of made.entries()) {
          for (const zset of [keys.ownedBy(userId), keys.paidBy(userId)])
            await redis.zadd(zset, 'XX', createdMs(i), id);
          if (await redis.exists(keys.reservation(id))) await redis.hset(keys.reservation(id), 'created', createdMs(i));
        }
    };
    await date(() => 5_000);
    const [a, b, c, d] = made as [string, string, string, string];
    const [first, second] = sales as [Sale, Sale];
    await cancelReservation(process, { reservationId: a, userId });
    await ageHold(second, b);
    await sell(first, places[0] as QueueClaims, c);

    const sorted = made.toSorted().reverse();
    expect((await page({ userId })).ids).toEqual(sorted);
    expect((await page({ userId })).nextCursor).toBeNull();
    expect(await allPages({ userId })).toEqual(sorted);
    expect((await page({ userId, status: 'CANCELLED' })).ids).toEqual([a]);
    expect((await page({ userId, status: 'EXPIRED' })).ids).toEqual([b]);
    expect((await page({ userId, status: 'CONFIRMED' })).ids).toEqual([c]);
    expect(await allPages({ userId, status: 'HELD' })).toEqual(sorted.filter((id) => ![a, b, c].includes(id)));
    expect((await page({ userId, status: 'HELD' })).reservations[0]).toMatchObject({ userId, status: 'HELD' });
    expect(d).not.toBe(c);
    // Paid and unpaid ones among each other, by time.
    await date((i) => 5_000 + i);
    expect((await page({ userId })).ids).toEqual(made.toReversed());
    expect(await allPages({ userId })).toEqual(made.toReversed());
  });

  test('a hold is found at once, where the note of the join was lost with its process', async () => {
    const sale = await openSale(process);
    const userId = newUser();
    const claims = await enter(sale, userId);
    const held = await hold(sale, claims, ['A-1-1']);
    expect((await page({ userId })).ids).toEqual([held]);
  });

  test('entries whose record is gone are not shown, and are tidied', async () => {
    const sale = await openSale(process);
    const { userId, places } = await regular([sale]);
    const [claims] = places as [QueueClaims];
    const gone = await hold(sale, claims, ['A-1-1']);
    const kept = await hold(sale, claims, ['A-1-2']);
    await forgetHold(sale, gone);
    expect((await page({ userId })).ids).toEqual([kept]);
    expect(await redis.zrange(sale.keys.ownedBy(userId), '0', '-1')).toEqual([kept]);
  });

  test('looks past many that do not fit', async () => {
    const sale = await openSale(process);
    const { userId, places } = await regular([sale]);
    const bought = await hold(sale, places[0] as QueueClaims, ['A-1-1']);
    await sell(sale, places[0] as QueueClaims, bought);
    const record = await redis.hgetall(sale.keys.reservation(bought));
    const newer = Array.from({ length: 450 }, (_, i) => `rsv_${sale.concertId}_${String(i).padStart(32, '0')}`);
    for (const [i, id] of newer.entries()) {
      await redis.hset(sale.keys.reservation(id), {
        ...record,
        status: 'CANCELLED',
        created: Number(record.created) + i,
      });
      await redis.zadd(sale.keys.ownedBy(userId), Number(record.created) + i, id);
    }
    expect((await page({ userId, status: 'CONFIRMED', limit: 1 })).ids).toEqual([bought]);
    expect((await page({ userId, limit: 100 })).ids).toEqual(newer.toReversed().slice(0, 100));
  });

  test('nobody, and a cursor of no page', async () => {
    expect(await page({ userId: newUser() })).toMatchObject({ reservations: [], nextCursor: null });
    for (const cursor of ['', 'x', Buffer.from('1 rsv_x').toString('base64url')]) {
      const answer = await listReservations(process, { userId: newUser(), status: null, limit: 2, cursor });
      expect(answer).toMatchObject({ refused: 'VALIDATION' });
    }
  });

  test('the script alone: how far it looked, and what is gone', async () => {
    const sale = await openSale(process);
    const { userId, places } = await regular([sale]);
    const made: string[] = [];
    for (const seat of ['A-1-1', 'A-1-2', 'A-1-3']) made.push(await hold(sale, places[0] as QueueClaims, [seat]));
    const owned = sale.keys.ownedBy(userId);
    for (const [i, id] of made.entries()) await redis.zadd(owned, 'XX', i + 1, id);
    const [first, second, third] = made as [string, string, string];
    await forgetHold(sale, second);
    const run = (args: { before_ms?: string; before_id?: string; limit?: number; look_max?: number }) =>
      script.run(redis, {
        keys: { ...sale.keys, owned_by: owned, paid_by: sale.keys.paidBy(userId) },
        args: { before_ms: '+inf', before_id: '', status: 'HELD', limit: 9, look_max: 9, ...args },
      });
    const ids = ({ found }: Awaited<ReturnType<typeof run>>) => found.map(({ reservationId }) => reservationId);
    const all = await run({});
    expect(all).toMatchObject({ outcome: 'PAGE', next: null, gone: [second] });
    expect(ids(all)).toEqual([third, first]);
    const one = await run({ limit: 1 });
    expect(one).toMatchObject({ next: { createdMs: 3, reservationId: third }, gone: [] });
    const looked = await run({ look_max: 2 });
    expect(looked).toMatchObject({ next: { createdMs: 2, reservationId: second }, gone: [second] });
    expect(ids(await run({ before_ms: '2', before_id: second }))).toEqual([first]);
  });
});

test('one hold in sixteen trims what its user held before the records of that went, at most 100 at once, and never what was paid', async () => {
  // With the longest hold that an import may ask for.
  const { maximum: holdSeconds = 0 } = ConcertInput.properties.holdSeconds as { maximum?: number };
  const sale = await openSale(process, hall({ seats: 4, holdSeconds }));
  const { keys } = sale;
  const fan = await newFan(sale);
  const paid = await hold(sale, fan, ['A-1-1']);
  await sell(sale, fan, paid);
  const again = await enter(sale, fan.userId);
  const kept = await hold(sale, again, ['A-1-2']);
  const [owned, bought] = [keys.ownedBy(fan.userId), keys.paidBy(fan.userId)];
  const goneMs = Number(await redis.call('PEXPIRETIME', keys.reservation(kept)));
  expect(await redis.call('PEXPIRETIME', owned), 'with the last record').toBe(goneMs);
  const aged = Number(await redis.hget(keys.reservation(kept), 'created')) - 13 * 3_600_000;
  await redis.zadd(bought, 'XX', aged, paid);
  for (let i = 0; i < 150; i++) await redis.zadd(owned, aged - i, `rsv_${sale.concertId}_old${i}`);

  await redis.hset(keys.stock, 'v:d1', 15);
  const first = await hold(sale, again, ['A-1-3']);
  expect(await redis.zcard(owned)).toBe(52);
  await redis.hset(keys.stock, 'v:d1', 31);
  const second = await hold(sale, again, ['A-1-4']);
  expect(new Set(await redis.zrange(owned, '0', '-1'))).toEqual(new Set([kept, first, second])); // some in one millisecond
  expect(await redis.zrange(bought, '0', '-1')).toEqual([paid]);
  expect(await redis.pttl(bought)).toBe(-1);
});
