/**
 * A power loss while Redis writes: its append-only file ends anywhere within the block of the last script. Redis starts,
 * something is sold, Redis is killed and starts again: either all of that last script stands or nothing of it, and what
 * was sold since is there. Redis is started as onsale starts its private one; then, to see that this case can fail, as
 * it comes out of the box (`aof-load-truncated yes`).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { launchOnFreePort } from '../../src/local/free-port.ts';
import { privateRedis } from '../../src/local/private-redis.ts';
import { identify, signalProcess, waitForEnd } from '../../src/local/processes.mjs';
import { launchRedis } from '../../src/local/redis-process.ts';
import { leashPrivateServers } from '../../src/testing/leash.ts';
import type { Case, CaseOptions, Verdict } from './case.ts';
import { type Purchase, recordPurchase, type Step } from './kit/recorded-purchase.ts';
import { differences, type RedisData, readData } from './kit/redis-data.ts';

/** Cuts that are tried at the same time, each with a Redis of its own. */
const LANES = 2;
const KILL_TIMEOUT_MS = 5_000;
const TOLD_EVERY = 500;

/** The log ends so many bytes into what the step has written. */
export interface Cut {
  step: Step;
  bytes: number;
}

export type Start = (dataDir: string, port: number, onSpawn: (pid: number) => void) => Promise<number>;

const quiet = { info: () => undefined, warn: () => undefined };
export const asOnsaleDoes: Start = (dataDir, port, onSpawn) =>
  privateRedis({ dataDir, log: quiet }).launch(port, onSpawn);
export const asItComes: Start = (dataDir, port, onSpawn) => {
  const settings = { save: '', appendonly: 'yes', appendfsync: 'always', 'aof-load-truncated': 'yes' };
  return launchRedis({ port, dir: join(dataDir, 'redis'), settings, onSpawn });
};

/** Two starts after a cut, something sold between them. Answers what is not as it should be. */
export async function startTwice(purchase: Purchase, { step, bytes }: Cut, start: Start): Promise<string[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'onsale-torn-'));
  const tie = leashPrivateServers(dataDir);
  const folder = join(dataDir, 'redis', 'appendonlydir');
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of purchase.files) writeFileSync(join(folder, name), content);
  writeFileSync(join(folder, purchase.logName), purchase.log.subarray(0, step.from + bytes));
  const expected = step.from + bytes === step.to ? step.after : step.before;
  const where = `${step.script} cut after ${bytes} of ${step.to - step.from} bytes`;
  const wrong: string[] = [];
  const judge = (when: string, data: RedisData, should: RedisData) =>
    wrong.push(...differences(data, should).map((line) => `${where}, ${when}: ${line}`));
  try {
    const later = await during(dataDir, start, async (redis) => {
      judge('first start', await readData(redis), expected);
      await redis.eval(SELL, 2, ...LATER);
      const all = await readData(redis);
      return new Map(LATER.map((key) => [key, all.get(key) ?? '']));
    });
    await during(dataDir, start, async (redis) => {
      judge('second start', await readData(redis), new Map([...expected, ...later]));
    });
  } catch (error) {
    wrong.push(`${where}: ${(error as Error).message}`);
  } finally {
    tie.release();
    rmSync(dataDir, { recursive: true, force: true });
  }
  return wrong;
}

/** As every script of onsale: several writes, one block. */
const SELL = "redis.call('SET', KEYS[1], 'sold') redis.call('RPUSH', KEYS[2], 'told')";
const LATER = ['{later}:seat', '{later}:outbox'];

/** A Redis that is killed (-9) at the end. */
async function during<T>(dataDir: string, start: Start, use: (redis: Redis) => Promise<T>): Promise<T> {
  // Where leashPrivateServers() looks.
  const note = (pid: number) => writeFileSync(join(dataDir, 'redis.json'), JSON.stringify({ pid }));
  const { port, pid } = await launchOnFreePort((free) => start(dataDir, free, note));
  const running = identify(pid);
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => null });
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
    signalProcess(running, 'SIGKILL');
    await waitForEnd(running, KILL_TIMEOUT_MS);
  }
}

/**
 * Every cut of every step, each once, so that the first of them, however many, are spread over all of it; another
 * seed begins elsewhere.
 */
export function* cutsOf(steps: readonly Step[], seed: number): Generator<Cut> {
  const cuts = steps.flatMap((step) =>
    Array.from({ length: step.to - step.from }, (_, index) => ({ step, bytes: index + 1 })),
  );
  // A golden section of the whole is far from every cut before it; made to share no factor with it, it meets each once.
  let stride = Math.round(cuts.length * 0.618);
  while (commonFactor(stride, cuts.length) > 1) stride++;
  for (let i = 0; i < cuts.length; i++) yield cuts[(seed + i * stride) % cuts.length] as Cut;
}

const commonFactor = (a: number, b: number): number => (b === 0 ? a : commonFactor(b, a % b));

/** Lanes that take one cut after the other. Answers how many were done, and what was wrong. */
async function tryCuts(purchase: Purchase, cuts: Iterator<Cut>, { size, deadlineMs, tell, start }: Trying) {
  const wrong: string[] = [];
  let [taken, done] = [0, 0];
  const lane = async () => {
    while (taken < size && performance.now() < deadlineMs) {
      taken++;
      const { value, done: over } = cuts.next();
      if (over) return;
      wrong.push(...(await startTwice(purchase, value, start)));
      if (++done % TOLD_EVERY === 0) tell(`${done} of ${size} cuts`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { done, wrong };
}

interface Trying extends Pick<CaseOptions, 'deadlineMs' | 'tell'> {
  size: number;
  start: Start;
}

async function run({ size, deadlineMs, seed, tell }: CaseOptions): Promise<Verdict> {
  const purchase = await recordPurchase();
  const { steps } = purchase;
  const all = steps.reduce((sum, { from, to }) => sum + to - from, 0);
  const middles = steps.map((step) => ({ step, bytes: Math.ceil((step.to - step.from) / 2) })).values();
  const asIs = await tryCuts(purchase, middles, { size: steps.length, deadlineMs, tell, start: asItComes });
  const halves = new Set(asIs.wrong.map((line) => line.split(',')[0])).size;
  tell(`without the cure ${halves} of ${asIs.done} cuts brought a half to life, as in: ${asIs.wrong[0] ?? '(none)'}`);

  const wanted = Math.min(all, Math.ceil(size * all));
  const cuts = cutsOf(steps, seed);
  const cured = await tryCuts(purchase, cuts, { size: wanted, deadlineMs, tell, start: asOnsaleDoes });
  const names = steps.map(({ script }) => script.split('/')[1]).join(', ');
  return {
    done: `the append-only file cut at ${cured.done} of the ${all} bytes that ${names} wrote; two starts after each, a sale between them; without the cure (aof-load-truncated yes) ${halves} of ${asIs.done} cuts brought a half to life`,
    runs: cured.done,
    operations: cured.done,
    answered: cured.done,
    unknown: 0,
    refused: {},
    checks: [
      {
        what: 'after either start all of the last script stands or nothing of it, and what was sold since is there',
        looked: 2 * cured.done,
        violations: cured.wrong,
      },
    ],
  };
}

export const tornLog: Case = {
  name: 'torn-log',
  about: "the append-only file ends at each byte of the last script's block; two starts each",
  short: 0.0015,
  run,
};
