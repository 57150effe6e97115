/**
 * Case 8: requests, tokens, frames and crowds that nobody should send, at one server, while fans buy. The process lives,
 * answers them from the table or cuts them, in time, within its memory; fans are served, and the books are theirs alone.
 */
import { JWT_SECRET, OPERATOR_KEY } from '../../src/testing/system.ts';
import { call, concertInput, putConcert } from '../../src/testing/fan.ts';
import { until } from '../../src/testing/until.ts';
import type { Case, CaseOptions, Check, Verdict } from './case.ts';
import { accidents, bodies } from './kit/abuse-bodies.ts';
import { type Crowd, floods, strangers } from './kit/abuse-crowds.ts';
import { type Frames, playScenes } from './kit/abuse-frames.ts';
import { type Attack, framing, heads, rows, SMUGGLED, type Victim } from './kit/abuse-requests.ts';
import { forge } from './kit/abuse-tokens.ts';
import { startProbe } from './kit/abuse-watch.ts';
import { type Heard, judge, say } from './kit/abuse-wire.ts';
import { harmUntil } from './kit/bounds.ts';
import { type Fleet, startFleet } from './kit/fleet.ts';
import { checkAll } from './kit/invariants.ts';
import { type Ledger, newLedger, tally } from './kit/ledger.ts';
import { newFan, startLoad } from './kit/load.ts';
import { type Dice, dice } from './kit/random.ts';

/** Of the long form, all kinds together. */
const REQUESTS = 50_000;
const ROUND = 500;
const AT_ONCE = 100;
/** One is 400 kB of requests. */
const ROW_SHARE = 0.005;
const TOKENS_A_ROUND = 100;
const FLOOD = 150;
const ROUNDS_A_CROWD = 10;
const [OPEN, SHUT] = ['abuse-open', 'abuse-shut'];
const FAMILIES = [framing, heads, bodies, accidents];
/** The contract's own: what is counted is to be met here. */
const LIMITED = { LIMIT_USER_PER_SECOND: '20', LIMIT_LOGIN_PER_SECOND: '50', LIMIT_POLL_BURST: '8' };

export const abuse: Case = {
  name: 'abuse',
  about: 'fuzzed HTTP, forged tokens, bad frames, and crowds past every limit',
  short: 0.01,
  async run(options) {
    const fleet = await startFleet({ servers: 1, env: LIMITED });
    try {
      return await storm(fleet, options);
    } finally {
      await fleet.close();
    }
  },
};

/** What came of the requests of each family. */
type Told = Map<string, { asked: number; outcomes: Map<string, number>; violations: string[] }>;

interface Stage {
  port: number;
  url: string;
  victim: Victim;
  random: Dice;
  told: Told;
}

async function storm(fleet: Fleet, { size, seed, deadlineMs, tell }: CaseOptions): Promise<Verdict> {
  const [server] = fleet.servers;
  if (!server) throw new Error('the fleet has no server');
  const { url, pid } = server;
  const random = dice(seed);
  const stage: Stage = {
    port: Number(new URL(url).port),
    url,
    random,
    told: new Map(),
    victim: await findVictim(fleet, url),
  };
  const load = await startLoad(fleet, { fans: 6, concerts: 1, seats: 400, ratePerSecond: 40, seed });
  const probe = startProbe({ port: stage.port, pid });
  const [crowds, frames]: [Crowd[], Frames[]] = [[], []];
  const [requests, harmUntilMs] = [Math.max(ROUND, Math.round(REQUESTS * size)), harmUntil(deadlineMs)];
  let rounds = 0;
  for (; rounds * ROUND < requests && (rounds === 0 || performance.now() < harmUntilMs); rounds++) {
    const { bearer } = await newFan(fleet, { ledger: newLedger(), name: 'flood' });
    // Strangers last: while so many are there, nobody else gets a socket.
    const sockets = async () => {
      frames.push(await playScenes({ port: stage.port, token: stage.victim.waiting, secret: JWT_SECRET }, random));
      if (rounds % ROUNDS_A_CROWD === 0) crowds.push(await strangers(stage.port));
    };
    crowds.push(await floods(url, { bearer, concertId: SHUT, count: FLOOD }));
    await Promise.all([sockets(), fuzz(stage), tryTokens(stage)]);
    tell(`round ${rounds + 1} of ${Math.ceil(requests / ROUND)}`);
  }
  const witnesses = await probe.stop();
  const ledger = await load.stop();
  const faults = server.output.filter((line) => /"level":(50|60)/.test(line));
  const checks: Check[] = [
    { what: 'the process lives', looked: 1, violations: server.running && server.pid === pid ? [] : ['it is gone'] },
    { what: 'its log tells of no fault', looked: 1, violations: faults },
    ...judgeAll(stage.told, frames, crowds),
    ...witnesses,
    ...(await checkAll(fleet, ledger)),
  ];
  return verdictOf({ stage, frames, crowds, rounds, checks, ledger });
}

/** Somebody with one place inside and one that waits. */
async function findVictim(fleet: Fleet, url: string): Promise<Victim> {
  const { userId, bearer } = await newFan(fleet, { ledger: newLedger(), name: 'victim' });
  await putConcert(url, OPEN, concertInput({ seats: 500, room: { claimSeconds: 36_000, sessionSeconds: 36_000 } }));
  await putConcert(url, SHUT, concertInput({ room: { state: 'PAUSED' } }));
  const [active, waiting] = await Promise.all(
    [OPEN, SHUT].map(async (concertId) =>
      String((await call(url, '/api/v1/queue', { bearer, body: { concertId } })).body.token),
    ),
  );
  if (!active || !waiting) throw new Error('the victim got no places');
  await until(async () => (await call(url, '/api/v1/queue', { queue: active })).body.status === 'ACTIVE');
  return { userId, bearer, active, waiting, concertId: OPEN, scheduleId: 'd1', operatorKey: OPERATOR_KEY };
}

/** A round of requests, so many at a time. */
async function fuzz({ port, victim, random, told }: Stage): Promise<void> {
  let left = ROUND;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const attack = random.chance(ROW_SHARE) ? rows(random, victim) : random.pick(FAMILIES)(random, victim);
      note(told, attack, await say(port, attack.pieces, attack));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function note(told: Told, { family, pieces, head }: Attack, heard: Heard): void {
  const of = told.get(family) ?? { asked: 0, outcomes: new Map<string, number>(), violations: [] };
  told.set(family, of);
  const { outcome, violation } = judge(heard, { head });
  const smuggled = heard.answers.some(({ headers }) => headers['x-request-id'] === SMUGGLED);
  const wrong = violation ?? (smuggled ? 'what stood behind it was answered' : null);
  of.asked += 1;
  of.outcomes.set(outcome, (of.outcomes.get(outcome) ?? 0) + 1);
  if (wrong)
    of.violations.push(`${wrong}; it was ${JSON.stringify(Buffer.concat(pieces).toString('latin1').slice(0, 400))}`);
}

/** Tokens that were never given out, wherever one may stand. */
async function tryTokens({ port, victim, random, told }: Stage): Promise<void> {
  for (let left = TOKENS_A_ROUND; left > 0; left--) {
    const access = random.chance(0.4);
    const { what, token } = forge(
      random,
      access ? victim.bearer : random.pick([victim.active, victim.waiting]),
      JWT_SECRET,
    );
    const field = access ? 'Authorization: Bearer ' : random.pick(['Queue-Token: ', 'USER-TOKEN: Bearer ']);
    const path = access ? `/api/v1/users/${victim.userId}/balance` : '/api/v1/queue';
    const bytes = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a\r\n${field}${token}\r\n\r\n`, 'latin1');
    const heard = await say(port, [bytes]);
    const family = 'forged tokens';
    note(told, { family, pieces: [bytes], head: false }, heard);
    const [answer] = heard.answers;
    if (answer && answer.status < 400) told.get(family)?.violations.push(`${what} opened ${path}: ${token}`);
  }
}

function judgeAll(told: Told, frames: readonly Frames[], crowds: readonly Crowd[]): Check[] {
  const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0);
  return [
    ...[...told].map(([family, { asked: looked, violations }]) => ({
      what: `${family}: answered from the table, or cut, in time`,
      looked,
      violations,
    })),
    {
      what: 'frames and messages: the socket ends, or goes on',
      looked: sum(frames.map(({ sockets }) => sockets)),
      violations: frames.flatMap(({ violations }) => violations),
    },
    {
      what: 'crowds: as many as the limits say, refusals for the others',
      looked: sum(crowds.map(({ count }) => count)),
      violations: crowds.flatMap(({ what, violations }) => violations.map((line) => `${what}: ${line}`)),
    },
  ];
}

function verdictOf({
  stage,
  frames,
  crowds,
  rounds,
  checks,
  ledger,
}: {
  stage: Stage;
  frames: readonly Frames[];
  crowds: readonly Crowd[];
  rounds: number;
  checks: Check[];
  ledger: Ledger;
}): Verdict {
  const outcomes = new Map<string, number>();
  for (const each of [...stage.told.values(), ...frames, ...crowds])
    for (const [outcome, times] of each.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + times);
  const asked = [...outcomes.values()].reduce((all, one) => all + one, 0);
  const most = [...outcomes].sort(([, a], [, b]) => b - a).map(([outcome, times]) => `${outcome} ${times}`);
  return { done: `${asked} abuses beside fans who buy: ${most.join(', ')}`, runs: rounds, ...tally(ledger), checks };
}
