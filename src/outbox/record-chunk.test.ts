import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pino } from 'pino';
import { migrate } from '../postgres/migrate.ts';
import { closePool, openPool } from '../postgres/pool.ts';
import { testDatabase } from '../testing/connect.ts';
import { entryEvent, paymentEvent } from '../testing/ledger.ts';
import { walletPartition } from '../redis/keys.ts';
import { olderEntries } from '../wallet/records.ts';
import type { Fields } from './events.ts';
import { concertOutbox, partitionOutbox } from './outboxes.ts';
import { recordChunk } from './record-chunk.ts';

const url = await testDatabase();
const sql = openPool(url, { max: 10 });
beforeAll(() => migrate(url, pino({ level: 'silent' })));
afterAll(() => closePool(sql, { withinMs: 1_000 }));

let lastId = 0;
const entriesOf = (events: Fields[]) => events.map((fields) => ({ id: `${++lastId}-0`, fields }));
const recordPayments = (concertId: string, events: Fields[]) =>
  recordChunk(sql, { outbox: concertOutbox(concertId), entries: entriesOf(events) });
const recordEntries = (userId: string, events: Fields[]) =>
  recordChunk(sql, { outbox: partitionOutbox(walletPartition(userId)), entries: entriesOf(events) });

async function rows(text: string, ...values: unknown[]): Promise<Record<string, unknown>[]> {
  return (await sql.query(text, values)).rows;
}
const count = async (table: string, concertId: string) =>
  Number((await rows(`SELECT count(*) FROM ${table} WHERE concert_id = $1`, concertId))[0]?.count);

describe('payments', () => {
  test('a payment and its seats stand as sent', async () => {
    const event = paymentEvent('whole', ['가나-2-1', 'A-1-10'], { prices: '900,100', amount: '1000' });
    expect(await recordPayments('whole', [event])).toMatchObject({ recorded: [{}], dead: [] });
    expect(await rows('SELECT * FROM payments WHERE concert_id = $1', 'whole')).toEqual([
      {
        payment_id: event.paymentId,
        reservation_id: event.reservationId,
        user_id: event.userId,
        concert_id: 'whole',
        schedule_id: 'day-1',
        amount: '1000',
        currency: 'KRW',
        balance: '5000',
        transfer_id: event.transferId,
        paid_at: new Date('2026-01-01T00:00:00.123Z'),
        recorded_at: expect.any(Date),
      },
    ]);
    expect(
      await rows(
        'SELECT seat_id, price, place FROM payment_seats WHERE payment_id = $1 ORDER BY place',
        event.paymentId,
      ),
    ).toEqual([
      { seat_id: '가나-2-1', price: '900', place: 1 },
      { seat_id: 'A-1-10', price: '100', place: 2 },
    ]);
  });

  test('again, and twice in one chunk: one row', async () => {
    const event = paymentEvent('again', ['A-1-1']);
    for (let i = 0; i < 2; i++) {
      const { recorded, dead } = await recordPayments('again', [event, event]);
      expect([recorded.length, dead.length]).toEqual([2, 0]);
    }
    expect([await count('payments', 'again'), await count('payment_seats', 'again')]).toEqual([1, 1]);
  });

  test('ten recorders with the same chunk at once', async () => {
    const events = Array.from({ length: 100 }, (_, i) => paymentEvent('crowd', [`A-1-${i}`, `B-1-${i}`]));
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, i) => recordPayments('crowd', i % 2 ? events : events.toReversed())),
    );
    expect(results.flatMap(({ dead }) => dead)).toEqual([]);
    expect([await count('payments', 'crowd'), await count('payment_seats', 'crowd')]).toEqual([100, 200]);
  });

  const contradictions: [name: string, (stands: Fields) => Fields][] = [
    ['a seat that another payment has', (stands) => paymentEvent('', ['Z-9-1', stands.seats ?? ''])],
    [
      'another payment of the same reservation',
      ({ reservationId = '' }) => paymentEvent('', ['Z-9-2'], { reservationId }),
    ],
    ['the same payment with another amount', (stands) => ({ ...stands, amount: '7', prices: '7' })],
    ['the same payment by another user', (stands) => ({ ...stands, userId: 'somebody else' })],
    ['the same payment with another seat', (stands) => ({ ...stands, seats: 'Z-9-3' })],
    [
      'the same payment with one seat more',
      (stands) => ({ ...stands, seats: `${stands.seats},Z-9-4`, prices: '500,500' }),
    ],
    ['the same payment at another time', (stands) => ({ ...stands, paidAt: '1767225600124' })],
    ['two payments by one transfer', ({ transferId = '' }) => paymentEvent('', ['Z-9-5'], { transferId })],
  ];
  test.each(contradictions)(
    '%s: whole to the dead letters, and the rest of the chunk is recorded',
    async (name, make) => {
      const concertId = `dead-${contradictions.findIndex(([other]) => other === name)}`;
      const stands = paymentEvent(concertId, ['A-1-1']);
      await recordPayments(concertId, [stands]);
      const made = make(stands);
      const here = (text = '') => text.replace('__', `_${concertId}_`);
      const bad = { ...made, concertId, paymentId: here(made.paymentId), reservationId: here(made.reservationId) };
      const others = [paymentEvent(concertId, ['B-1-1']), paymentEvent(concertId, ['B-1-2', 'B-1-3'])];
      const { recorded, dead } = await recordPayments(concertId, [others[0] ?? {}, bad, others[1] ?? {}]);
      expect(recorded).toHaveLength(2);
      expect(dead.map(({ entry }) => entry.fields)).toEqual([bad]);
      expect([await count('payments', concertId), await count('payment_seats', concertId)]).toEqual([3, 4]);
      const letters = await rows('SELECT event, reason FROM dead_letters WHERE outbox = $1', `c.${concertId}`);
      expect(letters.map(({ event }) => JSON.parse(String(event)))).toEqual([bad]);
      expect(letters[0]?.reason).not.toBe('');
    },
  );

  test('one that contradicts only a dead one of its own chunk is recorded', async () => {
    const stands = paymentEvent('chain', ['A-1-1']);
    await recordPayments('chain', [stands]);
    const dead = paymentEvent('chain', ['A-1-1', 'A-1-2']);
    const good = paymentEvent('chain', ['A-1-2', 'A-1-3']);
    const result = await recordPayments('chain', [dead, good]);
    expect(result.dead.map(({ entry }) => entry.fields)).toEqual([dead]);
    expect(await count('payment_seats', 'chain')).toBe(3);
  });

  test.each([
    ['an unknown event', { e: 'refund' }],
    ['a name that every object has', { e: 'constructor' }],
    ['an unknown version', { v: '2' }],
    ['a field that is missing', { transferId: '' }],
    ['an amount that is none', { amount: '1e3' }],
    ['prices that do not make the amount', { prices: '999' }],
    ['another number of prices', { prices: '500,500' }],
    ['a seat twice', { seats: 'A-1-1,A-1-1', prices: '500,500' }],
    ['NUL, which PostgreSQL cannot hold', { userId: 'a\u0000b' }],
    ["another concert's payment", { concertId: 'other' }],
  ])('%s is a dead letter', async (name, changes) => {
    const concertId = `bad-${name
      .replaceAll(/[^a-z]+/gi, '-')
      .toLowerCase()
      .replace(/-$/, '')}`;
    const bad = paymentEvent(concertId, ['A-1-1'], changes);
    const { recorded, dead } = await recordPayments(concertId, [bad, paymentEvent(concertId, ['A-1-2'])]);
    expect([recorded.length, dead.length]).toEqual([1, 1]);
    const letters = await rows('SELECT event FROM dead_letters WHERE outbox = $1', `c.${concertId}`);
    expect(letters.map(({ event }) => JSON.parse(String(event)))).toEqual([bad]);
  });

  test('a dead letter comes once, however often its chunk runs', async () => {
    const entries = entriesOf([paymentEvent('once', ['A-1-1'], { v: '9' })]);
    for (let i = 0; i < 3; i++) await recordChunk(sql, { outbox: concertOutbox('once'), entries });
    expect(await rows("SELECT 1 FROM dead_letters WHERE outbox = 'c.once'")).toHaveLength(1);
  });

  test('a free seat', async () => {
    const free = paymentEvent('free', ['A-1-1'], { prices: '0', amount: '0' });
    expect((await recordPayments('free', [free])).dead).toEqual([]);
  });
});

describe('history entries', () => {
  test('stand as sent, and are read newest first', async () => {
    const userId = 'user | with "odd" characters \\ \u{1f3b5}';
    const events = Array.from({ length: 5 }, (_, i) => entryEvent(userId, i + 1));
    const paid = entryEvent(userId, 6, { kind: 'PAYMENT', amount: '-2000', balance: '3000', reference: 'pay_x_1' });
    expect((await recordEntries(userId, [...events, paid])).recorded).toHaveLength(6);
    const page = await olderEntries(sql, { userId, beforeN: 7, limit: 2 });
    expect(page).toEqual([
      {
        n: 6,
        entryId: paid.entryId,
        kind: 'PAYMENT',
        amount: -2000,
        balance: 3000,
        atMs: 1767225600006,
        reference: 'pay_x_1',
      },
      expect.objectContaining({ n: 5, kind: 'CHARGE', amount: 1000, balance: 5000, atMs: 1767225600005 }),
    ]);
    expect((await olderEntries(sql, { userId, beforeN: 3, limit: 9 })).map(({ n }) => n)).toEqual([2, 1]);
    expect(await olderEntries(sql, { userId, beforeN: 1, limit: 9 })).toEqual([]);
  });

  test('again: one row; another of the same number: a dead letter', async () => {
    const first = entryEvent('twice', 1);
    await recordEntries('twice', [first]);
    const { recorded, dead } = await recordEntries('twice', [first, entryEvent('twice', 1), entryEvent('twice', 2)]);
    expect([recorded.length, dead.length]).toEqual([2, 1]);
    expect(await olderEntries(sql, { userId: 'twice', beforeN: 9, limit: 9 })).toHaveLength(2);
  });

  test('an entry in the outbox of a concert is a dead letter', async () => {
    expect((await recordPayments('strange', [entryEvent('lost', 1)])).dead).toHaveLength(1);
  });
});

test('a chunk of 500 payments of four seats', async () => {
  const events = Array.from({ length: 500 }, (_, i) =>
    paymentEvent('big', [`A-${i}-1`, `A-${i}-2`, `A-${i}-3`, `A-${i}-4`]),
  );
  expect((await recordPayments('big', events)).recorded).toHaveLength(500);
  expect((await recordPayments('big', events)).recorded).toHaveLength(500);
  expect([await count('payments', 'big'), await count('payment_seats', 'big')]).toEqual([500, 2000]);
});

test('a chunk of a hall that is nearly sold out, in tables that PostgreSQL has not analysed yet', async () => {
  const hall = await sql.connect();
  // 60,000 seats by 30,000 payments: where each payment of a chunk reads the whole hall, a chunk takes 15 s.
  await hall.query(`INSERT INTO payments SELECT 'pay_hall_' || i, 'rsv_hall_' || i, 'u', 'hall', 'day-1', 0, 'KRW', 0, 't_hall_' || i,
    now() FROM generate_series(1, 30000) AS i`);
  await hall.query(`INSERT INTO payment_seats SELECT 'hall', 'day-1', 'A-' || i || '-' || j, 'pay_hall_' || i, j, 0
    FROM generate_series(1, 30000) AS i, generate_series(1, 2) AS j`);
  hall.release();
  const started = performance.now();
  const events = Array.from({ length: 500 }, (_, i) => paymentEvent('hall', [`B-${i}-1`, `B-${i}-2`]));
  expect((await recordPayments('hall', events)).recorded).toHaveLength(500);
  expect(performance.now() - started).toBeLessThan(8_000);
});
