/** One purchase by the real scripts on a Redis of its own, with the bytes that each script wrote to the append-only file. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { isRefusal } from '../../../src/errors.ts';
import { gatedRedis } from '../../../src/payments/gate.fixture.ts';
import { pay } from '../../../src/payments/pay.ts';
import * as sale from '../../../src/payments/sale.fixture.ts';
import { startRedis } from '../../../src/testing/redis-server.ts';
import { userWith } from '../../../src/wallet/wallet.fixture.ts';
import { type RedisData, readData } from './redis-data.ts';

/** The scripts of a purchase that write, in the order of the night. */
export const STEPS = [
  'wallet/charge',
  'waiting-room/join',
  'waiting-room/admit',
  'reservations/hold',
  'reservations/cancel',
  'wallet/authorize',
  'payments/confirm',
  'wallet/post',
];

/** What the first call of a script has done. */
export interface Step {
  script: string;
  /** its bytes in the log: from the first to before the last */
  from: number;
  to: number;
  before: RedisData;
  after: RedisData;
}

export interface Purchase {
  /** the append-only folder by file name, but for the log itself */
  files: ReadonlyMap<string, Buffer>;
  logName: string;
  log: Buffer;
  steps: readonly Step[];
}

export async function recordPurchase(): Promise<Purchase> {
  const server = await startRedis({ appendonly: true });
  const redis = new Redis(server.url);
  try {
    const folder = join(server.dir, 'appendonlydir');
    const names = readdirSync(folder);
    const logName = names.find((name) => name.endsWith('.incr.aof')) ?? '';
    const size = () => statSync(join(folder, logName)).size;
    const steps: Step[] = [];
    const recording = gatedRedis(redis, async ({ label, send }) => {
      if (!STEPS.includes(label) || steps.some(({ script }) => script === label)) return send();
      const [from, before] = [size(), await readData(redis)];
      // With `appendfsync always` its bytes are there before the answer.
      const answer = await send();
      steps.push({ script: label, from, to: size(), before, after: await readData(redis) });
      return answer;
    });
    await buy(recording);
    const files = new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
    const log = files.get(logName) ?? Buffer.alloc(0);
    files.delete(logName);
    return { files, logName, log, steps };
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

async function buy(redis: ReturnType<typeof gatedRedis>): Promise<void> {
  const night = await sale.openSale(redis);
  const userId = await userWith(redis, 5_000);
  const claims = await sale.enter(redis, night, userId);
  const reservationId = await sale.hold(redis, night, claims, [1, 2]);
  const unwanted = await sale.hold(redis, night, claims, [3]);
  await sale.cancel(redis, night, { userId, reservationId: unwanted });
  const paid = await pay(sale.payDeps(redis), { claims, reservationId, idempotency: { key: 'k', fingerprint: 'f' } });
  if (isRefusal(paid)) throw new Error(`the payment was refused: ${paid.refused}`);
}
