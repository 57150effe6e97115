/**
 * Random interleavings of real payments on the real scripts. A failure prints the seed, the path and what happened;
 * `fc.assert(…, { seed, path, endOnFailure: true })` with them plays it again.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRefusal } from '../errors.ts';
import { concertKeys, walletKeys } from '../redis/keys.ts';
import { paymentIdOf } from '../reservations/ids.ts';
import { testRedis } from '../testing/connect.ts';
import { charge } from '../wallet/charge.ts';
import { config, moneyOf, redisNow, streamOf } from '../wallet/wallet.fixture.ts';
import {
  createWorld,
  type Held,
  type Mood,
  MOODS,
  type Person,
  PRICE,
  payUndisturbed,
  quiesce,
  step,
  type World,
} from './interleaving.fixture.ts';
import { SCHEDULE } from './sale.fixture.ts';

const redis = await testRedis();

const RUNS = 200;
const STEPS = 100;

/** Paid sums by what they paid for, after the history was held against the wallet. */
async function paymentsOf({ userId }: Person): Promise<Map<string, number>> {
  const money = await moneyOf(redis, userId);
  const history = await redis.lrange(walletKeys(userId).history, 0, -1);
  const paid = new Map<string, number>();
  for (const [, kind, amount, , , reference = ''] of history.map((entry) => entry.split('|'))) {
    if (kind !== 'PAYMENT') continue;
    expect(paid.has(reference), `double debit for ${reference}`).toBe(false);
    paid.set(reference, -Number(amount));
  }
  expect(
    [...paid.values()].reduce((sum, amount) => sum + amount, 0),
    'history against wallet',
  ).toBe(money.posted);
  expect(Math.min(money.available, money.pending), 'no money out of nothing').toBeGreaterThanOrEqual(0);
  return paid;
}

/** What holds at every moment. */
async function checkAlways({ people, answers, faults }: World) {
  expect(faults.join('\n')).toBe('');
  const paid = new Map((await Promise.all(people.map(paymentsOf))).flatMap((one) => [...one]));
  for (const { answer } of answers) {
    if (!isRefusal(answer))
      expect(paid.get(answer.payment.paymentId), 'answered before the money was posted').toBe(PRICE);
  }
}

const recordOf = ({ night }: World, { reservationId }: Held) =>
  redis.hgetall(concertKeys(night.concertId).reservation(reservationId));

/** What holds once everything has come to its end. */
async function checkAtRest(world: World) {
  await checkAlways(world);
  const { night, people, reservations } = world;
  const keys = concertKeys(night.concertId);
  const paid = new Map((await Promise.all(people.map(paymentsOf))).flatMap((one) => [...one]));
  for (const { userId } of people) {
    expect((await moneyOf(redis, userId)).pending, 'pending for ever').toBe(0);
    const members = await redis.zrange(walletKeys(userId).pending, '0', '-1');
    expect(members.filter((member) => member.endsWith(userId))).toEqual([]);
  }
  const sold: Held[] = [];
  for (const held of reservations) {
    const { status, transfer, deadline, paid_at: paidAt } = await recordOf(world, held);
    const paymentId = paymentIdOf(held.reservationId);
    if (status === 'CONFIRMED') sold.push(held);
    expect(paid.get(paymentId), status === 'CONFIRMED' ? 'FREE TICKET' : 'MONEY GONE').toBe(
      status === 'CONFIRMED' ? PRICE : undefined,
    );
    const [id, state] = await redis.hmget(walletKeys(held.person.userId).transfer(held.reservationId), 'id', 'state');
    if (status === 'CONFIRMED' && state === 'POSTED') expect(id).toBe(transfer);
    if (status === 'CONFIRMED') expect(Number(paidAt), 'paid in time').toBeLessThan(Number(deadline));
  }
  expect(new Set(sold.map(({ seat }) => seat)).size, 'no seat twice').toBe(sold.length);
  for (const { seat, reservationId } of sold) {
    expect(await redis.hget(keys.seats(SCHEDULE), `A-1-${seat}`)).toBe(reservationId);
  }
  const bytes = ((await redis.get(keys.status(SCHEDULE))) ?? '').split('');
  expect(bytes.filter((byte) => byte === 'S')).toHaveLength(sold.length);
  const [count, revenue, free] = await redis.hmget(keys.stock, 'sold', 'revenue', `f:${SCHEDULE}`);
  expect([Number(count), Number(revenue)]).toEqual([sold.length, sold.length * PRICE]);
  expect(Number(free)).toBe(bytes.filter((byte) => byte === 'A').length);
  const lines = (await streamOf(redis, keys.outbox)).map(({ reservationId }) => reservationId);
  expect(lines).toHaveLength(sold.length);
  expect(new Set(lines)).toEqual(new Set(sold.map(({ reservationId }) => reservationId)));
}

/** Every hold that still lives can be paid by a user who has the money and an ACTIVE place. */
async function checkPayable(world: World) {
  const now = await redisNow(redis);
  for (const held of world.reservations) {
    const { status, deadline } = await recordOf(world, held);
    if (status !== 'HELD' || Number(deadline) <= now) continue;
    await charge({ redis, config }, { userId: held.person.userId, amount: PRICE, idempotency: null });
    const answer = await payUndisturbed(world, held);
    expect(isRefusal(answer) ? answer : answer.repeated, 'a live hold can be paid').toBe(false);
  }
}

interface Play {
  mood: Mood;
  balance: number;
  holds: number;
  choices: number[];
  lateFirst: boolean;
}

async function play({ mood, balance, holds, choices, lateFirst }: Play): Promise<World> {
  const world = await createWorld(redis, { balance, holds });
  try {
    for (const choice of choices) {
      await step(world, { mood, choice });
      await checkAlways(world);
    }
    await quiesce(world, { lateFirst });
    await checkAtRest(world);
    await checkPayable(world);
    await checkAtRest(world);
  } catch (error) {
    throw new Error(`${String(error)}\nafter:\n  ${world.trace.join('\n  ')}`, { cause: error });
  }
  return world;
}

const plays = fc.record({
  mood: fc.constantFrom(...MOODS),
  balance: fc.constantFrom(PRICE, 2 * PRICE, 3 * PRICE),
  holds: fc.constantFrom(1, 2),
  choices: fc.array(fc.nat({ max: 1_000_000 }), { minLength: STEPS / 2, maxLength: STEPS, size: 'max' }),
  lateFirst: fc.boolean(),
});

test('no free ticket, no money gone, no double debit, books in balance', { timeout: 120_000 }, async () => {
  const seen = { steps: 0, paid: 0, repeated: 0, refused: 0, unanswered: 0 };
  const property = fc.asyncProperty(plays, async (how) => {
    const { answers, calls } = await play(how);
    seen.steps += how.choices.length;
    seen.unanswered += calls - answers.length;
    for (const { answer } of answers) seen[isRefusal(answer) ? 'refused' : answer.repeated ? 'repeated' : 'paid'] += 1;
  });
  await fc.assert(property, { numRuns: RUNS, interruptAfterTimeLimit: 100_000, markInterruptAsFailure: false });
  // A test that no longer gets anywhere would pass as well.
  for (const count of Object.values(seen)) expect(count, JSON.stringify(seen)).toBeGreaterThan(RUNS / 4);
});
