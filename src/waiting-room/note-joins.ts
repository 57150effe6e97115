/**
 * Behind the answer to a join, its concert is noted in the user's wallet slot: there the list of a user's places learns
 * which rooms to ask. Gathered and written in batches; a crash may lose the notes of the last moment, and the list then
 * lacks a live place until the next join.
 */
import { LIMITS } from '../limits.ts';
import type { Log } from '../observability/log.ts';
import type { RedisClient } from '../redis/script.ts';
import { type ConcertNote, noteConcerts } from '../wallet/note-concerts.ts';

export interface ConcertNotes {
  redis: RedisClient;
  log: Pick<Log, 'warn'>;
}

interface Notebook {
  notes: ConcertNote[];
  timer: NodeJS.Timeout | undefined;
  writing: Promise<void>;
  failing: boolean;
}

const GATHER_MS = 20;
const RETRY_MS = 500;
/** Sets of one script call: a wallet partition has a 64th of these. */
const A_BATCH = 5_000;

const notebooks = new WeakMap<RedisClient, Notebook>();

export function noteJoin(deps: ConcertNotes, { userId, concertId }: ConcertNote): void {
  const notebook = notebookOf(deps.redis);
  if (notebook.notes.length >= LIMITS.CONCERT_NOTES_KEPT) return;
  notebook.notes.push({ userId, concertId });
  notebook.timer ??= setTimeout(write, GATHER_MS, deps, notebook);
}

/** Writes what is gathered: when a process ends, and before a list for `userId` that a join of theirs must show in. */
export async function flushJoinNotes(deps: ConcertNotes, { userId }: { userId?: string } = {}): Promise<void> {
  const notebook = notebooks.get(deps.redis);
  if (!notebook) return;
  if (userId !== undefined && !notebook.notes.some((note) => note.userId === userId)) return notebook.writing;
  await notebook.writing;
  clearTimeout(notebook.timer);
  notebook.timer = undefined;
  const notes = notebook.notes.splice(0);
  await noteConcerts(deps, notes).catch((error: unknown) => {
    notebook.notes.unshift(...notes);
    next(deps, notebook, RETRY_MS);
    throw error;
  });
}

function notebookOf(redis: RedisClient): Notebook {
  let notebook = notebooks.get(redis);
  if (!notebook) {
    notebook = { notes: [], timer: undefined, writing: Promise.resolve(), failing: false };
    notebooks.set(redis, notebook);
  }
  return notebook;
}

function write(deps: ConcertNotes, notebook: Notebook): void {
  const batch = notebook.notes.splice(0, A_BATCH);
  notebook.writing = noteConcerts(deps, batch).then(
    () => {
      notebook.failing = false;
      next(deps, notebook, GATHER_MS);
    },
    (error: unknown) => {
      if (!notebook.failing)
        deps.log.warn({ err: error }, 'concerts of new places are not noted; tried again until they are');
      notebook.failing = true;
      notebook.notes.unshift(...batch);
      next(deps, notebook, RETRY_MS);
    },
  );
}

function next(deps: ConcertNotes, notebook: Notebook, afterMs: number): void {
  notebook.timer = notebook.notes.length > 0 ? setTimeout(write, afterMs, deps, notebook) : undefined;
}
