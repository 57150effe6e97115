/** What Redis, PostgreSQL and the servers say after the drain, about all that a ledger names. */
import { Client } from 'pg';
import { call } from '../../../src/testing/fan.ts';
import { concertKeys, walletKeys } from '../../../src/redis/keys.ts';
import { type PlaceRecord, parsePlace } from '../../../src/waiting-room/place.ts';
import type { Fleet } from './fleet.ts';
import type { Ledger } from './ledger.ts';

export interface WalletEvidence {
  available: number;
  pending: number;
  charged: number;
  posted: number;
  /** entries ever written */
  entries: number;
}

export interface ConcertEvidence {
  /** the highest sequence given */
  sequence: number;
  places: Map<string, PlaceRecord>;
  waiting: string[];
  active: string[];
  /** `<schedule id> <seat id>` -> reservation id */
  seats: Map<string, string>;
}

export interface PaymentRow {
  paymentId: string;
  reservationId: string;
  userId: string;
  amount: number;
  /** `<schedule id> <seat id>` */
  seats: string[];
}

export interface EntryRow {
  userId: string;
  n: number;
  kind: string;
  amount: number;
  reference: string;
}

/** What one user is shown. */
export interface FanEvidence {
  balance: number;
  /** `reference` of every history entry, newest first */
  references: string[];
  /** reservation id -> status, of all their reservations */
  reservations: Map<string, string>;
}

export interface Evidence {
  wallets: Map<string, WalletEvidence>;
  concerts: Map<string, ConcertEvidence>;
  /** by id, of all holds of the ledger; fields as stored */
  reservations: Map<string, Record<string, string>>;
  payments: PaymentRow[];
  entries: EntryRow[];
  deadLetters: number;
  /** of some users */
  fans: Map<string, FanEvidence>;
}

/** Commands under way at once: enough for speed, few enough for the 800 ms that one may take. */
const AT_ONCE = 100;
const FANS_ASKED = 150;
const FANS_AT_ONCE = 8;

type Sources = Pick<Fleet, 'direct' | 'databaseUrl' | 'servers'>;

export async function gatherEvidence(fleet: Sources, ledger: Ledger): Promise<Evidence> {
  const { direct } = fleet;
  const wallets = new Map<string, WalletEvidence>();
  await each([...ledger.users.keys()], AT_ONCE, async (userId) => {
    const fields = await direct.hgetall(walletKeys(userId).wallet);
    if (fields.available === undefined) return;
    const number = (name: string) => Number(fields[name] ?? 0);
    wallets.set(userId, {
      available: number('available'),
      pending: number('pending'),
      charged: number('charged'),
      posted: number('posted'),
      entries: number('entries'),
    });
  });
  const concerts = new Map<string, ConcertEvidence>();
  await each([...ledger.concerts], 2, async (concertId) => {
    concerts.set(concertId, await readConcert(fleet, { concertId, ledger }));
  });
  const reservations = new Map<string, Record<string, string>>();
  const holds = ledger.operations.filter(({ kind, effect }) => kind === 'hold' && effect !== null);
  await each(holds, AT_ONCE, async ({ concertId, effect }) => {
    const id = effect?.id ?? '';
    const record = await direct.hgetall(concertKeys(concertId).reservation(id));
    if (record.status !== undefined) reservations.set(id, record);
  });
  const fans = new Map<string, FanEvidence>();
  await each([...ledger.users].slice(-FANS_ASKED), FANS_AT_ONCE, async ([userId, bearer]) => {
    fans.set(userId, await askAs(fleet, { userId, bearer }));
  });
  return { wallets, concerts, reservations, fans, ...(await readRows(fleet, ledger)) };
}

async function readConcert(
  { direct }: Sources,
  { concertId, ledger }: { concertId: string; ledger: Ledger },
): Promise<ConcertEvidence> {
  const keys = concertKeys(concertId);
  const packed = await direct.hgetall(keys.places);
  const schedules = new Set(
    ledger.operations
      .filter((operation) => operation.concertId === concertId)
      .flatMap(({ seats }) => seats.map((seat) => seat.split(' ')[0] ?? '')),
  );
  const seats = new Map<string, string>();
  for (const scheduleId of schedules) {
    const taken = await direct.hgetall(keys.seats(scheduleId));
    for (const [seatId, reservationId] of Object.entries(taken)) seats.set(`${scheduleId} ${seatId}`, reservationId);
  }
  return {
    sequence: Number((await direct.hget(keys.room, 'seq')) ?? 0),
    places: new Map(Object.entries(packed).map(([queueId, record]) => [queueId, parsePlace(record)])),
    waiting: await direct.zrange(keys.waiting, '0', '-1'),
    active: await direct.zrange(keys.active, '0', '-1'),
    seats,
  };
}

async function readRows(
  { databaseUrl }: Sources,
  ledger: Ledger,
): Promise<Pick<Evidence, 'payments' | 'entries' | 'deadLetters'>> {
  const sql = new Client({ connectionString: databaseUrl });
  await sql.connect();
  try {
    const payments = await sql.query<PaymentRow>(
      `SELECT payment_id AS "paymentId", reservation_id AS "reservationId", user_id AS "userId", amount::float AS amount,
         ARRAY(SELECT schedule_id || ' ' || seat_id FROM payment_seats s WHERE s.payment_id = p.payment_id ORDER BY place)
           AS seats
       FROM payments p WHERE concert_id = ANY($1)`,
      [[...ledger.concerts]],
    );
    const entries = await sql.query<EntryRow>(
      `SELECT user_id AS "userId", n::float AS n, kind, amount::float AS amount, reference
       FROM wallet_entries WHERE user_id = ANY($1)`,
      [[...ledger.users.keys()]],
    );
    const dead = await sql.query<{ count: number }>('SELECT count(*)::float AS count FROM dead_letters');
    return { payments: payments.rows, entries: entries.rows, deadLetters: dead.rows[0]?.count ?? 0 };
  } finally {
    await sql.end();
  }
}

async function askAs({ servers }: Sources, fan: { userId: string; bearer: string }): Promise<FanEvidence> {
  const url = servers[0]?.url ?? '';
  const { userId, bearer } = fan;
  const ask = async (path: string) => {
    const answer = await call(url, `/api/v1/users/${userId}/${path}`, { bearer });
    if (answer.status !== 200) throw new Error(`${path} of ${userId}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const pages = async <T>(list: string, member: string): Promise<T[]> => {
    const all: T[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await ask(`${list}?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      all.push(...page[member]);
      cursor = page.nextCursor;
    }
    return all;
  };
  const { balance } = await ask('balance');
  const history = await pages<{ reference: string }>('balance/history', 'entries');
  const listed = await pages<{ reservationId: string; status: string }>('reservations', 'reservations');
  return {
    balance,
    references: history.map(({ reference }) => reference),
    reservations: new Map(listed.map(({ reservationId, status }) => [reservationId, status])),
  };
}

/** So many at a time. */
export async function each<T>(items: readonly T[], atOnce: number, run: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of left) await run(item);
    }),
  );
}
