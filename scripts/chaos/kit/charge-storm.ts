/** Many charges at once, each lane for a user of its own, and which of those answered are gone afterwards. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTokens } from '../../../src/auth/tokens.ts';
import { walletKeys } from '../../../src/redis/keys.ts';
import type { RedisClient } from '../../../src/redis/script.ts';
import { call } from '../../../src/testing/fan.ts';
import { JWT_SECRET } from '../../../src/testing/system.ts';
import { openWallet } from '../../../src/wallet/open.ts';

const AGAIN_MS = 50;
const tokens = createTokens({ jwtSecrets: [JWT_SECRET] });

export interface ChargeStorm {
  /** answered charges so far */
  readonly answered: number;
  /** Lets each lane come to the end of its charge, which is repeated with its key until it is answered. */
  stop(): Promise<void>;
  /** Of the charges that were answered before that moment (performance.now()), those that the wallets lack. */
  lostBy(redis: RedisClient, momentMs: number): Promise<Lost>;
}

interface Lost {
  charges: number;
  /** the oldest was answered so long before; 0 where none is lost */
  oldestMs: number;
}

/** One unit a charge, as fast as they are answered. */
export async function startChargeStorm(url: string, redis: RedisClient, lanes: number): Promise<ChargeStorm> {
  const users = Array.from({ length: lanes }, () => ({
    userId: `u_storm_${randomUUID()}`,
    answeredMs: [] as number[],
  }));
  for (const { userId } of users) await openWallet({ redis }, userId);
  let stopping = false;
  const ended = users.map(async ({ userId, answeredMs }) => {
    const bearer = tokens.signAccess(userId);
    while (!stopping) {
      await charge(url, userId, bearer);
      answeredMs.push(performance.now());
    }
  });
  return {
    get answered() {
      return users.reduce((sum, { answeredMs }) => sum + answeredMs.length, 0);
    },
    async stop() {
      stopping = true;
      await Promise.all(ended);
    },
    async lostBy(client, momentMs) {
      const lost: Lost = { charges: 0, oldestMs: 0 };
      for (const { userId, answeredMs } of users) {
        const there = Number(await client.hget(walletKeys(userId).wallet, 'charged'));
        const missing = answeredMs.length - there;
        if (missing <= 0) continue;
        lost.charges += missing;
        // A master takes with it what it has answered last.
        const before = answeredMs.filter((atMs) => atMs <= momentMs);
        lost.oldestMs = Math.max(lost.oldestMs, momentMs - (before.at(-missing) ?? 0));
      }
      return lost;
    },
  };
}

async function charge(url: string, userId: string, bearer: string): Promise<void> {
  const options = { body: { amount: 1 }, bearer, headers: { 'idempotency-key': randomUUID() } };
  for (;;) {
    const answer = await call(url, `/api/v1/users/${userId}/balance`, options).catch(() => null);
    if (answer?.status === 200) return;
    if (answer && answer.status < 500) throw new Error(`charge: ${answer.status} ${JSON.stringify(answer.body)}`);
    await sleep(AGAIN_MS);
  }
}
