/** Join and poll while more and more people wait; what a waiting place costs in memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Arena, openArena, type ServerResult } from './arena.ts';
import { rssBytes } from './cores.ts';
import { bearerOf, joinRequests, newUsers, openConcert, takePlaces } from './crowd.ts';
import type { Options } from './options.ts';
import { print, printTargets } from './table.ts';
import { requestOf } from './wrk.ts';

const SIZES = [1_000, 10_000, 100_000, 1_000_000];
/** Fewer than would fill the server, so that a percentile is the time of the work and not of the line before it. */
const CONNECTIONS = 8;
/** In each room and round; the smallest room grows by as many. */
const JOINS = 1_000;
const POLLERS = 1_000;
const FILL = 20_000;
/** Room after room, round after round: what else the machine does meets them all. Shown are medians. */
const ROUNDS = 5;

interface Room {
  concertId: string;
  waiting: number;
  polls: readonly string[];
  /** grown by those who fill it, in bytes */
  redis: number;
  server: number;
  rounds: { join: ServerResult; poll: ServerResult }[];
}

export async function growth({ scale, seconds }: Options): Promise<boolean> {
  const arena = await openArena({ env: { LIMIT_POLL_BURST: '0' } });
  try {
    const warm = await openRoom(arena, 1_000);
    await measure(arena, warm, 2);
    const rooms: Room[] = [];
    for (const size of SIZES) rooms.push(await openRoom(arena, Math.max(1_000, Math.round(size * Math.min(scale, 1)))));
    for (let i = 0; i < ROUNDS; i++)
      for (const room of rooms) room.rounds.push(await measure(arena, room, seconds / 2));
    printRooms(rooms);
    const [small, large] = [rooms[0], rooms.at(-1)];
    if (!small || !large) return false;
    const grown = (what: 'join' | 'poll') => p99Of(large, what) / p99Of(small, what);
    return printTargets([
      { what: `p99 of join, ${large.waiting} waiting / ${small.waiting}`, value: grown('join'), max: 1.2 },
      { what: `p99 of poll, ${large.waiting} waiting / ${small.waiting}`, value: grown('poll'), max: 1.2 },
      { what: 'memory of a waiting place in Redis', value: large.redis / large.waiting, unit: ' bytes' },
      { what: 'memory of a waiting place in the process', value: large.server / large.waiting, unit: ' bytes' },
    ]);
  } finally {
    await arena.close();
  }
}

async function openRoom(arena: Arena, waiting: number): Promise<Room> {
  const concertId = await openConcert(arena.onsale.url);
  const before = await memory(arena);
  for (let left = waiting - POLLERS; left > 0; left -= FILL) await fill(arena, concertId, Math.min(FILL, left));
  const after = await memory(arena);
  const pollers = await takePlaces(arena.client, concertId, await newUsers(arena.client, POLLERS));
  const polls = pollers.map(({ queueToken }) =>
    requestOf('GET', '/api/v1/queue', { headers: { 'queue-token': queueToken } }),
  );
  const [redis, server] = [after.redis - before.redis, after.server - before.server];
  return { concertId, waiting, polls, redis, server, rounds: [] };
}

function p99Of({ rounds }: Room, what: 'join' | 'poll'): number {
  return median(rounds.map((round) => round[what].p99Ms));
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function printRooms(rooms: readonly Room[]): void {
  const columns = (['join', 'poll'] as const).flatMap((what) => [`${what}/s`, `${what} p50 ms`, `${what} p99 ms`]);
  print(
    ['waiting', ...columns, 'Redis MB for those who fill it', 'process MB meanwhile'],
    rooms.map(({ waiting, redis, server, rounds }) => [
      String(waiting),
      ...(['join', 'poll'] as const).flatMap((what) => [
        String(Math.round(median(rounds.map((round) => round[what].rate)))),
        median(rounds.map((round) => round[what].p50Ms)).toFixed(2),
        median(rounds.map((round) => round[what].p99Ms)).toFixed(2),
      ]),
      ...[redis, server].map((bytes) => (bytes / 1e6).toFixed(1)),
    ]),
  );
}

/** People without a wallet: nobody but the script asks about them. */
async function fill({ client }: Arena, concertId: string, count: number): Promise<void> {
  const some = Array.from({ length: count }, (_, i) => `u_${process.hrtime.bigint()}_${i}`.padEnd(34, '0'));
  await takePlaces(client, concertId, some);
}

async function measure(arena: Arena, { concertId, polls }: Room, seconds: number): Promise<Room['rounds'][number]> {
  const users = await newUsers(arena.client, JOINS);
  const joins = joinRequests(users.map(bearerOf), concertId);
  await sleep(500);
  await arena.run({ requests: polls, once: false, seconds: 1, connections: CONNECTIONS });
  const poll = await arena.run({ requests: polls, once: false, seconds: Math.ceil(seconds), connections: CONNECTIONS });
  const join = await arena.run({ requests: joins, once: true, seconds: 30, connections: CONNECTIONS });
  if (join.refused + poll.refused > 0) throw new Error(`refused: ${join.refused} joins, ${poll.refused} polls`);
  return { join, poll };
}

async function memory({ client, onsale }: Arena): Promise<{ redis: number; server: number }> {
  const used = /used_memory:(\d+)/.exec(await client.info('memory'))?.[1];
  return { redis: Number(used), server: rssBytes(onsale.pid) };
}
