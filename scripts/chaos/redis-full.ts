/**
 * Case 5, `redis-full`: Redis reaches its `maxmemory` under load, for moments, in which the scripts themselves are refused,
 * and for longer, in which the servers refuse by themselves. Refusals are clear, what frees memory goes on, and
 * nothing is half done.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../src/limits.ts';
import { type Answer, call, concertInput, enter, type Fan, newFan, putConcert } from '../../src/testing/fan.ts';
import { until } from '../../src/testing/until.ts';
import type { Case, CaseOptions, Check, Verdict } from './case.ts';
import { harmUntil } from './kit/bounds.ts';
import { type Fleet, startFleet } from './kit/fleet.ts';
import { checkAll } from './kit/invariants.ts';
import { tally } from './kit/ledger.ts';
import { startLoad } from './kit/load.ts';
import { type Dice, dice } from './kit/random.ts';

/** Moments, in the long form; shorter than the servers' watch of the memory, so that the scripts meet it. */
const MOMENTS = 200;
const MOMENT_MS = [20, LIMITS.MEMORY_WATCH_MS] as const;
const PAUSE_MS = [100, 600] as const;
/** Beside it a run's own data is nothing, so a share stays what it was set to. */
const BALLAST_BYTES = 300 * 1024 * 1024;
/** All at once takes a busy machine longer than a command may. */
const BALLAST_PIECES = 30;

const CONCERT = 'full';
const CHARGED = 5_000;
const PRICE = 1_000;

/** How full, and whether money still moves then. */
const STAGES = [
  { share: (LIMITS.MEMORY_REFUSE_SHARE + LIMITS.MEMORY_REFUSE_MONEY_SHARE) / 2, money: true },
  { share: (LIMITS.MEMORY_REFUSE_MONEY_SHARE + 1) / 2, money: false },
  { share: 1.2, money: false },
];
type Stage = (typeof STAGES)[number];

export const redisFull: Case = {
  name: 'redis-full',
  about: 'Redis at its maxmemory under load, for moments and for longer',
  short: 0.03,
  run,
};

async function run({ size, deadlineMs, seed, tell }: CaseOptions): Promise<Verdict> {
  const random = dice(seed);
  const fleet = await startFleet();
  try {
    await memoryOf(fleet).grow();
    const load = await startLoad(fleet, { fans: 40, concerts: 3, seats: 400, seed });
    const endMs = harmUntil(deadlineMs);
    const moments = await fillForMoments(fleet, { times: Math.max(5, Math.round(MOMENTS * size)), endMs, random });
    tell(`full for ${moments} moments`);
    const refusals: Check = {
      what: 'a full Redis is refused clearly, and what frees it goes on',
      looked: 0,
      violations: [],
    };
    const whole: Check = { what: 'what was refused has left nothing behind', looked: 0, violations: [] };
    for (const [index, stage] of STAGES.entries()) {
      const url = fleet.urls[index % fleet.urls.length] ?? '';
      await stayFull(fleet, { url, stage, name: `${CONCERT}-${index}`, refusals, whole });
      tell(
        `${Math.round(stage.share * 100)} % full: ${refusals.violations.length + whole.violations.length} violations`,
      );
    }
    const ledger = await load.stop();
    const done = `Redis full for ${moments} moments, then ${STAGES.map(({ share }) => `${Math.round(share * 100)} %`).join(', ')} full until every call had met it`;
    const runs = moments + STAGES.length;
    return { done, runs, ...tally(ledger), checks: [refusals, whole, ...(await checkAll(fleet, ledger))] };
  } finally {
    await fleet.close();
  }
}

/** Of the one Redis: how much it has, and how much it may have. */
function memoryOf({ redis, direct }: Fleet) {
  if (!redis) throw new Error('one Redis, no cluster');
  const allow = (bytes: number) => direct.call('CONFIG', 'SET', 'maxmemory', String(Math.round(bytes)));
  return {
    /** the last byte of each piece is written: as good as nothing in the append-only file */
    async grow() {
      for (let i = 0; i < BALLAST_PIECES; i++)
        await direct.setrange(`ballast-${i}`, BALLAST_BYTES / BALLAST_PIECES - 1, '.');
    },
    free: () => allow(0),
    /** at most a byte: full whatever it has */
    fill: () => allow(1),
    async fillTo(share: number) {
      const used = Number(/^used_memory:(\d+)/m.exec(String(await direct.call('INFO', 'memory')))?.[1]);
      await allow(used / share);
    },
  };
}

async function fillForMoments(
  fleet: Fleet,
  { times, endMs, random }: { times: number; endMs: number; random: Dice },
): Promise<number> {
  const memory = memoryOf(fleet);
  let moments = 0;
  while (moments < times && performance.now() < endMs) {
    await sleep(random.between(...PAUSE_MS));
    await memory.fill();
    await sleep(random.between(...MOMENT_MS));
    await memory.free();
    moments++;
  }
  return moments;
}

interface Full {
  url: string;
  stage: Stage;
  /** of a concert of its own */
  name: string;
  refusals: Check;
  whole: Check;
}

/** A fan inside with two holds, and one who has yet to come, meet a full Redis; then there is room again. */
async function stayFull(fleet: Fleet, { url, stage, name, refusals, whole }: Full): Promise<void> {
  await until(async () => (await putConcert(url, name, concertInput({ price: PRICE }))).status < 300);
  const [inside, outside] = [await retried(() => newFan(url)), await retried(() => newFan(url))];
  const herald = await retried(() => newFan(url));
  const { token, queueId } = await retried(() => enter(url, inside, name));
  await charge(url, inside);
  const hold = (seat: number) =>
    call(url, '/api/v1/reservations', { body: { scheduleId: 'd1', seatIds: [`A-1-${seat}`] }, queue: token });
  const [toCancel, toPay] = [(await hold(1)).body.reservationId, (await hold(2)).body.reservationId];
  const join = ({ accessToken: bearer }: Fan) => call(url, '/api/v1/queue', { body: { concertId: name }, bearer });
  const pay = () => call(url, '/api/v1/payments', { body: { reservationId: toPay }, queue: token });

  const judge = (what: string, answer: Answer, expected: number) => {
    refusals.looked++;
    const clear = answer.status !== 503 || (answer.body?.code === 'UNAVAILABLE' && answer.headers.has('retry-after'));
    if (answer.status === expected && clear) return;
    const told = `${answer.status} ${JSON.stringify(answer.body)}`;
    refusals.violations.push(`${what} at ${Math.round(stage.share * 100)} %: ${told}, expected ${expected}`);
  };
  await memoryOf(fleet).fillTo(stage.share);
  await sleep(2 * LIMITS.MEMORY_WATCH_MS);
  // Of whom nothing else is asked: on a busy machine the server looks at the memory later.
  await awaited(() => join(herald), 503);
  judge('join', await join(outside), 503);
  judge('hold', await hold(3), 503);
  judge('charge', await charge(url, inside), stage.money ? 200 : 503);
  judge('balance', await call(url, `/api/v1/users/${inside.userId}/balance`, { queue: token }), 200);
  judge('cancel', await call(url, `/api/v1/reservations/${toCancel}`, { method: 'DELETE', queue: token }), 200);
  judge('pay', await pay(), stage.money ? 201 : 503);
  judge('leave', await call(url, `/api/v1/queue/${queueId}`, { method: 'DELETE', queue: token }), 204);
  await memoryOf(fleet).free();
  await sleep(2 * LIMITS.MEMORY_WATCH_MS);
  judge('join with room again', await awaited(() => join(outside), 201), 201);
  await judgeRest(whole, { url, inside, stage, token });
}

/** The first answer of that status; after 15 s the one that there is. */
async function awaited(ask: () => Promise<Answer>, status: number): Promise<Answer> {
  for (let left = 60; ; left--) {
    const answer = await ask();
    if (answer.status === status || left === 0) return answer;
    await sleep(250);
  }
}

const charge = (url: string, { userId, accessToken: bearer }: Fan) =>
  call(url, `/api/v1/users/${userId}/balance`, { body: { amount: CHARGED }, bearer });

/** What the fan who was inside has now. */
async function judgeRest(
  check: Check,
  { url, inside, stage, token }: { url: string; inside: Fan; stage: Stage; token: string },
): Promise<void> {
  const { userId, accessToken: bearer } = inside;
  const { balance } = (await call(url, `/api/v1/users/${userId}/balance`, { bearer })).body;
  const expected = stage.money ? 2 * CHARGED - PRICE : CHARGED;
  check.looked += 2;
  if (balance !== expected) check.violations.push(`the balance is ${balance}, not ${expected}`);
  const { reservations } = (await call(url, `/api/v1/users/${userId}/reservations`, { queue: token })).body;
  const states = reservations
    .map(({ status }: { status: string }) => status)
    .sort()
    .join(' ');
  const wanted = stage.money ? 'CANCELLED CONFIRMED' : 'CANCELLED CANCELLED';
  if (states !== wanted) check.violations.push(`the reservations are ${states}, not ${wanted}`);
}

/** Just after a full moment, 503 may still be the answer. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let left = 20; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (left === 0) throw error;
      await sleep(250);
    }
  }
}
