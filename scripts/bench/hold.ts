/** Hold of one seat: all win, then all want what is taken. Queue tokens are known, as after polls or a seat map. */
import { type Arena, openArena, type ServerResult } from './arena.ts';
import { admitAll, holdStep, type Member, newHeld, newUsers, openConcert, seatIdOf, takePlaces } from './crowd.ts';
import { type Options, scaled } from './options.ts';
import { printRuns, printTargets, ratio } from './table.ts';
import { requestOf } from './wrk.ts';

const HOLDS_A_USER = 5;
const RAW_USERS = 10_000;

export async function hold(options: Options): Promise<boolean> {
  const arena = await openArena({ env: { LIMIT_POLL_BURST: '0', LIMIT_USER_BURST: '0' } });
  try {
    console.log('\nLIMIT_USER_BURST=0: each of few users holds many times within a second here.');
    return await measure(arena, options);
  } finally {
    await arena.close();
  }
}

async function measure(arena: Arena, options: Options): Promise<boolean> {
  const users = scaled(20_000, options);
  const concertId = await openConcert(arena.onsale.url, { seats: users * (HOLDS_A_USER + 1) });
  const members = await admitted(arena, concertId, users);
  const losers = await admitted(arena, concertId, users);
  await known(arena, [...members, ...losers]);

  const holds = (some: readonly Member[], rounds: number, first = 0) =>
    Array.from({ length: rounds * some.length }, (_, i) => holdRequest(some[i % some.length], first + i));
  await arena.run({ requests: holds(members, 1), once: true, seconds: 30 });
  const won = await arena.run({ requests: holds(members, HOLDS_A_USER, users), once: true, seconds: 30 });
  await arena.run({ requests: holds(losers, 1), once: true, seconds: 30 });
  const lost = await arena.run({ requests: holds(losers, HOLDS_A_USER), once: true, seconds: 30 });
  if (won.refused > 0 || lost.refused < lost.count)
    throw new Error(`refused: ${won.refused} of the wins, ${lost.refused} of the conflicts`);

  const raw = await runRaw(arena, options);
  const like = await likeWin(arena);
  await arena.runBare({ requests: [like.request], answerBytes: like.bytes, seconds: 1 });
  const bare = await arena.runBare({ requests: holds(members, 1), answerBytes: like.bytes, seconds: options.seconds });
  printRuns([
    { what: 'hold, won', result: won },
    { what: 'hold, all taken', result: lost },
    { what: 'the script alone', result: raw },
    { what: `bare POST, answer of ${like.bytes} bytes`, result: bare },
  ]);
  return printTargets([
    { what: 'hold / bare POST', ...ratio(won, bare), min: 0.3 },
    { what: 'hold / its script alone', value: won.rate / raw.rate, min: 0.6 },
    { what: 'a conflict / a win, in time', ...ratio(won, lost), max: 1 },
  ]);
}

export function holdRequest(member: Member | undefined, index: number): string {
  return requestOf('POST', '/api/v1/reservations', {
    headers: { 'queue-token': member?.queueToken ?? '' },
    body: { scheduleId: 'd1', seatIds: [seatIdOf(index)] },
  });
}

export async function admitted({ client }: Arena, concertId: string, count: number): Promise<Member[]> {
  const members = await takePlaces(client, concertId, await newUsers(client, count));
  await admitAll(client, concertId);
  return members;
}

/** Has each token seen once by onsale. */
export async function known(arena: Arena, members: readonly Member[]): Promise<ServerResult> {
  const requests = members.map(({ queueToken }) =>
    requestOf('GET', '/api/v1/queue', { headers: { 'queue-token': queueToken } }),
  );
  const seen = await arena.run({ requests, once: true, seconds: 60 });
  if (seen.refused > 0) throw new Error(`${seen.refused} tokens were refused`);
  return seen;
}

/** In a hall of its own, so that the script finds what onsale found. */
async function runRaw(arena: Arena, options: Options) {
  const users = scaled(RAW_USERS, options);
  const concertId = await openConcert(arena.onsale.url, { seats: users * HOLDS_A_USER });
  const members = await admitted(arena, concertId, users);
  const operations = Array.from({ length: users * HOLDS_A_USER }, (_, index) => [
    holdStep(newHeld(members[index % users] as Member), { scheduleId: 'd1', index }),
  ]);
  const raw = await arena.runRaw(operations);
  if (raw.outcomes.HELD !== raw.count) throw new Error(`the script alone answered ${JSON.stringify(raw.outcomes)}`);
  return raw;
}

async function likeWin(arena: Arena): Promise<{ request: string; bytes: number }> {
  const concertId = await openConcert(arena.onsale.url, { seats: 1 });
  const [member] = await admitted(arena, concertId, 1);
  const request = holdRequest(member, 0);
  const { status, bytes } = await arena.sample(request);
  if (status !== 201) throw new Error(`hold answered ${status}`);
  return { request, bytes };
}
