/**
 * Behind the answer to a join or a hold, its concert is noted in the user's wallet slot: there the lists of a user's
 * places and reservations learn which concerts to ask. Gathered and written in batches; a crash may lose the notes of
 * the last moment, and the lists then lack a live place or hold until the user's next join or payment, or a hold in a
 * process that has noted none of theirs.
 */
import { LIMITS } from '../limits.ts';
import type { Log } from '../observability/log.ts';
import type { RedisClient } from '../redis/script.ts';
import { type ConcertNote, noteConcerts } from './note-concerts.ts';

export interface ConcertNotes {
  redis: RedisClient;
  log: Pick<Log, 'warn'>;
}

interface Notebook {
  notes: ConcertNote[];
  /** of those, how many are being written just now */
  inFlight: number;
  timer: NodeJS.Timeout | undefined;
  /** one write after another; never rejects */
  writing: Promise<unknown>;
  failing: boolean;
}

/** A write is a script per wallet partition, whoever is in it: the longer, the fewer a join. */
const GATHER_MS = 100;
const RETRY_MS = 500;

const notebooks = new WeakMap<RedisClient, Notebook>();

/** False where too many wait to be written. */
export function noteLater(deps: ConcertNotes, { userId, concertId }: ConcertNote): boolean {
  const notebook = notebookOf(deps.redis);
  if (notebook.notes.length >= LIMITS.CONCERT_NOTES_KEPT) return false;
  notebook.notes.push({ userId, concertId });
  if (notebook.inFlight === 0) writeLater(deps, notebook, GATHER_MS);
  return true;
}

const noted = new WeakSet<ConcertNote>();

/** Once for these claims, which this process keeps as long as their token is in use. */
export function noteOnce(deps: ConcertNotes, claims: Readonly<ConcertNote>): void {
  if (!noted.has(claims) && noteLater(deps, claims)) noted.add(claims);
}

/** Writes what is gathered, so that a list for `userId` shows what they did a moment ago. */
export async function flushNotes(deps: ConcertNotes, { userId }: { userId?: string } = {}): Promise<void> {
  const notebook = notebooks.get(deps.redis);
  if (!notebook) return;
  const nothing = userId !== undefined && !notebook.notes.some((note) => note.userId === userId);
  await (nothing ? notebook.writing : write(deps, notebook));
}

/** Writes what is gathered as a process ends; what cannot be written then is lost, as in a crash. */
export async function endNotes(deps: ConcertNotes): Promise<void> {
  await flushNotes(deps).catch(toldAlready);
  clearTimeout(notebooks.get(deps.redis)?.timer);
  notebooks.delete(deps.redis);
}

function notebookOf(redis: RedisClient): Notebook {
  let notebook = notebooks.get(redis);
  if (!notebook) {
    notebook = { notes: [], inFlight: 0, timer: undefined, writing: Promise.resolve(), failing: false };
    notebooks.set(redis, notebook);
  }
  return notebook;
}

function writeLater(deps: ConcertNotes, notebook: Notebook, afterMs: number): void {
  notebook.timer ??= setTimeout(() => void write(deps, notebook).catch(toldAlready), afterMs);
}

function write(deps: ConcertNotes, notebook: Notebook): Promise<void> {
  const written = notebook.writing.then(() => writeAll(deps, notebook));
  notebook.writing = written.catch(toldAlready);
  return written;
}

/** They stay in the list until they are written: it is bounded, and what waits for the answer counts. */
async function writeAll(deps: ConcertNotes, notebook: Notebook): Promise<void> {
  clearTimeout(notebook.timer);
  notebook.timer = undefined;
  const { length } = notebook.notes;
  notebook.inFlight = length;
  try {
    await noteConcerts(deps, notebook.notes.slice(0, length));
    notebook.failing = false;
    notebook.notes.splice(0, length);
  } catch (error) {
    if (!notebook.failing)
      deps.log.warn({ err: error }, 'concerts of new places and holds are not noted; tried until they are');
    notebook.failing = true;
    throw error;
  } finally {
    notebook.inFlight = 0;
    if (notebook.notes.length > 0) writeLater(deps, notebook, notebook.failing ? RETRY_MS : GATHER_MS);
  }
}

/** The failure is in the log. */
function toldAlready(): null {
  return null;
}
