/** Seat map of 15,000 seats: reads, unchanged reads, and how soon watchers hear of holds. */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSocket } from '../../src/testing/fan.ts';
import { type Arena, openArena } from './arena.ts';
import { type Member, openConcert, seatIdOf } from './crowd.ts';
import { admitted } from './hold.ts';
import { type Options, scaled } from './options.ts';
import { printRuns, printTargets, ratio, type Target } from './table.ts';
import { requestOf } from './wrk.ts';

const SEATS = 15_000;
const READERS = 200;
const WATCHERS = 20;
const HOLDS_A_SECOND = 1_000;
const BEAT_MS = 20;

export async function seatMap(options: Options): Promise<boolean> {
  const arena = await openArena({ env: { LIMIT_USER_BURST: '0' } });
  try {
    const concertId = await openConcert(arena.onsale.url, { seats: SEATS });
    const members = await admitted(arena, concertId, READERS);
    const targets = await read(arena, { concertId, members, options });
    return printTargets([...targets, ...(await watch(arena, options))]);
  } finally {
    await arena.close();
  }
}

async function read(
  arena: Arena,
  { concertId, members, options }: { concertId: string; members: readonly Member[]; options: Options },
): Promise<Target[]> {
  const { seconds } = options;
  const path = `/api/v1/concerts/${concertId}/schedules/d1/seats`;
  const readsWith = (headers: Record<string, string>) =>
    members.map(({ queueToken }) => requestOf('GET', path, { headers: { 'queue-token': queueToken, ...headers } }));
  const reads = readsWith({});
  const full = await arena.sample(reads[0] ?? '');
  if (full.status !== 200 || !full.etag) throw new Error(`the seat map answered ${full.status}`);
  const unchanged = readsWith({ 'if-none-match': full.etag });
  const none = await arena.sample(unchanged[0] ?? '');
  if (none.status !== 304) throw new Error(`the unchanged seat map answered ${none.status}`);
  await arena.run({ requests: [...reads, ...unchanged], once: false, seconds: 1 });
  const all = await arena.run({ requests: reads, once: false, seconds });
  const bareAll = await arena.runBare({ requests: reads, answerBytes: full.bytes, seconds });
  const same = await arena.run({ requests: unchanged, once: false, seconds });
  const bareNone = await arena.runBare({ requests: unchanged, answerBytes: none.bytes, seconds });
  printRuns([
    { what: `seat map of ${SEATS}, ${full.bytes} bytes`, result: all },
    { what: 'bare GET of as many bytes', result: bareAll },
    { what: 'seat map, unchanged (304)', result: same },
    { what: `bare GET of ${none.bytes} bytes`, result: bareNone },
  ]);
  return [
    { what: 'seat map / bare GET of as many bytes', ...ratio(all, bareAll), min: 0.7 },
    { what: 'unchanged (304) / bare GET of as many bytes', ...ratio(same, bareNone), min: 0.8 },
  ];
}

/** Holds at a steady rate from this process; a delay counts from the moment at which the hold was sent. */
async function watch(arena: Arena, options: Options): Promise<Target[]> {
  const { onsale } = arena;
  const holds = scaled(HOLDS_A_SECOND * 10, options);
  const concertId = await openConcert(onsale.url, { seats: holds });
  const members = await admitted(arena, concertId, Math.ceil(holds / 8));
  const watchers = await Promise.all(
    members.slice(0, WATCHERS).map(({ queueToken }) => openSocket(onsale.url, queueToken)),
  );
  const [sentAt, delays, refused] = [new Map<string, number>(), [] as number[], [] as number[]];
  for (const { raw } of watchers)
    raw.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { type: string; changes?: [string, string][] };
      const now = performance.now();
      if (message.type === 'seats')
        for (const [seatId] of message.changes ?? []) delays.push(now - (sentAt.get(seatId) ?? now));
    });
  await Promise.all(watchers.map(({ next }) => next(({ type }) => type === 'ticket')));
  for (const watcher of watchers) watcher.send({ type: 'watch', scheduleId: 'd1' });
  await Promise.all(watchers.map(({ next }) => next(({ type }) => type === 'seats')));

  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const started = performance.now();
  for (let sent = 0; sent < holds; await sleep(BEAT_MS)) {
    const due = Math.min(holds, Math.ceil(((performance.now() - started) / 1000) * HOLDS_A_SECOND));
    for (; sent < due; sent++) {
      sentAt.set(seatIdOf(sent), performance.now());
      holdOne(onsale.port, { agent, member: members[sent % members.length] as Member, index: sent, refused });
    }
  }
  const seconds = (performance.now() - started) / 1000;
  await sleep(1_500);
  agent.destroy();
  await Promise.all(watchers.map((watcher) => watcher.close()));
  delays.sort((a, b) => a - b);
  const at = (share: number) => delays[Math.floor((delays.length - 1) * share)] ?? Number.POSITIVE_INFINITY;
  if (refused.length > 0) throw new Error(`${refused.length} holds were refused, the first with ${refused[0]}`);
  return [
    { what: `holds a second while ${WATCHERS} sockets watch`, value: holds / seconds },
    { what: 'of its changes each watcher was told', value: delays.length / holds / WATCHERS, min: 1, max: 1 },
    { what: 'a change at a watcher after the hold was sent, p50', value: at(0.5), unit: ' ms' },
    { what: 'the same, p99', value: at(0.99), max: 250, unit: ' ms' },
    { what: 'the same, worst', value: at(1), unit: ' ms' },
  ];
}

function holdOne(
  port: number,
  { agent, member, index, refused }: { agent: Agent; member: Member; index: number; refused: number[] },
): void {
  const body = JSON.stringify({ scheduleId: 'd1', seatIds: [seatIdOf(index)] });
  const headers = {
    'queue-token': member.queueToken,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  };
  const call = request(
    { port, host: '127.0.0.1', path: '/api/v1/reservations', method: 'POST', agent, headers },
    (res) => {
      if (res.statusCode !== 201) refused.push(res.statusCode ?? 0);
      res.resume();
    },
  );
  call.on('error', () => refused.push(0));
  call.end(body);
}
