// oxlint-disable vitest/expect-expect -- `good` and `bad` expect
/** Histories written by hand: good ones, with much overlap, pass; with one wrong answer each is found out. */
import { describe, expect, test } from 'vitest';
import { checkHistory } from './check.ts';
import * as t from './told.fixture.ts';

/** What is wrong, as `<first word of the check>: …`. */
function violations(...told: t.Told[]): string[] {
  return checkHistory(t.calls(...told), t.HALL).flatMap(({ what, violations: all }) =>
    all.map((each) => `${what.split(/[: ]/)[0]}: ${each}`),
  );
}

const good = (...told: t.Told[]) => expect(violations(...told)).toEqual([]);
/** `by`: the check that must find it; others may, too */
const bad = (by: string, ...told: t.Told[]) =>
  expect(violations(...told).join('\n')).toMatch(new RegExp(`^${by}: `, 'm'));

/** Ann and Bob are inside from second 1 on, with sessions to second 62. */
const inside = ['ann', 'bob'].flatMap((fan, index) => [
  t.joined(fan, index + 1, { at: 0.1, within: [0, 0.2] }),
  t.map(fan, ['AVAILABLE', 'AVAILABLE', 'AVAILABLE'], [1, 1.01]),
]);
const [one, two] = [['A-1-1'], ['A-1-1', 'A-1-2']];

describe('seats', () => {
  const held = t.held('ann', { id: 'r1', seats: one, at: 2 });

  test('held, refused to another, cancelled, held by the other', () => {
    const refusal = t.taken('bob', { seats: two, lost: one, within: [2.1, 2.2] });
    const again = t.held('bob', { id: 'r2', seats: two, at: 3.1 });
    good(...inside, held, refusal, t.cancelled('ann', 'r1', { at: 3 }), again);
  });

  test('a seat sold to two', () => {
    bad('seats', ...inside, held, t.held('bob', { id: 'r2', seats: two, at: 3 }));
    const sold = [t.charged(1000, 1000, [1.5, 1.6]), held, t.paid('ann', 'r1', { at: 3, balance: 0 })];
    good(...inside, ...sold, t.taken('bob', { seats: one, lost: one, within: [20, 20.1] }));
    bad('seats', ...inside, ...sold, t.held('bob', { id: 'r2', seats: one, at: 20 }));
    bad('seats', ...inside, ...sold, t.reservation('ann', 'r1', { status: 'EXPIRED', at: 20 }));
  });

  test('a hold ends at its deadline: not before, not after', () => {
    good(...inside, held, t.held('bob', { id: 'r2', seats: one, at: 7 }));
    bad('seats', ...inside, held, t.held('bob', { id: 'r2', seats: one, at: 6.999 }));
    const refused = (at: number) => t.taken('bob', { seats: one, lost: one, within: [at, at + 0.01] });
    good(...inside, held, refused(6.995));
    bad('seats', ...inside, held, refused(7.01));
    good(...inside, held, t.reservation('ann', 'r1', { status: 'EXPIRED', at: 7 }));
    bad('seats', ...inside, held, t.reservation('ann', 'r1', { status: 'HELD', at: 7 }));
  });

  test('refused as taken while free', () => {
    bad('seats', ...inside, t.taken('bob', { seats: one, lost: one, within: [1.8, 1.9] }), held);
    // While the hold is under way it may be taken, or not yet.
    const during = t.held('ann', { id: 'r1', seats: one, at: 2.1, within: [2, 2.3] });
    good(...inside, during, t.taken('bob', { seats: one, lost: one, within: [2.05, 2.15] }));
    // All or none: A-1-2 was free.
    bad('seats', ...inside, held, t.taken('bob', { seats: two, lost: two, within: [2.1, 2.2] }));
  });

  test('half of a hold', () => {
    const both = t.held('ann', { id: 'r1', seats: two, at: 2 });
    bad('seats', ...inside, both, t.taken('bob', { seats: two, lost: one, within: [2.1, 2.2] }));
    bad('seats', ...inside, both, t.map('bob', ['HELD', 'AVAILABLE', 'AVAILABLE'], [3.5, 3.6]));
  });

  test('somebody else is told the fan’s own hold', () => {
    good(...inside, held, t.taken('ann', { seats: one, lost: one, own: 'r1', within: [3, 3.1] }));
    bad('seats', ...inside, held, t.taken('ann', { seats: one, lost: one, within: [3, 3.1] }));
    bad('seats', ...inside, held, t.taken('bob', { seats: one, lost: one, own: 'r1', within: [3, 3.1] }));
  });

  test('a map is a second behind, not more; and not behind the fan’s own hold', () => {
    const free = ['AVAILABLE', 'AVAILABLE', 'AVAILABLE'];
    good(...inside, held, t.map('bob', free, [2.9, 2.95]));
    bad('seats', ...inside, held, t.map('bob', free, [3.1, 3.2]));
    bad('seats', ...inside, held, t.map('ann', free, [2.9, 2.95]));
    good(...inside, held, { ...t.map('ann', free, [2.9, 2.95]), server: 1 });
    // A newer map, and then an older one.
    const shows = t.map('bob', ['HELD', 'AVAILABLE', 'AVAILABLE'], [2.3, 2.4]);
    good(...inside, held, shows, t.map('bob', ['HELD', 'AVAILABLE', 'AVAILABLE'], [8, 8.1]));
    bad('seats', ...inside, held, shows, t.map('bob', ['HELD', 'AVAILABLE', 'AVAILABLE'], [10.1, 10.2]));
    bad('seats', ...inside, held, shows, t.map('bob', ['SOLD', 'AVAILABLE', 'AVAILABLE'], [3, 3.1]));
  });

  test('leaving gives the holds back', () => {
    const gone = t.left('ann', [3, 3.1]);
    good(...inside, held, gone, t.held('bob', { id: 'r2', seats: one, at: 3.2 }));
    good(...inside, held, gone, t.reservation('ann', 'r1', { status: 'CANCELLED', at: 3.2 }));
    bad('seats', ...inside, held, gone, t.reservation('ann', 'r1', { status: 'HELD', at: 3.2 }));
    bad('seats', ...inside, held, gone, t.taken('bob', { seats: one, lost: one, within: [3.2, 3.3] }));
  });

  test('without an answer: perhaps it is held, perhaps not; and its repeat is one', () => {
    const unknown = { ...t.unanswered(held), key: 'k' };
    good(...inside, unknown, t.held('bob', { id: 'r2', seats: one, at: 3 }));
    good(...inside, unknown, t.taken('bob', { seats: one, lost: one, within: [3, 3.1] }));
    bad('seats', ...inside, t.taken('bob', { seats: one, lost: one, within: [1.5, 1.6] }), unknown);
    const repeat = { ...t.held('ann', { id: 'r1', seats: one, at: 2, within: [4, 4.1] }), key: 'k' };
    good(...inside, unknown, t.taken('bob', { seats: one, lost: one, within: [3, 3.1] }), repeat);
    bad('seats', ...inside, unknown, repeat, t.held('bob', { id: 'r2', seats: one, at: 3 }));
    const another = { ...t.held('ann', { id: 'r3', seats: ['A-1-2'], at: 4.05, within: [4, 4.1] }), key: 'k' };
    bad('every', ...inside, { ...held, key: 'k' }, another);
  });
});

describe('wallets', () => {
  const start = [...inside, t.charged(1500, 1500, [1.1, 1.2]), t.held('ann', { id: 'r1', seats: one, at: 2 })];
  const payment = t.paid('ann', 'r1', { at: 3.1, balance: 500, within: [3, 3.2] });

  test('charged, paid, read', () => {
    good(...start, t.balanceIs(1500, [2.5, 2.6]), payment, t.balanceIs(500, [3.3, 3.4]));
    // The money is set aside before the seats are sold.
    good(...start, payment, t.balanceIs(500, [3.01, 3.05]), t.balanceIs(500, [3.06, 3.07]));
    bad('wallets', ...start, payment, t.balanceIs(500, [3.01, 3.02]), t.balanceIs(1500, [3.03, 3.04]));
    bad('wallets', ...start, payment, t.balanceIs(1500, [3.12, 3.19]));
  });

  test('a lost charge, a charge that counts twice', () => {
    bad('wallets', ...start, t.balanceIs(0, [2, 2.1]));
    bad('wallets', ...start, t.balanceIs(3000, [2, 2.1]));
    bad('wallets', ...start, t.charged(100, 3100, [2, 2.1]));
    const unknown = { ...t.unanswered(t.charged(100, 0, [2, 2.1])), key: 'k' };
    good(...start, unknown, t.balanceIs(1500, [3, 3.1]), t.balanceIs(1600, [4, 4.1]));
    bad('wallets', ...start, unknown, t.balanceIs(1600, [3, 3.1]), t.balanceIs(1500, [4, 4.1]));
    bad('wallets', ...start, unknown, t.balanceIs(1700, [3, 3.1]));
    const repeat = { ...t.charged(100, 1600, [3, 3.1]), key: 'k' };
    good(...start, unknown, repeat, t.balanceIs(1600, [4, 4.1]));
    bad('wallets', ...start, unknown, repeat, t.balanceIs(1700, [4, 4.1]));
  });

  test('one payment, answered twice with different ids, or taken twice', () => {
    const again = t.paid('ann', 'r1', { at: 3.1, balance: 500, within: [5, 5.1] });
    good(...start, payment, again);
    bad('every', ...start, payment, { ...again, body: { ...again.body, paymentId: 'another' } });
    bad('wallets', ...start, payment, again, t.balanceIs(-500, [6, 6.1]));
    bad('every', ...start, payment, t.payRefused('ann', 'r1', { code: 'RESERVATION_EXPIRED', within: [8, 8.1] }));
  });

  test('a payment that is refused costs nothing, except for as long as it is under way', () => {
    const refused = t.payRefused('ann', 'r1', { code: 'RESERVATION_EXPIRED', within: [6.9, 7.1] });
    good(...start, refused, t.balanceIs(500, [6.95, 7]), t.balanceIs(1500, [7.05, 7.06]));
    good(...start, refused, t.balanceIs(1500, [7.2, 7.3]));
    bad('wallets', ...start, refused, t.balanceIs(500, [7.2, 7.3]));
    const poor = (has: number) =>
      t.payRefused('ann', 'r1', { code: 'INSUFFICIENT_BALANCE', balance: has, within: [3, 3.1] });
    bad('wallets', ...start, poor(1500));
    bad('wallets', ...start, poor(400));
  });
});

describe('places', () => {
  const joined = t.joined('ann', 1, { at: 0.1, within: [0, 0.2] });
  const active = t.ticket('ann', 'ACTIVE', { at: 1, until: 2.5 });

  test('waits, is let in, is claimed, ends', () => {
    good(
      joined,
      t.waiting('ann', 1, { position: 1, at: 0.3 }),
      active,
      t.ticket('ann', 'EXPIRED UNCLAIMED', { at: 2.5 }),
    );
    const claimed = t.held('ann', { id: 'r1', seats: one, at: 2 });
    good(joined, active, claimed, t.ticket('ann', 'ACTIVE', { at: 3, until: 62 }));
    bad('places', joined, active, claimed, t.ticket('ann', 'ACTIVE', { at: 3, until: 62.001 }));
    // A map that was never answered may have claimed it.
    const earlier = t.unanswered(t.map('ann', [], [1.5, 1.6]));
    good(joined, active, earlier, claimed, t.ticket('ann', 'ACTIVE', { at: 3, until: 61.6 }));
    bad('places', joined, active, claimed, t.ticket('ann', 'EXPIRED UNCLAIMED', { at: 3 }));
    bad('places', joined, active, t.held('ann', { id: 'r1', seats: one, at: 2.6 }));
  });

  test('a place that goes back, or ends too soon or too late', () => {
    bad('places', joined, active, t.waiting('ann', 1, { position: 1, at: 1.2 }));
    bad('places', joined, active, t.ticket('ann', 'EXPIRED UNCLAIMED', { at: 2.499 }));
    bad('places', joined, active, t.ticket('ann', 'ACTIVE', { at: 2.5, until: 2.5 }));
    bad(
      'places',
      joined,
      t.ticket('ann', 'ACTIVE', { at: 1, until: 3.5 }),
      t.ticket('ann', 'ACTIVE', { at: 1.1, until: 3 }),
    );
    bad('places', joined, active, t.left('ann', [1.1, 1.2]), t.ticket('ann', 'ACTIVE', { at: 1.3, until: 2.5 }));
    bad('places', joined, active, t.ticket('ann', 'LEFT LEFT', { at: 1.3 }));
  });

  test('a payment ends the place', () => {
    const bought = [t.charged(5000, 5000, [1, 1.1]), t.held('ann', { id: 'r1', seats: one, at: 2 })];
    const payment = t.paid('ann', 'r1', { at: 3, balance: 4000 });
    good(joined, active, ...bought, payment, t.ticket('ann', 'USED PAID', { at: 3 }));
    bad('places', joined, active, ...bought, payment, t.ticket('ann', 'ACTIVE', { at: 3.1, until: 62 }));
    bad('places', joined, active, ...bought, payment, t.held('ann', { id: 'r2', seats: ['A-1-2'], at: 3.2 }));
    // Another hold keeps it alive, for itself alone.
    const other = t.held('ann', { id: 'r2', seats: ['A-1-2'], at: 2.5 });
    good(joined, active, ...bought, other, payment, t.ticket('ann', 'ACTIVE', { at: 3.1, until: 7.5 }));
    bad('places', joined, active, ...bought, other, payment, t.ticket('ann', 'ACTIVE', { at: 3.1, until: 62 }));
  });

  test('two places at once', () => {
    const second = t.joined('ann', 2, { at: 1.5, within: [1.4, 1.6], position: 1 });
    const other = { ...second, body: { ...second.body, queueId: 'q_ann2' } };
    bad('places', joined, active, other);
    good(joined, active, t.left('ann', [1.1, 1.2]), other);
  });
});

describe('rooms', () => {
  const ann = t.joined('ann', 1, { at: 0.1, within: [0, 0.2] });
  const bob = t.joined('bob', 2, { at: 0.4, within: [0.3, 0.5] });

  test('positions', () => {
    good(ann, bob, t.waiting('bob', 2, { position: 2, at: 0.6 }), t.waiting('ann', 1, { position: 1, at: 0.7 }));
    bad(
      'rooms',
      ann,
      bob,
      t.waiting('bob', 2, { position: 1, at: 0.6 }),
      t.waiting('ann', 1, { position: 1, at: 0.7 }),
    );
    bad('rooms', ann, bob, t.waiting('bob', 2, { position: 3, at: 0.6 }));
    const behind = [t.left('ann', [0.6, 0.7]), t.waiting('bob', 2, { position: 1, at: 0.8 })];
    good(ann, bob, ...behind);
    bad('rooms', ann, bob, ...behind, t.waiting('bob', 2, { position: 2, at: 0.9 }));
  });

  test('first come, first admitted', () => {
    const bobFirst = [t.ticket('bob', 'ACTIVE', { at: 1, until: 3 }), t.waiting('ann', 1, { position: 1, at: 1.1 })];
    bad('rooms', ann, bob, ...bobFirst);
    good(ann, bob, t.ticket('ann', 'ACTIVE', { at: 1, until: 3 }), t.waiting('bob', 2, { position: 1, at: 1.1 }));
  });

  test('sequences: dense, of one each, in the order of joining', () => {
    bad('rooms', ann, { ...bob, body: { ...bob.body, sequence: 1 } });
    bad('rooms', ann, { ...bob, body: { ...bob.body, sequence: 3 } });
    bad('rooms', { ...ann, body: { ...ann.body, sequence: 2 } }, { ...bob, body: { ...bob.body, sequence: 1 } });
  });

  test('capacity', () => {
    const fans = Array.from({ length: 4 }, (_, index) => `fan${index}`);
    const inAtOnce = fans.flatMap((fan, index) => [
      t.joined(fan, index + 1, { at: 0.1, within: [0, 0.2] }),
      t.ticket(fan, 'ACTIVE', { at: 1, until: 3 }),
      t.ticket(fan, 'ACTIVE', { at: 1.1, until: 3 }),
    ]);
    good(...inAtOnce.slice(0, 9));
    bad('rooms', ...inAtOnce);
  });
});
