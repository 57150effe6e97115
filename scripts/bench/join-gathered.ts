/**
 * What it costs a join to go to Redis together with others: nothing, if latencies at the same rate are no worse than with
 * a script call for each. The rate is one that both can serve, with pauses between requests: in a full closed loop the
 * faster of the two would be measured at a higher rate.
 */
import { type Arena, type Durability, openArena, type ServerResult } from './arena.ts';
import { bearerOf, joinRequests, newUsers, openConcert } from './crowd.ts';
import { type Options, scaled } from './options.ts';
import type { Row, Target } from './table.ts';

/** 256 / 30 ms: 8,500 joins a second. */
const PACE = { connections: 256, pauseMs: 60 };
/** In turn, so that what else the machine does meets both; the median of those after the first ones counts. */
const [WARM_UP, ROUNDS] = [3, 9];
const ONE_A_CALL = new URL('./join-one-a-call.ts', import.meta.url).href;

export async function compareGathering(
  durability: Durability,
  options: Options,
): Promise<{ rows: Row[]; target: Target }> {
  const together = await openArena({ durability });
  try {
    const alone = await openArena({ durability, env: { NODE_OPTIONS: `--import ${ONE_A_CALL}` } });
    try {
      return await compare(together, alone, { durability, options });
    } finally {
      await alone.close();
    }
  } finally {
    await together.close();
  }
}

async function compare(
  together: Arena,
  alone: Arena,
  { durability, options }: { durability: Durability; options: Options },
): Promise<{ rows: Row[]; target: Target }> {
  const sides = await Promise.all(
    [together, alone].map(async (arena) => {
      const bearers = (await newUsers(arena.client, scaled(20_000, options))).map(bearerOf);
      return { arena, bearers, results: [] as ServerResult[] };
    }),
  );
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    for (const { arena, bearers, results } of round % 2 === 0 ? sides : sides.toReversed()) {
      const requests = joinRequests(bearers, await openConcert(arena.onsale.url));
      const result = await arena.run({ requests, once: true, seconds: 60, ...PACE });
      if (result.refused > 0) throw new Error(`${result.refused} joins were refused`);
      if (round >= WARM_UP) results.push(result);
    }
  }
  const [gathered, single] = sides.map(({ results }) => median(results)) as [ServerResult, ServerResult];
  return {
    rows: [
      { what: `join at the pace of the generator, many a call, ${durability}`, result: gathered },
      { what: `join at the same pace, one a call, ${durability}`, result: single },
    ],
    target: {
      what: `p99 of join / p99 with one script a join, at the same pace, ${durability}`,
      value: gathered.p99Ms / single.p99Ms,
      max: 1,
    },
  };
}

/** By their p99. */
function median(results: readonly ServerResult[]): ServerResult | undefined {
  return results.toSorted((a, b) => a.p99Ms - b.p99Ms)[Math.floor(results.length / 2)];
}
