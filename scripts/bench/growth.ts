/** Join and poll while more and more people wait; what a waiting place costs in memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Arena, openArena } from './arena.ts';
import { concertKeys } from '../../src/redis/keys.ts';
import { rssBytes } from './cores.ts';
import { newUsers, openConcert, takePlaces, tokens } from './crowd.ts';
import type { Options } from './options.ts';
import { print, printTargets } from './table.ts';
import { requestOf } from './wrk.ts';

const SIZES = [1_000, 10_000, 100_000, 1_000_000];
/** Fewer than would fill the server, so that a percentile is the time of the work and not of the line before it. */
const CONNECTIONS = 8;
const JOINS = 4_000;
const POLLERS = 2_000;
const FILL = 20_000;

export async function growth({ scale, seconds }: Options): Promise<boolean> {
  const arena = await openArena({ env: { LIMIT_POLL_BURST: '0' } });
  try {
    const concertId = await openConcert(arena.onsale.url);
    await measure(arena, { concertId, seconds: 2 }); // warm-up
    const grown = { redis: 0, server: 0, places: 0 };
    const [first, ...others] = SIZES.map((size) => Math.round(size * Math.min(scale, 1)));
    const at = [];
    let waiting = 0;
    for (const size of [first ?? 0, ...others]) {
      const [before, from] = [await memory(arena), waiting];
      for (; waiting < size; waiting += FILL) await fill(arena, concertId, Math.min(FILL, size - waiting));
      waiting = size;
      const after = await memory(arena);
      grown.redis += after.redis - before.redis;
      grown.server += after.server - before.server;
      grown.places += size - from;
      const places = await arena.client.zcard(concertKeys(concertId).waiting);
      at.push({ places, redis: grown.redis, server: grown.server, ...(await measure(arena, { concertId, seconds })) });
    }
    print(
      [
        'waiting',
        'join/s',
        'join p50 ms',
        'join p99 ms',
        'poll/s',
        'poll p50 ms',
        'poll p99 ms',
        'Redis MB for those who fill it',
        'process MB meanwhile',
      ],
      at.map(({ places, join, poll, redis, server }) => [
        String(places),
        ...[join, poll].flatMap(({ rate, p50Ms, p99Ms }) => [
          String(Math.round(rate)),
          p50Ms.toFixed(2),
          p99Ms.toFixed(2),
        ]),
        ...[redis, server].map((bytes) => (bytes / 1e6).toFixed(1)),
      ]),
    );
    const [small, large] = [at[0], at.at(-1)];
    if (!small || !large) return false;
    return printTargets([
      {
        what: `p99 of join, ${large.places} waiting / ${small.places}`,
        value: large.join.p99Ms / small.join.p99Ms,
        max: 1.2,
      },
      {
        what: `p99 of poll, ${large.places} waiting / ${small.places}`,
        value: large.poll.p99Ms / small.poll.p99Ms,
        max: 1.2,
      },
      { what: 'memory of a waiting place in Redis', value: grown.redis / grown.places, unit: ' bytes' },
      { what: 'memory of a waiting place in the process', value: grown.server / grown.places, unit: ' bytes' },
    ]);
  } finally {
    await arena.close();
  }
}

/** People without a wallet: nobody but the script asks about them. */
async function fill({ client }: Arena, concertId: string, count: number): Promise<void> {
  const some = Array.from({ length: count }, (_, i) => `u_${process.hrtime.bigint()}_${i}`.padEnd(34, '0'));
  await takePlaces(client, concertId, some);
}

async function measure(arena: Arena, { concertId, seconds }: { concertId: string; seconds: number }) {
  const users = await newUsers(arena.client, JOINS);
  const joins = users.map((userId) =>
    requestOf('POST', '/api/v1/queue', {
      headers: { authorization: `Bearer ${tokens.signAccess(userId)}` },
      body: { concertId },
    }),
  );
  const pollers = await takePlaces(arena.client, concertId, await newUsers(arena.client, POLLERS));
  const polls = pollers.map(({ queueToken }) =>
    requestOf('GET', '/api/v1/queue', { headers: { 'queue-token': queueToken } }),
  );
  await sleep(500);
  await arena.run({ requests: polls, once: false, seconds: 1, connections: CONNECTIONS });
  const poll = await arena.run({ requests: polls, once: false, seconds, connections: CONNECTIONS });
  const join = await arena.run({ requests: joins, once: true, seconds: 30, connections: CONNECTIONS });
  if (join.refused + poll.refused > 0) throw new Error(`refused: ${join.refused} joins, ${poll.refused} polls`);
  return { join, poll };
}

async function memory({ client, onsale }: Arena): Promise<{ redis: number; server: number }> {
  const used = /used_memory:(\d+)/.exec(await client.info('memory'))?.[1];
  return { redis: Number(used), server: rssBytes(onsale.pid) };
}
