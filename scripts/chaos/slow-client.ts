/**
 * Clients that take and never read, or begin and never end: sockets that watch a sale and read nothing, big answers
 * that nobody reads, requests in a row without a look at the answers, half requests, bodies that come byte by byte.
 * Meanwhile others do as they should. Each slow one is ended in its time, and costs neither memory nor the others' time.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../src/limits.ts';
import { call, concertInput, enter, type Fan, putConcert } from '../../src/testing/fan.ts';
import { connectRaw, type RawConnection } from '../../src/testing/raw-http.ts';
import { openRawSocket } from '../../src/testing/raw-socket.ts';
import { until } from '../../src/testing/until.ts';
import type { Case, CaseOptions, Check, Verdict } from './case.ts';
import { type Fleet, startFleet } from './kit/fleet.ts';
import { newLedger } from './kit/ledger.ts';
import { newFan as newUser } from './kit/load.ts';

const CONCERT = 'slow';
const SCHEDULE = 'd1';
/** Of the long form; each kind. */
const CLIENTS = 400;
/** From this size on there is time to wait for uWebSockets.js' deadlines, half a minute. */
const LONG = 0.5;
/** Its socket, and the keep-alive connections of its calls and ours. */
const HONEST_CONNECTIONS = 10;
const HONEST_SOCKETS = 1;
/** Names as long as they may be, so that few seats make a long snapshot: 120 bytes a seat. */
const SECTION = '가'.repeat(16);
const ROW = '나'.repeat(16);
const SEATS = 40_000;
/** Those that are taken are what a snapshot tells: 60 kB, and 20 of them a second until the socket is full. */
const HOLDERS = 64;
const SEATS_A_HOLD = 8;
const WATCH_EVERY_MS = 60;

/** 10 s after its buffers are full, seen within 5; on a busy machine it takes a while to fill them. */
const WATCHERS_CLOSED_MS = LIMITS.WS_CATCH_UP_MS + 35_000;
/** By then the server has let go of all, whatever uWebSockets.js' own deadlines are: measured 28 s for what is silent. */
const LET_GO_MS = 60_000;
/** Of two busy cores, not of the server: it answers in about a millisecond. */
const PATIENCE_MS = 4_000;
/** Beside 400 clients of each kind. A socket may have 16 MB waiting by uWebSockets.js' own bound, a body 4 MB. */
const MEMORY_MAX_MB = 400;
const LATE_MS = 6_000;
/** A busy machine may be late once, and answers 503; one whose slow clients starve the others is late always. */
const LATE_SHARE = 0.01;

interface Stage {
  fleet: Fleet;
  port: number;
  /** of a place that is ACTIVE */
  token: string;
  fan: Fan;
  tell: CaseOptions['tell'];
}

export const slowClient: Case = {
  name: 'slow-client',
  about: 'sockets, answers and requests that nobody reads or ends',
  short: 0.05,
  async run({ size, tell }) {
    const fleet = await startFleet({ servers: 1 });
    try {
      const stage = await setTheStage(fleet, tell);
      return await play(stage, { clients: Math.max(5, Math.round(CLIENTS * size)), long: size >= LONG });
    } finally {
      await fleet.close();
    }
  },
};

async function setTheStage(fleet: Fleet, tell: CaseOptions['tell']): Promise<Stage> {
  const [server] = fleet.servers;
  if (!server) throw new Error('the fleet has no server');
  const concert = concertInput({ seatLimit: SEATS_A_HOLD, holdSeconds: 3_600 });
  concert.schedules = concert.schedules.map((schedule) => ({
    ...schedule,
    sections: [{ section: SECTION, price: 1_000, rows: [{ row: ROW, seats: SEATS }] }],
  }));
  await putConcert(server.url, CONCERT, concert);
  const made = await Promise.all(Array.from({ length: HOLDERS + 1 }, () => newFan(fleet)));
  const [fan, ...fans] = made as [Fan, ...Fan[]];
  await Promise.all(fans.map((holder, index) => hold(server.url, holder, index)));
  const { token } = await enter(server.url, fan, CONCERT);
  return { fleet, port: Number(new URL(server.url).port), token, fan, tell };
}

/** Without a password to hash. */
async function newFan(fleet: Fleet): Promise<Fan> {
  const { userId, bearer } = await newUser(fleet, { ledger: newLedger(), name: CONCERT });
  return { userId, email: '', accessToken: bearer };
}

async function hold(url: string, fan: Fan, index: number): Promise<void> {
  const { token } = await enter(url, fan, CONCERT);
  const seatIds = Array.from({ length: SEATS_A_HOLD }, (_, i) => `${SECTION}-${ROW}-${index * SEATS_A_HOLD + i + 1}`);
  const held = await call(url, '/api/v1/reservations', { body: { scheduleId: SCHEDULE, seatIds }, queue: token });
  if (held.status !== 201) throw new Error(`a hold: ${held.status} ${JSON.stringify(held.body)}`);
}

async function play(stage: Stage, { clients, long }: { clients: number; long: boolean }): Promise<Verdict> {
  const { port, tell } = stage;
  const server = serverOf(stage);
  const memory = watchMemory(server.pid);
  const before = { pid: server.pid, connections: connectionsOf(server.pid) };
  const honest = doAsOneShould(stage);
  const idle = await Promise.all(
    [takeWithoutReading(stage), askInARow, ...HALVES.map((half) => ask(half))].flatMap((begin) =>
      Array.from({ length: clients }, async () => {
        const connection = await connectRaw(port);
        begin(connection);
        return connection;
      }),
    ),
  );
  tell(`${idle.length} connections that nobody reads or ends`);
  const checks = await Promise.all([watchWithoutReading(stage, clients), sendByteByByte(stage, clients)]);
  if (long) checks.push(await judgeLetGo({ pid: server.pid, atMost: before.connections, clients: idle.length }));
  const { calls, frames, check } = await honest.stop();
  for (const connection of idle) connection.destroy();
  const isAlive = server.pid === before.pid && (await call(server.url, '/healthz')).status === 200;
  checks.push(check, memory.stop(), judge('the process lives', 1, isAlive ? [] : ['it is gone']));
  const runs = idle.length + 2 * clients;
  const done = `${runs} slow clients beside one that made ${calls} calls and read ${frames} snapshots`;
  return { done, runs, operations: calls, answered: calls, unknown: 0, refused: {}, checks };
}

function serverOf({ fleet }: Stage) {
  const [server] = fleet.servers;
  if (!server) throw new Error('the fleet has no server');
  return server;
}

const judge = (what: string, looked: number, violations: string[]): Check => ({ what, looked, violations });

/** Sockets that ask for one snapshot after the other and read none: closed with 4408 once one takes too long. */
async function watchWithoutReading(stage: Stage, count: number): Promise<Check> {
  const { port, token } = stage;
  const sockets = await Promise.all(Array.from({ length: count }, () => openRawSocket(port)));
  for (const socket of sockets) socket.text(JSON.stringify({ type: 'auth', token }));
  await until(() => sockets.every(({ texts }) => texts.length > 0), { timeoutMs: LATE_MS, what: 'a ticket each' });
  const ask = () => sockets.forEach((socket) => socket.text(JSON.stringify({ type: 'watch', scheduleId: SCHEDULE })));
  for (const socket of sockets) socket.pause();
  const asking = setInterval(ask, WATCH_EVERY_MS);
  const end = performance.now() + WATCHERS_CLOSED_MS;
  let open = count;
  while (open > 0 && performance.now() < end) {
    await sleep(250);
    open = (await openSockets(stage)) - HONEST_SOCKETS;
  }
  clearInterval(asking);
  for (const socket of sockets) socket.destroy();
  return judge('watchers that read nothing are closed', count, open > 0 ? [`${open} of them are still open`] : []);
}

async function openSockets(stage: Stage): Promise<number> {
  const text = String((await call(serverOf(stage).url, '/metrics')).body);
  return Number(/^onsale_sockets\{.*\} (\d+)/m.exec(text)?.[1] ?? 0);
}

/** A big answer, of which nothing is ever read. */
const takeWithoutReading =
  ({ token }: Stage) =>
  (connection: RawConnection): void => {
    connection.pause();
    const path = `/api/v1/concerts/${CONCERT}/schedules/${SCHEDULE}/seats`;
    connection.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nQueue-Token: ${token}\r\n\r\n`);
  };

/** Requests in a row, without a look at any answer. */
function askInARow(connection: RawConnection): void {
  connection.pause();
  connection.write('GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1_000));
}

const ask = (text: string) => (connection: RawConnection) => connection.write(text);
const HALVES = [
  '',
  'GET /api/v1/concerts HTTP/1.1\r\nHost',
  'POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"em',
];

/** A body that comes, but never in time: it is told so at the deadline of bodies. */
async function sendByteByByte({ port }: Stage, count: number): Promise<Check> {
  const head =
    'POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{';
  const isTold = async (): Promise<boolean> => {
    const connection = await connectRaw(port);
    connection.write(head);
    const started = performance.now();
    while (performance.now() - started < LIMITS.BODY_DEADLINE_MS + LATE_MS) {
      await sleep(500);
      if (connection.rest().startsWith('HTTP/1.1 503')) return true;
      connection.write(' ');
    }
    connection.destroy();
    return false;
  };
  const told = await Promise.all(Array.from({ length: count }, isTold));
  const violations = told.flatMap((is) => (is ? [] : ['one is still waited for']));
  return judge('bodies that come byte by byte get 503 at their deadline', count, violations);
}

/** What the server holds of those who said no more, read no more and left all the same open. */
async function judgeLetGo({ pid, atMost, clients }: { pid: number; atMost: number; clients: number }): Promise<Check> {
  const end = performance.now() + LET_GO_MS;
  while (connectionsOf(pid) > atMost + HONEST_CONNECTIONS && performance.now() < end) await sleep(500);
  const left = connectionsOf(pid) - atMost - HONEST_CONNECTIONS;
  const violations = left > 0 ? [`the server still holds ${left} after ${LET_GO_MS} ms`] : [];
  return judge('what is silent is let go', clients, violations);
}

/** Open files, sockets nearly all. */
const connectionsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** A client that reads: a socket that watches, and calls one after the other. */
function doAsOneShould({ port, token, fan, fleet }: Stage) {
  const stopping = new AbortController();
  const violations: string[] = [];
  let [calls, frames] = [0, 0];
  const url = fleet.servers[0]?.url ?? '';
  const run = async (): Promise<void> => {
    const socket = await openRawSocket(port);
    socket.text(JSON.stringify({ type: 'auth', token }));
    while (!stopping.signal.aborted) {
      const started = performance.now();
      const answer = await call(url, `/api/v1/users/${fan.userId}/balance`, { body: { amount: 1 }, queue: token });
      const ms = Math.round(performance.now() - started);
      calls += 1;
      if (answer.status !== 200 || ms > PATIENCE_MS) violations.push(`call ${calls}: ${answer.status} after ${ms} ms`);
      // Its own snapshot, in the time in which the slow ones read none.
      const seen = socket.texts.length;
      socket.text(JSON.stringify({ type: 'watch', scheduleId: SCHEDULE }));
      const heard = () => socket.texts.length > seen;
      await until(heard, { timeoutMs: PATIENCE_MS }).catch(() => {}); // told below
      await sleep(100);
      if (!heard()) violations.push(`no snapshot within ${PATIENCE_MS} ms after call ${calls}`);
      frames += socket.texts.length - seen;
      for (const ping of socket.pings.splice(0)) socket.pong(ping);
    }
    if (socket.code() !== null) violations.push(`its socket was closed with ${socket.code()}`);
    socket.destroy();
  };
  const running = run().catch((error: unknown) => void violations.push(String(error)));
  return {
    async stop() {
      stopping.abort();
      await running;
      const isStarved = violations.length > Math.max(1, calls * LATE_SHARE);
      const check = judge('who reads is served in time', calls + frames, isStarved ? violations : []);
      return { calls, frames, check };
    },
  };
}

function watchMemory(pid: number) {
  const readMb = () => {
    const [, kB] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+)/m) ?? [];
    return Math.round(Number(kB) / 1024);
  };
  const before = readMb();
  let [most, looked] = [before, 0];
  const timer = setInterval(() => {
    most = Math.max(most, readMb());
    looked += 1;
  }, 500);
  return {
    stop(): Check {
      clearInterval(timer);
      const violations = most - before > MEMORY_MAX_MB ? [`it grew from ${before} MB to ${most} MB`] : [];
      return { what: `memory stays bounded (${before} MB before, at most ${most} MB)`, looked, violations };
    },
  };
}
