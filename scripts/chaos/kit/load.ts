/** A mixed load over HTTP: fans who join, are admitted, look, charge, hold, cancel, pay and leave, over and over. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createTokens } from '../../../src/auth/tokens.ts';
import { concertInput, putConcert } from '../../../src/testing/fan.ts';
import { JWT_SECRET } from '../../../src/testing/system.ts';
import { openWallet } from '../../../src/wallet/open.ts';
import { createCaller } from './caller.ts';
import { type Hall, type Fan, type World, liveOnce } from './fan-life.ts';
import type { Fleet } from './fleet.ts';
import { type Ledger, newLedger } from './ledger.ts';
import { dice } from './random.ts';

export interface LoadOptions {
  /** who act at the same time */
  fans: number;
  /** open at the same time; one that is nearly sold out gives way to a new one */
  concerts: number;
  /** of each concert */
  seats: number;
  /** calls a second, all fans together; default 250: half of this project's machine of two cores */
  ratePerSecond?: number;
  seed: number;
}

export interface Load {
  readonly ledger: Ledger;
  /** Begins nothing new; resolves with the ledger when every operation has its answer, or gave up on it. */
  stop(): Promise<Ledger>;
}

/** What is without an answer when the load is stopped is sent again for so long. */
const ANSWER_WITHIN_MS = 45_000;
const DEFAULT_RATE = 250;
const PRICE = 1_000;
const SCHEDULES = ['d1', 'd2'];
/** Much longer than any run: no place and no hold ends by itself. */
const ROOM = { capacity: 100_000, admitPerSecond: 100_000, claimSeconds: 36_000, sessionSeconds: 36_000 };
const HOLD_SECONDS = 3_600;
const SOLD_OUT = 0.8;

type LoadedFleet = Pick<Fleet, 'urls' | 'direct' | 'closing'>;

/** Opens the concerts, then starts the fans. */
export async function startLoad(fleet: LoadedFleet, options: LoadOptions): Promise<Load> {
  const ledger = newLedger();
  const random = dice(options.seed);
  let givesUpAt = Number.POSITIVE_INFINITY;
  let stopping = false;
  const endBy = (giveUpMs: number) => {
    stopping = true;
    givesUpAt = Math.min(givesUpAt, performance.now() + giveUpMs);
  };
  fleet.closing.addEventListener('abort', () => endBy(0));
  const caller = createCaller({
    urls: fleet.urls,
    ledger,
    random,
    pace: pacedAt(options.ratePerSecond ?? DEFAULT_RATE),
    givesUpAt: () => givesUpAt,
  });
  const name = `c${options.seed}`;
  const openHall = async (number: number): Promise<Hall> => {
    const concertId = `${name}-${number}`;
    ledger.concerts.add(concertId);
    const seats = Math.ceil(options.seats / SCHEDULES.length);
    const input = inputOf(seats);
    await untilDone(async () => (await putConcert(random.pick(fleet.urls), concertId, input)).status < 300);
    return { concertId, schedules: SCHEDULES, seatsEach: seats, price: PRICE, sold: 0 };
  };
  const halls = await Promise.all(Array.from({ length: options.concerts }, (_, index) => openHall(index + 1)));
  let opened = halls.length;
  const world: World = {
    ...caller,
    ledger,
    random,
    stopping: () => stopping,
    newFan: () => newFan(fleet, { ledger, name }),
    async pickHall() {
      const slot = random.between(0, halls.length - 1);
      const hall = halls[slot] as Hall;
      if (hall.sold < SOLD_OUT * hall.seatsEach * SCHEDULES.length) return hall;
      hall.sold = 0; // whoever comes meanwhile still gets the old one
      halls[slot] = await openHall(++opened);
      return halls[slot];
    },
  };
  const lives = Array.from({ length: options.fans }, async () => {
    let fan: Fan | null = null;
    while (!stopping) fan = await liveOnce(world, fan);
  });
  const ended = Promise.all(lives);
  ended.catch(() => {}); // told by stop()
  return {
    ledger,
    async stop() {
      endBy(ANSWER_WITHIN_MS);
      await ended;
      return ledger;
    },
  };

  /** Repeats what is safe to repeat until it works: whatever it needs may be down just now. */
  async function untilDone(tryIt: () => Promise<boolean>): Promise<void> {
    while (!(await tryIt().catch(() => false))) {
      if (performance.now() > givesUpAt) throw new Error('a concert could not be opened by the end');
      await sleep(200);
    }
  }
}

function inputOf(seats: number) {
  const sale = { seats, schedules: SCHEDULES, price: PRICE, seatLimit: 8, holdSeconds: HOLD_SECONDS };
  return concertInput({ ...sale, room: ROOM });
}

const tokens = createTokens({ jwtSecrets: [JWT_SECRET] });
let users = 0;

/** As scripts/seed-users.ts makes them: a wallet by the real script, a token as a login would sign it. */
export async function newFan(
  { direct, closing }: LoadedFleet,
  { ledger, name }: { ledger: Ledger; name: string },
): Promise<Fan> {
  const userId = `u_${name}_${++users}`;
  for (;;) {
    try {
      await openWallet({ redis: direct }, userId);
      break;
    } catch (error) {
      if (closing.aborted) throw error;
      await sleep(100); // Redis is away just now; opening is safe to repeat
    }
  }
  const bearer = tokens.signAccess(userId);
  ledger.users.set(userId, bearer);
  return { userId, bearer, balance: 0, setAside: 0, bought: 0 };
}

/** Calls are spread evenly; a time in which nobody called is not made up for. */
function pacedAt(ratePerSecond: number): () => Promise<void> {
  let nextMs = 0;
  return async () => {
    const nowMs = performance.now();
    nextMs = Math.max(nowMs, nextMs + 1000 / ratePerSecond);
    if (nextMs - nowMs > 1) await sleep(nextMs - nowMs);
  };
}
