/** Fans who wait with a socket open, through whatever is done to the servers: they come back as a client should. */
import { setTimeout as sleep } from 'node:timers/promises';
import { call, concertInput, openSocket, putConcert } from '../../../src/testing/fan.ts';
import type { Fleet } from './fleet.ts';
import { newFan } from './load.ts';
import type { Ledger } from './ledger.ts';
import { type Dice, dice } from './random.ts';

export interface Watchers {
  /** sockets that are open and were told their ticket */
  readonly open: number;
  /** tickets told, one after each time a socket was opened */
  readonly told: number;
  /** how often sockets were closed, by close code */
  readonly closes: Readonly<Record<number, number>>;
  /** places that were not what they had been */
  readonly violations: readonly string[];
  stop(): Promise<void>;
}

const CONCERT = 'watched';
/** Before a client tries again; with jitter, so that they do not all come at once. */
const AGAIN_MS = 200;
const TICKET_MS = 5_000;

interface Watcher {
  userId: string;
  token: string;
  queueId: string;
  sequence: number;
}

/** All join a room that admits nobody; then each opens a socket to some server, and another one whenever it is closed. */
export async function startWatchers(
  fleet: Pick<Fleet, 'urls' | 'direct' | 'closing'>,
  { count, seed, ledger }: { count: number; seed: number; ledger: Ledger },
): Promise<Watchers> {
  const [url = ''] = fleet.urls;
  await putConcert(url, CONCERT, concertInput({ room: { capacity: 0 } }));
  const watchers: Watcher[] = [];
  while (watchers.length < count) {
    const { userId, bearer } = await newFan(fleet, { ledger, name: `w${seed}` });
    const { body } = await call(url, '/api/v1/queue', { body: { concertId: CONCERT }, bearer });
    watchers.push({ userId, token: body.token, queueId: body.queueId, sequence: body.sequence });
  }
  const state = { open: 0, told: 0, closes: {} as Record<number, number>, violations: [] as string[] };
  const ending = new AbortController();
  fleet.closing.addEventListener('abort', () => ending.abort());
  const random = dice(seed);
  const watching = watchers.map((watcher) => watch(fleet, { watcher, random, state, signal: ending.signal }));
  return Object.assign(state, {
    async stop() {
      ending.abort();
      await Promise.all(watching);
    },
  });
}

interface Watching {
  watcher: Watcher;
  random: Dice;
  state: { open: number; told: number; closes: Record<number, number>; violations: string[] };
  signal: AbortSignal;
}

async function watch(fleet: Pick<Fleet, 'urls'>, { watcher, random, state, signal }: Watching): Promise<void> {
  while (!signal.aborted) {
    const socket = await openSocket(random.pick(fleet.urls), watcher.token).catch(() => null);
    if (socket) {
      const end = () => void socket.close();
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
      const first = await Promise.race([
        socket.next(({ type }) => type === 'ticket', TICKET_MS).catch(() => null),
        socket.closed.then(() => null),
      ]);
      if (first) {
        const { queueId, sequence, status } = first.ticket as { queueId: string; sequence: number; status: string };
        if (queueId !== watcher.queueId || sequence !== watcher.sequence || status !== 'WAITING')
          state.violations.push(
            `${watcher.queueId}, number ${watcher.sequence}, is told as ${queueId} ${sequence} ${status}`,
          );
        state.told++;
        state.open++;
      } else if (!signal.aborted) {
        socket.close().catch(() => {}); // it may be closed already
      }
      const code = await socket.closed;
      signal.removeEventListener('abort', end);
      if (first) state.open--;
      if (!signal.aborted) state.closes[code] = (state.closes[code] ?? 0) + 1;
    }
    if (!signal.aborted) await sleep(AGAIN_MS * (0.5 + random.next()));
  }
}
