/** Many at once: what Redis serialises has one winner, whoever asks through whichever process. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isRefusal } from '../errors.ts';
import { importConcert } from '../concerts/import.ts';
import { testRedis, testRedisUrl } from '../testing/connect.ts';
import { cancelReservation } from './cancel.ts';
import {
  ageHold,
  createProcess,
  hall,
  hold,
  newFan,
  openSale,
  put,
  seatsOf,
  sell,
  tryHold,
} from './holding.fixture.ts';
import { sweepHolds } from './sweep-holds.ts';

const redis = await testRedis();
const { url } = await testRedisUrl();
const others = [new Redis(url, { lazyConnect: true }), new Redis(url, { lazyConnect: true })];
beforeAll(() => Promise.all(others.map((client) => client.connect())));
afterAll(() => others.forEach((client) => client.disconnect()));
const processes = [createProcess(redis), ...others.map(createProcess)];
const [process] = processes as [(typeof processes)[number]];
const processOf = (i: number) => processes[i % processes.length] ?? process;

test('60 fans want one seat: one has it, nobody has half of what they asked for', async () => {
  const sale = await openSale(process, hall({ seats: 61 }));
  const fans = await Promise.all(Array.from({ length: 60 }, () => newFan(sale)));
  const answers = await Promise.all(
    fans.map((fan, i) => tryHold({ ...sale, process: processOf(i) }, fan, { seats: [`A-1-${i + 2}`, 'A-1-1'] })),
  );
  const won = answers.filter((answer) => !isRefusal(answer));
  expect(won).toHaveLength(1);
  for (const answer of answers) {
    if (isRefusal(answer)) expect(answer).toEqual({ refused: 'SEAT_TAKEN', members: { seatIds: ['A-1-1'] } });
  }
  expect(await seatsOf(sale)).toMatchObject({ version: 2, free: 59 });
});

test('one fan in many tabs stays within the limit', async () => {
  const sale = await openSale(process, hall({ seats: 40, seatLimit: 4 }));
  const fan = await newFan(sale);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => tryHold({ ...sale, process: processOf(i) }, fan, { seats: [`A-1-${i + 1}`] })),
  );
  expect(answers.filter((answer) => !isRefusal(answer))).toHaveLength(4);
  expect((await seatsOf(sale)).free).toBe(36);
});

test('one key, sent many times at once, is one hold', async () => {
  const sale = await openSale(process);
  const fan = await newFan(sale);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      tryHold({ ...sale, process: processOf(i) }, fan, { seats: ['A-1-1'], key: 'k' }),
    ),
  );
  const held = answers.flatMap((answer) => (isRefusal(answer) ? [] : [answer]));
  expect(held).toHaveLength(20);
  expect(new Set(held.map(({ reservation }) => reservation.reservationId)).size).toBe(1);
  expect(held.filter(({ repeated }) => !repeated)).toHaveLength(1);
});

test('take-over, sweeper, cancel and payment at one dead hold: one owner', async () => {
  for (let round = 0; round < 20; round++) {
    const sale = await openSale(process, hall({ seats: 2 }));
    const [late, ...fans] = [await newFan(sale), await newFan(sale), await newFan(sale)];
    const old = await hold(sale, late, ['A-1-1', 'A-1-2']);
    await ageHold(sale, old);
    const [first, second] = await Promise.all([
      ...fans.map((fan, i) => tryHold({ ...sale, process: processOf(i) }, fan, { seats: ['A-1-1'] })),
      sweepHolds(processOf(2), sale.concertId),
      cancelReservation(processOf(1), { reservationId: old, userId: late.userId }),
      sell(sale, late, old),
      importConcert(processOf(1), { concertId: sale.concertId, input: hall({ seats: 2 }), dryRun: false }),
    ]);
    const won = [first, second].filter((answer) => typeof answer === 'object' && 'reservation' in answer);
    expect(won).toHaveLength(1);
    expect(await redis.hget(sale.keys.reservation(old), 'status')).toBe('EXPIRED');
    expect(await seatsOf(sale)).toMatchObject({ bytes: 'HA' });
  }
});

test('holds while prices change: each is at a price that was on sale, or told that it was too fast', async () => {
  const sale = await openSale(process, hall({ seats: 60, price: 1 }));
  const fans = await Promise.all(Array.from({ length: 40 }, () => newFan(sale)));
  const importing = (async () => {
    for (let price = 2; price <= 6; price++) {
      // Refused as soon as one seat is held: then nothing has changed.
      await importConcert(process, {
        concertId: sale.concertId,
        input: hall({ seats: 60 + price, price }),
        dryRun: false,
      });
    }
  })();
  const answers = await Promise.allSettled(
    fans.map((fan, i) => tryHold({ ...sale, process: processOf(i) }, fan, { seats: [`A-1-${i + 1}`] })),
  );
  await importing;
  const catalogue = await process.catalogues.reload(sale.concertId);
  const price = catalogue?.schedule('d1')?.seat('A-1-1')?.price;
  const held = answers.flatMap((answer) =>
    answer.status === 'fulfilled' && !isRefusal(answer.value) ? [answer.value] : [],
  );
  for (const { reservation } of held) expect(reservation.amount).toBe(price);
  expect((await seatsOf(sale)).seats).toEqual(
    Object.fromEntries(held.map(({ reservation }) => [reservation.seats[0]?.seatId, reservation.reservationId])),
  );
  await put(sale, hall({ seats: 70, price: price ?? 0 }));
});
