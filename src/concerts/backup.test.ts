import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { isRefusal } from '../errors.ts';
import { leaveUnfinished } from '../local/unfinished.fixture.ts';
import { concertKeys } from '../redis/keys.ts';
import { createProcess, hall, openSale, put, scheduleInput } from '../reservations/holding.fixture.ts';
import { flush, testRedis } from '../testing/connect.ts';
import { backUpConcert, concertBackups } from './backup.ts';
import { importConcert } from './import.ts';
import type { ConcertInput } from './shapes.ts';

const redis = await testRedis();
const process = createProcess(redis);
beforeEach(() => flush(redis));

const sections = (names: string[], price = 1_000) => [
  { section: '나', price: 5_000, rows: [{ row: '1', seats: 2 }] },
  { section: 'A', price, rows: names.map((row) => ({ row, seats: 3 })) },
];
const INPUT: ConcertInput = {
  title: 'A "night" 가',
  venue: 'A hall',
  currency: 'KRW',
  timeZone: 'Asia/Seoul',
  seatLimit: 6,
  holdSeconds: 60,
  schedules: [
    { ...scheduleInput('d1'), sections: sections(['1', '2']) },
    { ...scheduleInput('d2', { day: '25' }), sections: sections(['1'], 0) },
  ],
  room: {
    state: 'CLOSED',
    opensAt: '2099-01-01T00:00:00.000Z',
    capacity: 7,
    admitPerSecond: 3,
    sessionSeconds: 100,
    claimSeconds: 9,
    reentry: 'supersede',
  },
};

function newDeps() {
  const dataDir = mkdtempSync(join(tmpdir(), 'onsale-backup-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  return { redis, dataDir };
}

const read = (dataDir: string, concertId: string) =>
  JSON.parse(readFileSync(join(concertBackups(dataDir), `${concertId}.json`), 'utf8')) as ConcertInput;

test('what was imported is what is backed up, readable by its owner alone', async () => {
  const deps = newDeps();
  const { concertId } = await openSale(process, INPUT);
  expect(await backUpConcert(deps, concertId)).toBe(true);
  expect(read(deps.dataDir, concertId)).toEqual(INPUT);
  expect(statSync(join(concertBackups(deps.dataDir), `${concertId}.json`)).mode & 0o777).toBe(0o600);
});

test('after changes: seats and rows that are gone are not in it, settings of the room are', async () => {
  const deps = newDeps();
  const { concertId } = await openSale(process, INPUT);
  const changed = {
    ...INPUT,
    schedules: [{ ...scheduleInput('d1'), sections: [...sections(['2', '0'])].reverse() }],
    room: { state: 'OPEN', opensAt: null, capacity: 70 } as const,
  };
  await put({ process, concertId }, changed);
  await backUpConcert(deps, concertId);
  const backup = read(deps.dataDir, concertId);
  expect(backup).toEqual({ ...changed, room: { ...INPUT.room, ...changed.room } });
  // It is what an import takes, and changes nothing.
  const again = await importConcert(process, { concertId, input: backup, dryRun: true });
  expect(isRefusal(again) ? again : again.concert).toMatchObject({ added: 0, removed: 0, repriced: 0, unchanged: 8 });
});

test('it is written only when something changed', async () => {
  const deps = newDeps();
  const { concertId } = await openSale(process, INPUT);
  await backUpConcert(deps, concertId);
  expect(await backUpConcert(deps, concertId)).toBe(false);
  await redis.hset(concertKeys(concertId).room, 'capacity', 8);
  expect(await backUpConcert(deps, concertId)).toBe(true);
  expect(read(deps.dataDir, concertId).room?.capacity).toBe(8);
  expect(readdirSync(concertBackups(deps.dataDir))).toEqual([`${concertId}.json`]);
});

test('in a volume of several containers: the file of another process of our id stays, what was left an hour ago goes', async () => {
  const deps = newDeps();
  const { concertId } = await openSale(process, hall());
  const folder = concertBackups(deps.dataDir);
  mkdirSync(folder, { recursive: true });
  const theirs = `${concertId}.json.${globalThis.process.pid}.unfinished`;
  writeFileSync(join(folder, theirs), 'theirs');
  leaveUnfinished(join(folder, 'x.json.1.unfinished'));
  expect(await backUpConcert(deps, concertId)).toBe(true);
  expect(readdirSync(folder).sort()).toEqual([`${concertId}.json`, theirs]);
  expect(readFileSync(join(folder, theirs), 'utf8')).toBe('theirs');
});

test('of a concert that is gone the backup stays', async () => {
  const deps = newDeps();
  const { concertId } = await openSale(process, hall());
  await backUpConcert(deps, concertId);
  await flush(redis);
  expect(await backUpConcert(deps, concertId)).toBe(false);
  expect(read(deps.dataDir, concertId).title).toBe('A night');
});
