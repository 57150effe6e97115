/** The last place in each concert's room, kept in this browser: how it ended while no page was open is told once. */
import type { Problem, Ticket } from '../../client/index.ts';
import { onsale } from '../api.ts';
import { PLACE_KEY } from '../session.ts';

export type Ending = NonNullable<Ticket['reason']> | 'GONE';

interface Last {
  userId: string;
  queueId: string;
  token: string;
  /** ms of this browser's clock */
  at: number;
}

/** An over place is kept so long by the server; after it, nobody knows how it ended. */
const KEPT_MS = 12 * 3_600_000;
const keyOf = (concertId: string) => PLACE_KEY + concertId;

export function remember(userId: string, { concertId, queueId, token }: Ticket): void {
  if (!token) return;
  const last: Last = { userId, queueId, token, at: Date.now() };
  localStorage.setItem(keyOf(concertId), JSON.stringify(last));
}

/** Another tab may remember a newer one. */
export function forget(concertId: string, queueId: string): void {
  if (recall(concertId)?.queueId === queueId) localStorage.removeItem(keyOf(concertId));
}

function recall(concertId: string): Last | null {
  try {
    return JSON.parse(localStorage.getItem(keyOf(concertId)) ?? 'null') as Last | null;
  } catch {
    // Nothing that we wrote.
    return null;
  }
}

/** How the last place ended, where nobody was told yet. */
export async function lastEnding(
  concertId: string,
  userId: string,
): Promise<{ queueId: string; reason: Ending } | null> {
  const last = recall(concertId);
  if (!last || last.userId !== userId || Date.now() - last.at > KEPT_MS) return null;
  const { queueId, token } = last;
  const answer = await onsale.poll({}, { queueToken: token });
  if (answer.ok) return answer.body.reason ? { queueId, reason: answer.body.reason } : null;
  const code: Problem['code'] | 'NO_ANSWER' = answer.code;
  return code === 'QUEUE_NOT_FOUND' ? { queueId, reason: 'GONE' } : null;
}
