/** Join: a place for each user once, their access token seen by this process for the first time, or known to it. */
import { type Arena, type Durability, openArena } from './arena.ts';
import { bearerOf, joinRequests, joinStep, newUsers, openConcert } from './crowd.ts';
import { compareGathering } from './join-gathered.ts';
import { printRuns, printTargets, ratio, type Row, type Target } from './table.ts';
import { type Options, scaled } from './options.ts';

const TARGET: Record<Durability, number> = { memory: 0.4, fsync: 0.35 };
const ROOMS = 4;

export async function join(options: Options): Promise<boolean> {
  const rows: Row[] = [];
  const targets: Target[] = [];
  for (const durability of ['memory', 'fsync'] as const) {
    const arena = await openArena({ durability });
    try {
      await measure(arena, { durability, options, rows, targets });
    } finally {
      await arena.close();
    }
  }
  for (const durability of ['memory', 'fsync'] as const) {
    const compared = await compareGathering(durability, options);
    rows.push(...compared.rows);
    targets.push(compared.target);
  }
  printRuns(rows);
  return printTargets(targets);
}

interface Measuring {
  durability: Durability;
  options: Options;
  rows: Row[];
  targets: Target[];
}

async function measure(arena: Arena, { durability, options, rows, targets }: Measuring): Promise<void> {
  const { client, onsale } = arena;
  const [strangers, regulars, seconds] = [scaled(100_000, options), scaled(20_000, options), options.seconds];
  const concertId = await openConcert(onsale.url);
  const users = await newUsers(client, strangers + regulars);
  const bearers = users.map(bearerOf);

  const known = bearers.slice(0, regulars);
  await arena.run({ requests: joinRequests(known, concertId), once: true, seconds: 30 }); // warm-up; their tokens are known now
  const cold = await arena.run({ requests: joinRequests(bearers.slice(regulars), concertId), once: true, seconds: 30 });
  const rooms = await Promise.all(Array.from({ length: ROOMS }, () => openConcert(onsale.url)));
  const again = rooms.flatMap((id) => joinRequests(known, id));
  const warm = await arena.run({ requests: again, once: true, seconds: 30 });

  const alone = await openConcert(onsale.url);
  const raw = await arena.runRaw(users.slice(0, scaled(60_000, options)).map((userId) => [joinStep(alone, userId)]));
  const [sample] = await newUsers(client, 1);
  const like = joinRequests([bearerOf(sample ?? '')], concertId);
  const { status, bytes } = await arena.sample(like[0] ?? '');
  if (status !== 201) throw new Error(`join answered ${status}`);
  await arena.runBare({ requests: like, answerBytes: bytes, seconds: 1 });
  const bare = await arena.runBare({
    requests: joinRequests(bearers.slice(0, 20_000), concertId),
    answerBytes: bytes,
    seconds,
  });

  rows.push(
    { what: `join, tokens not seen before, ${durability}`, result: cold },
    { what: `join, tokens known, ${durability}`, result: warm },
    { what: `the script alone, one join a call, ${durability}`, result: raw },
    { what: `bare POST, answer of ${bytes} bytes`, result: bare },
  );
  targets.push(
    {
      what: `join / bare POST, tokens not seen before, ${durability}`,
      ...ratio(cold, bare),
      min: TARGET[durability],
    },
    { what: `join / bare POST, tokens known, ${durability}`, ...ratio(warm, bare), min: TARGET[durability] },
    { what: `join / its script alone, ${durability}`, value: cold.rate / raw.rate },
  );
}
