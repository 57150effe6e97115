import { pino } from 'pino';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { startRecorder } from '../outbox/recorder.ts';
import { onCluster, testDatabase, testRedis, testRedisUrl } from '../testing/connect.ts';
import { until } from '../testing/until.ts';
import { migrate } from './migrate.ts';
import { closePool, inTransaction, openPool } from './pool.ts';

const redis = await testRedis();
const { url: redisUrl } = await testRedisUrl();
const databaseUrl = await testDatabase();
const log = pino({ level: 'silent' });
const sql = openPool(databaseUrl, { max: 2 });
afterAll(() => closePool(sql, { withinMs: 500 }));

const LOCK_OF_MIGRATIONS = '7241865325823964';
const tables = async () =>
  (
    await sql.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")
  ).rows.map((row: { table_name: string }) => row.table_name);

test('several recorders that start at once, while another process migrates: each tries again until it is done', async () => {
  const other = await sql.connect();
  await other.query(`SELECT pg_advisory_lock(${LOCK_OF_MIGRATIONS})`);
  const config = { redisUrl, redisCluster: onCluster, databaseUrl };
  const recorders = Array.from({ length: 3 }, () => startRecorder({ redis, config, log }));
  onTestFinished(async () => void (await Promise.all(recorders.map((recorder) => recorder.stop()))));
  await until(() => recorders.every((recorder) => !recorder.healthy()));
  await expect(migrate(databaseUrl, log)).rejects.toThrow('already running');
  await other.query(`SELECT pg_advisory_unlock(${LOCK_OF_MIGRATIONS})`);
  other.release();
  await until(() => recorders.every((recorder) => recorder.healthy()));
  expect(await tables()).toEqual(['dead_letters', 'migrations', 'payment_seats', 'payments', 'wallet_entries']);
  await migrate(databaseUrl, log);
});

test('a transaction that throws leaves nothing, and its connection is of use again', async () => {
  const one = openPool(databaseUrl, { max: 1 });
  onTestFinished(() => closePool(one, { withinMs: 500 }));
  await one.query('CREATE TABLE things (id int)');
  const failing = inTransaction(one, async (client) => {
    await client.query('INSERT INTO things VALUES (1)');
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  await expect(inTransaction(one, (client) => client.query('SELECT 1/0'))).rejects.toThrow('division by zero');
  const swallowed = inTransaction(one, (client) => client.query('SELECT 1/0').catch(() => {}));
  await expect(swallowed).rejects.toThrow('rolled back at the commit');
  await inTransaction(one, (client) => client.query('INSERT INTO things VALUES (2)'));
  expect((await one.query('SELECT id FROM things')).rows).toEqual([{ id: 2 }]);
  await one.query('DROP TABLE things');
});

test('a connection that PostgreSQL ends, idle or taken, ends nothing here', async () => {
  const pool = openPool(databaseUrl, { max: 2 });
  onTestFinished(() => closePool(pool, { withinMs: 500 }));
  const taken = await pool.connect();
  await pool.query('SELECT 1');
  await sql.query(
    // Of this database alone: other tests have theirs on the same server.
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'onsale' AND datname = current_database() AND pid <> pg_backend_pid()`,
  );
  await expect(taken.query('SELECT 1')).rejects.toThrow();
  taken.release(true);
  await until(async () => (await pool.query('SELECT 1').catch(() => null)) !== null);
});
