/** From the outboxes to PostgreSQL: how fast a full outbox empties, and how late a payment is recorded under load. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { migrate } from '../../src/postgres/migrate.ts';
import { createLog } from '../../src/observability/log.ts';
import { concertOutbox, PARTITION_OUTBOXES } from '../../src/outbox/outboxes.ts';
import { concertKeys } from '../../src/redis/keys.ts';
import { startPostgres } from '../../src/testing/postgres-server.ts';
import { startSystem, type System } from '../../src/testing/system.ts';
import { type Arena, openArena } from './arena.ts';
import { pin, SERVER_CORE } from './cores.ts';
import { drive, type Held, paySteps } from './crowd.ts';
import { type Options, scaled } from './options.ts';
import { MONEY, payable } from './pay.ts';
import { profilingInto } from './profile.ts';
import { print, printTargets } from './table.ts';

const PAYMENTS_A_SECOND = 2_000;
const BEAT_MS = 50;
const BATCH = 500;
const WITHIN_MS = 120_000;
/** A payment leaves one row of its own, one of its seat, and two of its wallet: the charge and the payment. */
const ROWS = { payments: 'payment_id', payment_seats: 'payment_id', wallet_entries: 'entry_id' };

export async function writeBehind(options: Options): Promise<boolean> {
  const postgres = await startPostgres();
  const arena = await openArena();
  let stopWorker = async () => {};
  try {
    console.log('\nPostgreSQL with fsync off, for the bare insert as well.');
    const url = await postgres.createDatabase();
    const worker = await startSystem({
      REDIS_URL: arena.redis.url,
      DATABASE_URL: url,
      ROLE: 'worker',
      ...profilingInto(arena.dir),
    });
    stopWorker = async () => void (await worker.stop());
    pin(worker.pid, SERVER_CORE);
    const sql = await connect(url);
    const lags = await lagUnderLoad(arena, await payable(arena, scaled(PAYMENTS_A_SECOND * 10, options)));
    // It is warm by now, as the bare insert is; it stands still while its outboxes are filled.
    worker.signal('SIGSTOP');
    const holds = await payable(arena, scaled(20_000, options));
    await payAll(arena, holds);
    const emptying = await empty(arena, sql, { worker, concertId: concertOf(holds) });
    const bare = await bareInsert(sql, await postgres.createDatabase());
    await sql.end();
    print(
      ['run', 'rows a second', 'rows'],
      [
        ['from full outboxes, by relay, jobs and recorder', String(Math.round(emptying.rate)), String(emptying.rows)],
        [`bare insert, batches of ${BATCH}, one connection`, String(Math.round(bare.rate)), String(bare.rows)],
      ],
    );
    return printTargets([
      { what: 'write-behind / bare insert', value: emptying.rate / bare.rate, min: 0.5 },
      { what: 'payments a second while the lag was measured', value: lags.rate },
      { what: 'paid to recorded, p50', value: lags.at(0.5), unit: ' ms' },
      { what: 'paid to recorded, p99', value: lags.at(0.99), max: 2_000, unit: ' ms' },
    ]);
  } finally {
    await stopWorker();
    await arena.close();
    await postgres.stop();
  }
}

async function payAll({ client }: Arena, holds: readonly Held[]): Promise<void> {
  const steps = holds.map((held) => paySteps(held, { balance: MONEY }));
  for (const [i, word] of ['AUTHORIZED', 'CONFIRMED', 'POSTED'].entries())
    await drive(client, steps.map((all) => all[i] ?? []).filter((step) => step.length > 0) as never, word);
}

async function connect(connectionString: string): Promise<Client> {
  const sql = new Client({ connectionString });
  await sql.connect();
  return sql;
}

async function countRows(sql: Client): Promise<number> {
  const counts = Object.keys(ROWS).map((table) => `(SELECT count(*) FROM ${table})`);
  const { rows } = await sql.query<{ n: string }>(`SELECT (${counts.join(' + ')})::text AS n`);
  return Number(rows[0]?.n);
}

/** Waits until all is settled. Redis is asked, and not PostgreSQL, in which counting rows took a tenth of a core. */
async function emptied({ client }: Arena, concertId: string): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  const outboxes = [concertOutbox(concertId), ...PARTITION_OUTBOXES];
  const isEmpty = async () =>
    (await Promise.all(outboxes.map(({ stream }) => client.xlen(stream)))).every((length) => length === 0);
  while (!(await isEmpty())) {
    if (performance.now() > deadline) throw new Error('the outboxes were not emptied');
    await sleep(20);
  }
}

const concertOf = ([held]: readonly Held[]) => held?.member.claims.concertId ?? '';

/** From where the worker goes on to the last chunk that is settled. */
async function empty(
  arena: Arena,
  sql: Client,
  { worker, concertId }: { worker: System; concertId: string },
): Promise<{ rate: number; rows: number }> {
  const before = await countRows(sql);
  const started = performance.now();
  worker.signal('SIGCONT');
  await emptied(arena, concertId);
  const seconds = (performance.now() - started) / 1000;
  const rows = (await countRows(sql)) - before;
  return { rate: rows / seconds, rows };
}

async function lagUnderLoad(arena: Arena, holds: readonly Held[]) {
  const started = performance.now();
  for (let paid = 0; paid < holds.length; ) {
    const due = Math.min(holds.length, Math.ceil(((performance.now() - started) / 1000) * PAYMENTS_A_SECOND));
    await payAll(arena, holds.slice(paid, due));
    paid = due;
    await sleep(BEAT_MS);
  }
  const seconds = (performance.now() - started) / 1000;
  await emptied(arena, concertOf(holds));
  const lags: number[] = [];
  for (const { reservationId, member } of holds) {
    const key = concertKeys(member.claims.concertId).reservation(reservationId);
    const [paidAt, recordedAt] = await arena.client.hmget(key, 'paid_at', 'recorded_at');
    lags.push(recordedAt ? Number(recordedAt) - Number(paidAt) : Number.POSITIVE_INFINITY);
  }
  lags.sort((a, b) => a - b);
  return {
    rate: holds.length / seconds,
    at: (share: number) => lags[Math.floor((lags.length - 1) * share)] ?? Number.NaN,
  };
}

/** The same rows into an empty database of the same shape, by this process on the server's core. */
async function bareInsert(from: Client, url: string): Promise<{ rate: number; rows: number }> {
  await migrate(url, createLog('error', 'bench'));
  const tables = [];
  for (const [table, key] of Object.entries(ROWS)) {
    const { rows } = await from.query<{ row: object }>(`SELECT to_jsonb(t) AS row FROM ${table} t ORDER BY ${key}`);
    tables.push({ table, rows: rows.map(({ row }) => row) });
  }
  const sql = await connect(url);
  pin(process.pid, SERVER_CORE);
  const started = performance.now();
  let count = 0;
  for (const { table, rows } of tables)
    for (let i = 0; i < rows.length; i += BATCH) {
      const batch = rows.slice(i, i + BATCH);
      await sql.query(
        `INSERT INTO ${table} SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1) ON CONFLICT DO NOTHING`,
        [JSON.stringify(batch)],
      );
      count += batch.length;
    }
  const seconds = (performance.now() - started) / 1000;
  await sql.end();
  return { rate: count / seconds, rows: count };
}
