// One private server of `npm start`: started or adopted, watched, stopped last.
//
//   stopped --start--> running --found dead--> restarting --> running
//                         \------- stop ------------\-----> stopped
//
// It outlives the process that started it, so that Ctrl-C and `kill -9` leave it to finish writing. Its port, process
// id and start time are noted beside its data; the next start adopts it by these.
import { readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, isFreePort } from './free-port.ts';
import { type ProcessIdentity, identify, isRunning, signalProcess, startedAt, waitForEnd } from './processes.mjs';

const WATCH_EVERY_MS = 200;
const RESTART_PAUSE_MS = { first: 200, longest: 5000 };
const ADOPT_TIMEOUT_MS = 60_000; // it may be loading its data

export interface Log {
  info(line: string): void;
  warn(line: string): void;
}

export interface ServerKind {
  name: string;
  /** Its data folder, by which a live one is known to be ours. */
  dir: string;
  noteFile: string;
  /**
   * @param onSpawn told its process id at once
   * @returns the same, once it is ready
   */
  launch(port: number, onSpawn: (pid: number) => void): Promise<number>;
  /** @returns who answers on that port; `dir` is empty while it does not tell */
  ask(port: number): Promise<{ processId: number; dir: string } | undefined>;
  /** How it is told to end, one after the other, each with the time that it is given. */
  endings: readonly { signal: NodeJS.Signals; waitMs: number }[];
}

export interface PrivateServer {
  readonly port: number;
  stop(): Promise<void>;
}

interface Note extends Partial<ProcessIdentity> {
  port: number;
}

function readNote(file: string): Note | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Note;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`${file} cannot be read: mend or remove it`, { cause: error });
  }
}

/** Written beside it first: a crash leaves the old note or the new one. */
function writeNote(file: string, note: Note): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(note)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** @returns our own server on the noted port, left by an earlier start; undefined where nobody has that port */
async function findOwn(kind: ServerKind, note: Note): Promise<ProcessIdentity | undefined> {
  const noted =
    note.pid !== undefined && note.startedAt !== undefined ? { pid: note.pid, startedAt: note.startedAt } : undefined;
  const deadline = performance.now() + ADOPT_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const notedRuns = noted !== undefined && isRunning(noted);
    if (await isFreePort(note.port)) {
      if (!notedRuns) return undefined;
    } else {
      const answer = await kind.ask(note.port);
      // Without a process id in the note (the start was killed right after it had begun) the data folder alone has to
      // tell.
      const known = answer && (noted ? notedRuns && answer.processId === noted.pid : true);
      if (known && answer.dir !== '' && realpathSync(answer.dir) === realpathSync(kind.dir))
        return identify(answer.processId);
      if (!notedRuns && answer?.dir !== '') break;
    }
    await sleep(100); // ours, but still starting, loading or ending
  }
  const what = `port ${note.port}, noted for our ${kind.name} in ${kind.noteFile}, is taken by another process`;
  throw new Error(`${what}: end that one, or note another port`);
}

/** Adopts the live server that an earlier start has left, or starts one. */
export async function startPrivateServer(kind: ServerKind, log: Log): Promise<PrivateServer> {
  const note = readNote(kind.noteFile);
  const port = note?.port ?? (await freePort());
  const launch = async () => {
    // Noted before it is ready: a start that is killed meanwhile leaves no server that the next one does not know.
    writeNote(kind.noteFile, { port });
    const onSpawn = (pid: number) => writeNote(kind.noteFile, { port, pid, startedAt: startedAt(pid) ?? '' });
    return identify(await kind.launch(port, onSpawn));
  };
  const adopted = note && (await findOwn(kind, note));
  if (adopted) {
    log.info(`${kind.name} on port ${port} is still running, process ${adopted.pid}: adopted`);
    writeNote(kind.noteFile, { port, ...adopted });
  }
  let running = adopted ?? (await launch());
  let restarting: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;

  const restart = async () => {
    log.warn(`${kind.name}, process ${running.pid}, is gone: starting it again`);
    for (let pause = RESTART_PAUSE_MS.first; !stopped; pause = Math.min(2 * pause, RESTART_PAUSE_MS.longest)) {
      try {
        running = await launch();
        log.info(`${kind.name} is back, process ${running.pid}`);
        return;
      } catch (error) {
        log.warn(`${kind.name} does not start: ${(error as Error).message}`);
        await sleep(pause);
      }
    }
  };
  const watch = setInterval(() => {
    if (restarting || isRunning(running)) return;
    restarting = restart().finally(() => (restarting = undefined));
  }, WATCH_EVERY_MS).unref();

  const stop = async () => {
    clearInterval(watch);
    await restarting;
    for (const { signal, waitMs } of kind.endings) {
      signalProcess(running, signal);
      if (await waitForEnd(running, waitMs)) return writeNote(kind.noteFile, { port });
    }
    throw new Error(`${kind.name}, process ${running.pid}, does not end`);
  };
  return { port, stop: () => (stopped ??= stop()) };
}
