/** A fan's way through one concert's waiting room: finds or takes the place, then shows what state it is in. */
import { useEffect, useState } from 'preact/hooks';
import { WaitingRoom, type WaitingRoomState } from '../../client/waiting-room.ts';
import { repeat } from '../../client/repeat.ts';
import type { Concert, Ticket } from '../../client/index.ts';
import { asUser, onsale, sentenceOf } from '../api.ts';
import { serverClock } from '../clock.ts';
import { t } from '../i18n.ts';
import { go } from '../router.ts';
import { session } from '../session.ts';
import { Fault, lazy, Show, Title, useLoaded } from '../ui/parts.tsx';
import { Over, Turn, Waiting } from './waiting.tsx';

/** The sale itself is loaded while people wait: nobody needs it before. */
const loadSale = () => import('./sale.tsx');
const Sale = lazy(loadSale, 'Sale');

interface Found {
  concert: Concert;
  ticket: Ticket;
}

export function RoomPage({ concertId }: { concertId: string }) {
  const [round, setRound] = useState(0);
  const { loaded, reload } = useLoaded(() => findPlace(concertId), [concertId, round]);
  useEffect(() => {
    if (!session.value) go(`/sign-in?next=${encodeURIComponent(`/concerts/${concertId}/room`)}`);
  }, [session.value]);
  return (
    <Show loaded={loaded} reload={reload} page>
      {(found) => <Place key={found.ticket.queueId} {...found} again={() => setRound((n) => n + 1)} />}
    </Show>
  );
}

/** The live place of this user, on whatever device it was taken; else a new one at the end. */
async function findPlace(concertId: string): Promise<{ value: Found } | { fault: string }> {
  if (!session.value) return { fault: t('signedOut') };
  const [concert, joined] = await Promise.all([
    onsale.concert({ concertId }),
    repeat((idempotencyKey) => asUser().join({ concertId }, { idempotencyKey })),
  ]);
  if (!concert.ok) return { fault: concert.code === 'CONCERT_NOT_FOUND' ? t('notFound') : sentenceOf(concert) };
  if (joined.ok) return { value: { concert: concert.body, ticket: joined.body } };
  if (joined.code === 'ALREADY_QUEUED') return { value: { concert: concert.body, ticket: joined.problem.ticket } };
  if (joined.code === 'ROOM_CLOSED') return { fault: t('closedHint') };
  return { fault: sentenceOf(joined) };
}

/** The longest way back seen in this browser, so that the bar goes on where it was. */
function firstPosition({ queueId, position }: Ticket): number {
  const key = `onsale.first.${queueId}`;
  const first = Math.max(position ?? 1, Number(sessionStorage.getItem(key)) || 1);
  sessionStorage.setItem(key, String(first));
  return first;
}

function Place({ concert, ticket, again }: Found & { again: () => void }) {
  const [room, setRoom] = useState<WaitingRoom | null>(null);
  const [state, setState] = useState<WaitingRoomState | null>(null);
  const [first] = useState(() => firstPosition(ticket));
  const [inside, setInside] = useState(false);
  useEffect(() => {
    serverClock.hear(ticket.serverTime);
    const followed = new WaitingRoom({ client: onsale, place: ticket });
    const unsubscribe = followed.subscribe((next) => {
      if (next.ticket) serverClock.hear(next.ticket.serverTime);
      if (next.room) serverClock.hear(next.room.serverTime);
      setState(next);
    });
    setRoom(followed);
    const warm = setTimeout(() => void loadSale(), 3_000 + Math.random() * 5_000);
    return () => {
      clearTimeout(warm);
      unsubscribe();
      followed.close();
    };
  }, []);

  const current = state?.ticket ?? ticket;
  const head = <Title text={concert.title} />;
  if (state?.problem && state.problem.code !== 'QUEUE_NOT_FOUND' && state.connection === 'over')
    return <Fault text={sentenceOf({ ok: false, code: state.problem.code, retryAfterSeconds: null })} retry={again} />;
  if (state?.problem?.code === 'QUEUE_NOT_FOUND') return <Over concert={concert} reason="GONE" again={again} />;
  if (current.status === 'WAITING')
    return (
      <>
        {head}
        <Waiting concert={concert} ticket={current} state={state} first={first} />
      </>
    );
  if (current.status === 'ACTIVE' && room && state) {
    const busy = Object.values(state.reservations).some(({ status }) => status === 'HELD');
    return (
      <>
        {head}
        {inside || busy ? (
          <Sale concert={concert} room={room} state={state} ticket={current} />
        ) : (
          <Turn
            concert={concert}
            ticket={current}
            claimed={state.connection === 'live'}
            enter={() => setInside(true)}
          />
        )}
      </>
    );
  }
  if (current.status === 'ACTIVE') return <p role="status">{t('connecting')}</p>;
  return <Over concert={concert} reason={current.reason ?? 'LEFT'} again={again} />;
}
