/** What a human has to decide first is told before the first write, all of it at once. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { concertBackups } from '../concerts/backup.ts';
import type { ConcertInput } from '../concerts/shapes.ts';
import { migrate } from '../postgres/migrate.ts';
import { closePool, openPool } from '../postgres/pool.ts';
import { connectAll, openRedis } from '../redis/client.ts';
import { directoryKeys } from '../redis/keys.ts';
import { flush, testDatabase, testRedis, testRedisUrl } from '../testing/connect.ts';
import { backUpAccounts, backupFile } from '../users/backup.ts';
import { createProcess } from '../reservations/holding.fixture.ts';
import { log } from './night.fixture.ts';
import { type LostNight, NO_FILES, openLostNight, signUp } from './rebuild.fixture.ts';
import { rebuild } from './rebuild.ts';
import { RebuildRefused } from './rebuild-files.ts';

const redis = await testRedis();
const url = await testDatabase();
const sql = new pg.Pool({ connectionString: url, max: 6, allowExitOnIdle: true });
beforeAll(() => migrate(url, log));
afterAll(() => sql.end());

let night: LostNight;
beforeEach(async () => {
  night = await openLostNight({ redis, sql });
  await night.drain();
  await night.backUp();
  await flush(redis);
});

/** Why a rebuild is refused, which has written nothing. */
async function refusal(files = NO_FILES): Promise<string> {
  const before = await redis.dbsize();
  const failed = await night.rebuild({ files }).then(
    () => null,
    (error: unknown) => error,
  );
  if (!(failed instanceof RebuildRefused)) throw new Error(`it was not refused: ${String(failed)}`);
  if ((await redis.dbsize()) !== before) throw new Error('it has written before it was refused');
  return failed.message;
}

const concertFile = (index: number) => join(concertBackups(night.dataDir), `${night.sales[index]?.concertId}.json`);

/** Changes a backed up concert. */
function edit(index: number, change: (input: ConcertInput) => unknown): void {
  const input = JSON.parse(readFileSync(concertFile(index), 'utf8')) as ConcertInput;
  change(input);
  writeFileSync(concertFile(index), JSON.stringify(input));
}

test('all that stands against it is told at once', async () => {
  await signUp(redis);
  await backUpAccounts({ redis, log, dataDir: night.dataDir });
  const server = openRedis({ url: (await testRedisUrl()).url, cluster: false }, 'hot');
  onTestFinished(() => server.disconnect());
  await connectAll(server);
  const worker = openPool(url, { max: 1 });
  onTestFinished(() => closePool(worker, { withinMs: 100 }));
  await worker.query('SELECT 1');
  await sql.query("INSERT INTO dead_letters (outbox, entry_id, event, reason) VALUES ('o', '1-0', '{}', 'x')");
  rmSync(concertFile(1));
  expect((await refusal()).split('\n')).toEqual([
    expect.stringMatching(/^Redis has 1 connections/),
    expect.stringMatching(/^Redis is not empty/),
    expect.stringMatching(/accounts\.jsonl has 1 accounts, the older/),
    expect.stringMatching(/^PostgreSQL has 1 connections/),
    expect.stringMatching(/^dead_letters holds 1 events/),
    expect.stringMatching(/^pay_.*: the catalogue lacks its concert/),
  ]);
  writeFileSync(concertFile(1), '{');
  expect((await refusal({ accounts: 'nowhere', catalogue: [] })).split('\n')).toEqual([
    expect.stringMatching(/^Redis has 1 connections/),
    expect.stringMatching(/^Redis is not empty/),
    'nowhere is not there',
    expect.stringMatching(/\.json: SyntaxError/),
    expect.stringMatching(/^PostgreSQL has 1 connections/),
    expect.stringMatching(/^dead_letters holds 1 events/),
    '3 payments will be compared with the catalogue when nothing is wrong with that',
  ]);
});

describe('Redis', () => {
  test('that is not empty', async () => {
    await redis.set('{x}:somebody', 'else');
    expect(await refusal()).toMatch(/not empty: 1 keys, \{x\}:somebody for one.*FLUSHALL/);
  });

  test('to which a server is connected', async () => {
    const server = openRedis({ url: (await testRedisUrl()).url, cluster: false }, 'hot');
    onTestFinished(() => server.disconnect());
    await connectAll(server);
    expect(await refusal()).toMatch(/Redis has 1 connections of servers and workers/);
  });

  test('of another currency', async () => {
    const deps = { ...createProcess(redis), sql, dataDir: night.dataDir, tell: () => {} };
    const failing = rebuild({ ...deps, config: { currency: 'EUR' } }, NO_FILES);
    await expect(failing).rejects.toThrow(/\/currency must be EUR/);
    for (const i of [0, 1]) edit(i, (input) => delete input.currency);
    await expect(rebuild({ ...deps, config: { currency: 'EUR' } }, NO_FILES)).rejects.toThrow(/is in KRW.*is EUR/);
    expect(await redis.dbsize()).toBe(0);
  });
});

describe('accounts', () => {
  test('a backup that was cut off', async () => {
    const file = backupFile(night.dataDir);
    writeFileSync(file, readFileSync(file, 'utf8').split('\n').slice(0, -2).join('\n'));
    expect(await refusal()).toMatch(/accounts\.jsonl is damaged/);
  });

  test('one that is named and not there', async () => {
    expect(await refusal({ accounts: 'nowhere', catalogue: [] })).toMatch(/nowhere is not there/);
  });

  test('one that a worker wrote after the loss, beside the older one; which is taken when it is named', async () => {
    await signUp(redis);
    await backUpAccounts({ redis, log, dataDir: night.dataDir });
    await flush(redis);
    expect(await refusal()).toMatch(
      /accounts\.jsonl has 1 accounts, the older (accounts\.jsonl\.\d+) beside it 4: name/,
    );
    const older = join(night.dataDir, 'older');
    const message = await night.rebuild().catch((error: Error) => error.message);
    renameSync(join(night.dataDir, 'backups', /accounts\.jsonl\.\d+/.exec(String(message))?.[0] ?? ''), older);
    expect(await night.rebuild({ files: { accounts: older, catalogue: [] } })).toContainEqual(
      expect.stringMatching(/^4 accounts are back/),
    );
  });

  test('without any, as with an outside identity provider, all else is rebuilt', async () => {
    rmSync(backupFile(night.dataDir));
    expect((await night.rebuild()).join('\n')).toMatch(/no accounts in a backup.*audit clean/s);
  });
});

describe('catalogue', () => {
  test('without a concert, a schedule, a seat that was sold; with another price', async () => {
    const [plain, changed] = night.sales.map(({ concertId }) => concertId);
    edit(0, ({ schedules }) => {
      const [row] = schedules[0]?.sections[0]?.rows ?? [];
      if (row) row.seats = 5;
    });
    expect(await refusal()).toMatch(new RegExp(`^${plain} d1: the catalogue lacks seat A-1-7, sold by pay_`));
    edit(0, ({ schedules }) => {
      const [section] = schedules[0]?.sections ?? [];
      if (section) Object.assign(section, { price: 5, rows: [{ row: '1', seats: 20 }] });
    });
    expect(await refusal()).toMatch(/seat A-1-7 was sold for 1000, the catalogue says 5/);
    edit(0, ({ schedules }) => (schedules.length = 0));
    expect(await refusal()).toMatch(new RegExp(`the catalogue of ${plain} lacks its schedule d1`));
    rmSync(concertFile(1));
    expect(await refusal()).toMatch(new RegExp(`the catalogue lacks its concert ${changed}`));
  });

  test('files that are no concerts, all of them named', async () => {
    const folder = join(night.dataDir, 'mine');
    mkdirSync(folder);
    writeFileSync(join(folder, 'broken.json'), '{');
    writeFileSync(join(folder, 'Wrong Name.json'), '{}');
    writeFileSync(join(folder, 'empty.json'), '{}');
    const files = { accounts: '', catalogue: [folder] };
    expect(await refusal(files)).toMatch(/Wrong Name\.json: its name.*broken\.json: SyntaxError.*empty\.json: /s);
    const twice = [concertFile(0), concertFile(0)];
    expect(await refusal({ accounts: '', catalogue: twice })).toMatch(/there is another file of that name/);
    expect(await refusal({ accounts: '', catalogue: ['gone'] })).toMatch(/gone is not there/);
  });

  test("that the import's own rules refuse", async () => {
    edit(0, (input) => (input.timeZone = 'Nowhere'));
    expect(await refusal()).toMatch(/\/timeZone must be an IANA time zone/);
  });
});

describe('PostgreSQL', () => {
  test('to which a worker is connected', async () => {
    const worker = openPool(url, { max: 1 });
    onTestFinished(() => closePool(worker, { withinMs: 100 }));
    await worker.query('SELECT 1');
    expect(await refusal()).toMatch(/PostgreSQL has 1 connections of servers and workers/);
  });

  test('with dead letters', async () => {
    await sql.query("INSERT INTO dead_letters (outbox, entry_id, event, reason) VALUES ('o', '1-0', '{}', 'x')");
    expect(await refusal()).toMatch(/dead_letters holds 1 events/);
  });

  test('with wallets whose entries are not whole', async () => {
    const [collector = '', saver = ''] = night.users;
    await sql.query('DELETE FROM wallet_entries WHERE user_id = $1 AND n = 5', [collector]);
    await sql.query('UPDATE wallet_entries SET balance = 7 WHERE user_id = $1', [saver]);
    expect(await refusal()).toMatch(new RegExp(`wallet of ${collector}: 113 entries, but the last is number 114`));
    expect(await refusal()).toMatch(new RegExp(`wallet of ${saver}: 3000 charged - 0 paid, but its last balance is 7`));
  });

  test('with a payment that lacks a seat', async () => {
    await sql.query("DELETE FROM payment_seats WHERE seat_id = 'A-1-7'");
    expect(await refusal()).toMatch(/its seats in PostgreSQL do not make the payment/);
  });

  test('many reasons are cut off', async () => {
    await sql.query("UPDATE payments SET currency = 'USD'");
    await sql.query(
      `INSERT INTO wallet_entries SELECT 'u' || i, 2, 'e', 'CHARGE', 1, 1, now(), 'chg_x' FROM generate_series(1, 30) AS i`,
    );
    expect(await refusal()).toMatch(/is in USD.*and 13 more$/s);
  });
});

test('another start is refused while a rebuild has not come to its end', async () => {
  await redis.set(directoryKeys.rebuild, '2027-01-01T00:00:00Z');
  expect((await night.rebuild()).join('\n')).toContain('goes on with the rebuild that began at 2027-01-01T00:00:00Z');
  expect(await redis.exists(directoryKeys.rebuild)).toBe(0);
});
