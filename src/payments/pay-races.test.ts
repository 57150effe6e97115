/** Payments against each other and against what may end a hold, really at the same time, many rounds each. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { QueueClaims } from '../auth/tokens.ts';
import { isRefusal, type Refusal, Unavailable } from '../errors.ts';
import { concertKeys, walletPartition } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { ageTransfers, moneyOf, outboxOf, userWith } from '../wallet/wallet.fixture.ts';
import { pay } from './pay.ts';
import { alarmLog, cancel, enter, hold, leave, openSale, payDeps, type Sale } from './sale.fixture.ts';
import { sweepTransfers } from './sweep-transfers.ts';

const redis = await testRedis();
const ROUNDS = 20;
const { log, alarms } = alarmLog();
const deps = payDeps(redis, log);

beforeEach(() => alarms.splice(0));

interface Round {
  sale: Sale;
  userId: string;
  claims: QueueClaims;
}

async function newRound(balance = 1_000): Promise<Round> {
  const sale = await openSale(redis);
  const userId = await userWith(redis, balance);
  return { sale, userId, claims: await enter(redis, sale, userId) };
}

type Answer = Awaited<ReturnType<typeof pay>>;
const payFor = (claims: QueueClaims, reservationId: string, key?: string): Promise<Answer> =>
  pay(deps, { claims, reservationId, idempotency: key ? { key, fingerprint: reservationId } : null });
const isPaid = (answer: Answer): answer is Exclude<Answer, Refusal> => !isRefusal(answer);
const codes = (answers: readonly Answer[]) => answers.filter(isRefusal).map(({ refused }) => refused);
const statusOf = ({ sale }: Round, id: string) => redis.hget(concertKeys(sale.concertId).reservation(id), 'status');
const posts = async (userId: string) => (await outboxOf(redis, userId)).filter(({ kind }) => kind === 'PAYMENT').length;

/** Money and ticket go together, whoever won. */
async function checkTogether(round: Round, reservationId: string, balance = 1_000) {
  const sold = (await statusOf(round, reservationId)) === 'CONFIRMED';
  const spent = sold ? 1_000 : 0;
  expect(await moneyOf(redis, round.userId)).toEqual({ available: balance - spent, pending: 0, posted: spent });
  expect(await posts(round.userId)).toBe(sold ? 1 : 0);
  expect(alarms).toEqual([]);
  return sold;
}

async function manyRounds(one: () => Promise<void>) {
  for (let round = 0; round < ROUNDS; round++) await one();
}

describe('a double click', () => {
  test('ten at once: one payment, the others repeat it', async () => {
    await manyRounds(async () => {
      const round = await newRound();
      const reservationId = await hold(redis, round.sale, round.claims, [1]);
      const answers = await Promise.all(Array.from({ length: 10 }, () => payFor(round.claims, reservationId)));
      const paid = answers.filter(isPaid);
      expect(paid).toHaveLength(10);
      expect(paid.filter(({ repeated }) => !repeated)).toHaveLength(1);
      expect(new Set(paid.map(({ payment }) => JSON.stringify(payment))).size).toBe(1);
      await checkTogether(round, reservationId);
    });
  });

  test('ten at once with one key: all of them are the first answer', async () => {
    const round = await newRound();
    const reservationId = await hold(redis, round.sale, round.claims, [1]);
    const answers = await Promise.all(Array.from({ length: 10 }, () => payFor(round.claims, reservationId, 'k')));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ repeated: false });
    await checkTogether(round, reservationId);
  });

  test('one key for two holds: one is paid, the other refused and payable', async () => {
    await manyRounds(async () => {
      const round = await newRound(2_000);
      const ids = [await hold(redis, round.sale, round.claims, [1]), await hold(redis, round.sale, round.claims, [2])];
      const answers = await Promise.all(ids.map((id) => payFor(round.claims, id, 'k')));
      expect(answers.filter(isPaid)).toHaveLength(1);
      expect(codes(answers)).toEqual(['IDEMPOTENCY_MISMATCH']);
      expect(await moneyOf(redis, round.userId)).toEqual({ available: 1_000, pending: 0, posted: 1_000 });
      const rest = await Promise.all(ids.map((id) => payFor(round.claims, id)));
      expect(rest.filter(isPaid)).toHaveLength(2);
      expect(rest.filter((answer) => isPaid(answer) && answer.repeated)).toHaveLength(1);
      expect(await moneyOf(redis, round.userId)).toEqual({ available: 0, pending: 0, posted: 2_000 });
    });
  });
});

test('one wallet, two holds, money for one: one is paid, the other refused with what is there', async () => {
  await manyRounds(async () => {
    const round = await newRound(1_500);
    const ids = [await hold(redis, round.sale, round.claims, [1]), await hold(redis, round.sale, round.claims, [2])];
    const answers = await Promise.all(ids.map((id) => payFor(round.claims, id)));
    expect(answers.filter(isPaid)).toHaveLength(1);
    expect(answers.find(isRefusal)).toEqual({
      refused: 'INSUFFICIENT_BALANCE',
      members: { balance: 500, required: 1_000 },
    });
    expect(await moneyOf(redis, round.userId)).toEqual({ available: 500, pending: 0, posted: 1_000 });
  });
});

test('two users and one hold: its owner pays, the other loses nothing', async () => {
  await manyRounds(async () => {
    const round = await newRound();
    const other = await userWith(redis, 1_000);
    const others = await enter(redis, round.sale, other);
    const reservationId = await hold(redis, round.sale, round.claims, [1]);
    const calls = [others, round.claims, others, round.claims].map((claims) => payFor(claims, reservationId));
    const answers = await Promise.all(calls);
    expect(answers.map(isPaid)).toEqual([false, true, false, true]);
    expect(codes(answers)).toEqual(['RESERVATION_NOT_FOUND', 'RESERVATION_NOT_FOUND']);
    expect(await moneyOf(redis, other)).toEqual({ available: 1_000, pending: 0, posted: 0 });
    expect(await checkTogether(round, reservationId)).toBe(true);
  });
});

describe('what may end the hold at the same moment', () => {
  test.each(['cancel', 'leave'] as const)('%s: paid, or ended and not paid', async (what) => {
    const outcomes = new Set<boolean>();
    for (let round = 0; round < 3 * ROUNDS; round++) {
      const world = await newRound();
      const { sale, claims, userId } = world;
      const reservationId = await hold(redis, sale, claims, [1]);
      // The other comes after none to five turns of the event loop: before, within and after the payment.
      const end = async () => {
        for (let turn = 0; turn < round % 6; turn++) await redis.ping();
        return what === 'cancel' ? cancel(redis, sale, { reservationId, userId }) : leave(redis, sale, claims);
      };
      const [answer] = await Promise.all([payFor(claims, reservationId), end()]);
      const sold = await checkTogether(world, reservationId);
      expect(isPaid(answer)).toBe(sold);
      if (!sold) expect(['RESERVATION_CANCELLED', 'NOT_ACTIVE']).toContain(isRefusal(answer) ? answer.refused : '');
      outcomes.add(sold);
    }
    expect(outcomes.size, 'either has won at times').toBe(2);
  });

  test('the sweeper: paid once, or 503 and payable', async () => {
    for (let round = 0; round < 3 * ROUNDS; round++) {
      const world = await newRound();
      const { sale, claims, userId } = world;
      const reservationId = await hold(redis, sale, claims, [1]);
      const sweep = async () => {
        for (let turn = 0; turn < 4; turn++) {
          await ageTransfers(redis, [userId]);
          await sweepTransfers(deps, walletPartition(userId));
        }
      };
      const unknown = (error: unknown) => {
        expect(error).toBeInstanceOf(Unavailable);
        return null;
      };
      const pays = () => payFor(claims, reservationId).catch(unknown);
      const [first, second] = await Promise.all([pays(), pays(), sweep()]);
      if (!first && !second) expect(await payFor(claims, reservationId)).toMatchObject({ repeated: false });
      expect(await checkTogether(world, reservationId)).toBe(true);
    }
  });
});

test('forty users, ten seats in their wallets and holds: everybody’s books balance', async () => {
  const sale = await openSale(redis, { seats: 40 });
  const users = await Promise.all(Array.from({ length: 40 }, (_, i) => userWith(redis, i % 4 === 0 ? 1_000 : 999)));
  const answers = await Promise.all(
    users.map(async (userId, i) => {
      const claims = await enter(redis, sale, userId);
      return payFor(claims, await hold(redis, sale, claims, [i + 1]));
    }),
  );
  expect(answers.filter(isPaid)).toHaveLength(10);
  expect(new Set(codes(answers))).toEqual(new Set(['INSUFFICIENT_BALANCE']));
  for (const userId of users) await moneyOf(redis, userId);
  expect(await redis.hmget(concertKeys(sale.concertId).stock, 'sold', 'revenue')).toEqual(['10', '10000']);
});
