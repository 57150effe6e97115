/** Room frames to very many sockets while 1,000 a second are let in, against a bare publish of the same bytes. */
import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../src/limits.ts';
import { concertKeys } from '../../src/redis/keys.ts';
import { admitScript } from '../../src/waiting-room/admit.script.ts';
import { type Arena, openArena, startBare } from './arena.ts';
import { CpuMeter, LOAD_CORE, pin, rssBytes } from './cores.ts';
import { newUsers, openConcert, takePlaces } from './crowd.ts';
import type { Heard, ToListeners } from './listeners.ts';
import { type Options, scaled } from './options.ts';
import { print, printTargets } from './table.ts';

const SOCKETS = 15_000;
const FEW = 1_000;
const ADMIT_A_SECOND = 1_000;
/** A room frame of the contract, as long as those of the run. */
const FRAME_MS = 1_000;

export async function push(options: Options): Promise<boolean> {
  const [many, few, seconds] = [scaled(SOCKETS, options), scaled(FEW, options), Math.max(10, options.seconds)];
  const small = await onsaleCrowd({ sockets: few, seconds });
  const large = await onsaleCrowd({ sockets: many, seconds });
  const bare = await bareCrowd({ sockets: many, seconds, frameBytes: large.frameBytes });
  print(
    [
      'run',
      'sockets',
      'frames',
      'bytes a frame',
      'CPU server',
      'us of CPU a frame',
      'bytes of memory a socket',
      'age of a position p50/p99/max ms',
      'scripts a second',
    ],
    [rowOf('onsale', small), rowOf('onsale', large), rowOf('bare publish', bare)],
  );
  return printTargets([
    { what: 'CPU a delivered frame / bare publish', value: large.micros / bare.micros, max: 1.15 },
    { what: 'sockets in one process', value: large.open, min: many },
    { what: 'oldest derived position', value: large.ages.max, max: 1_500, unit: ' ms' },
    { what: `scripts a second, ${many} sockets / ${few}`, value: large.commands / small.commands, max: 1.1 },
  ]);
}

/** Servers of its own: a room is read on for a while after its last socket has gone. */
async function onsaleCrowd(options: { sockets: number; seconds: number }): Promise<Crowd> {
  const arena = await openArena();
  try {
    return await crowd(arena, options);
  } finally {
    await arena.close();
  }
}

interface Crowd {
  sockets: number;
  open: number;
  frames: number;
  frameBytes: number;
  cpu: number;
  micros: number;
  socketBytes: number;
  ages: Heard['ages'];
  commands: number;
}

function rowOf(name: string, run: Crowd): string[] {
  const { p50, p99, max } = run.ages;
  return [
    name,
    `${run.open}`,
    `${run.frames}`,
    run.frameBytes.toFixed(0),
    `${Math.round(run.cpu * 100)} %`,
    run.micros.toFixed(1),
    run.socketBytes.toFixed(0),
    max > 0 ? `${p50}/${p99}/${max}` : '',
    run.commands.toFixed(0),
  ];
}

/** All sockets wait behind a line that is longer than what is let in while it is measured. */
async function crowd(arena: Arena, { sockets, seconds }: { sockets: number; seconds: number }): Promise<Crowd> {
  const { client, onsale } = arena;
  const room = { admitPerSecond: 0 };
  const concertId = await openConcert(onsale.url, { room });
  const line = (seconds + 10) * ADMIT_A_SECOND;
  await takePlaces(
    client,
    concertId,
    Array.from({ length: line }, (_, i) => `u_${concertId}_${i}`),
  );
  const members = await takePlaces(client, concertId, await newUsers(client, sockets));
  const before = rssBytes(onsale.pid);
  const listeners = await startListeners();
  try {
    await listeners.open(
      onsale.port,
      sockets,
      members.map(({ queueToken }) => queueToken),
    );
    await client.hset(concertKeys(concertId).room, 'admit_per_second', ADMIT_A_SECOND);
    const admitting = admitSteadily(arena, concertId, seconds + 3);
    await sleep(2_000);
    const socketBytes = (rssBytes(onsale.pid) - before) / sockets;
    const commandsBefore = await commands(arena);
    const run = await listeners.count(onsale.pid, seconds);
    const commandsAfter = await commands(arena);
    await admitting;
    return { ...run, sockets, socketBytes, commands: (commandsAfter - commandsBefore) / seconds };
  } finally {
    await listeners.end();
  }
}

/** What the loop of a worker does, at its pace; its commands are counted as well, the same for any crowd. */
async function admitSteadily({ client }: Arena, concertId: string, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    await admitScript.run(client, { keys: concertKeys(concertId), args: { worker: 'bench', lease_ms: 1 } });
    await sleep(LIMITS.TICK_MS);
  }
}

/** What is read for sockets is one script a tick. */
async function commands({ client }: Arena): Promise<number> {
  const stats = await client.info('commandstats');
  return [...stats.matchAll(/cmdstat_(eval[^:]*):calls=(\d+)/g)].reduce((sum, [, , count]) => sum + Number(count), 0);
}

async function bareCrowd({
  sockets,
  seconds,
  frameBytes,
}: {
  sockets: number;
  seconds: number;
  frameBytes: number;
}): Promise<Crowd> {
  const bare = await startBare();
  const listeners = await startListeners();
  const before = rssBytes(bare.pid);
  let timer: NodeJS.Timeout | undefined;
  try {
    await listeners.open(bare.port, sockets, []);
    const socketBytes = (rssBytes(bare.pid) - before) / sockets;
    timer = setInterval(() => {
      const frame = { type: 'room', room: { serverTime: new Date().toISOString() } };
      const text = JSON.stringify({ ...frame, more: '' });
      const padding = Math.max(0, Math.round(frameBytes) - 4 - text.length);
      bare.publish(JSON.stringify({ ...frame, more: 'x'.repeat(padding) }));
    }, FRAME_MS);
    await sleep(2_000);
    const run = await listeners.count(bare.pid, seconds);
    return { ...run, sockets, socketBytes, commands: 0 };
  } finally {
    clearInterval(timer);
    await listeners.end();
    await bare.stop();
  }
}

async function startListeners() {
  const child = fork(new URL('./listeners.ts', import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  if (child.pid) pin(child.pid, LOAD_CORE);
  const ask = (message: ToListeners) =>
    new Promise<Heard>((resolve, reject) => {
      const ended = () => reject(new Error('the listeners ended'));
      child.once('exit', ended);
      child.once('message', (heard) => {
        child.off('exit', ended);
        resolve(heard as Heard);
      });
      child.send(message);
    });
  return {
    async open(port: number, count: number, tokens: readonly string[]) {
      const { open, closed } = await ask({ open: { port, count, tokens } });
      if (open < count || closed > 0) throw new Error(`${open} of ${count} sockets open, ${closed} closed`);
    },
    async count(pid: number, seconds: number) {
      const meter = new CpuMeter({ server: pid });
      child.send({ reset: true } satisfies ToListeners);
      await sleep(seconds * 1000);
      const heard = await ask({ tell: true });
      const { cpu, seconds: took } = meter.read();
      const frames = Object.values(heard.frames).reduce((sum, count) => sum + count, 0);
      const server = cpu.server ?? 0;
      const { open, ages, bytes } = heard;
      return { open, ages, frames, frameBytes: bytes / frames, cpu: server / took, micros: (server * 1e6) / frames };
    },
    async end() {
      if (child.connected) await ask({ end: true });
      child.kill();
    },
  };
}
