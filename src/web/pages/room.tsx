/** A fan's way through one concert's waiting room: finds or takes the place, then shows what state it is in. */
import { useEffect, useState } from 'preact/hooks';
import { repeat } from '../../client/repeat.ts';
import { WaitingRoom, type WaitingRoomState } from '../../client/waiting-room.ts';
import type { Concert, Reservation, Ticket } from '../../client/index.ts';
import { asUser, onsale, sentenceOf } from '../api.ts';
import { serverClock } from '../clock.ts';
import { t } from '../i18n.ts';
import { go, path } from '../router.ts';
import { session } from '../session.ts';
import { Fault, lazy, type NotLoaded, Show, Title, useLoaded } from '../ui/parts.tsx';
import { type Ending, forget, lastEnding, remember } from './last-place.ts';
import { Connection, Over, Turn, Waiting } from './waiting.tsx';

/** The sale itself is loaded while people wait: nobody needs it before. */
const loadSale = () => import('./sale.tsx');
const Sale = lazy(loadSale, 'Sale');

interface Found {
  concert: Concert;
  ticket: Ticket;
  /** it was there before this page was, and not taken now */
  old: boolean;
}

interface Ended {
  concert: Concert;
  ended: { queueId: string; reason: Ending };
}

export function RoomPage({ concertId }: { concertId: string }) {
  const [round, setRound] = useState(0);
  const { loaded, reload } = useLoaded(() => findPlace(concertId), [concertId, round]);
  useEffect(() => {
    if (!session.value) go(`/sign-in?next=${encodeURIComponent(`/concerts/${concertId}/room`)}`);
  }, [session.value]);
  const again = () => setRound((n) => n + 1);
  return (
    <Show loaded={loaded} reload={reload} page>
      {(found) =>
        'ended' in found ? (
          <Ending concert={found.concert} {...found.ended} again={again} />
        ) : (
          <Place key={found.ticket.queueId} {...found} again={again} />
        )
      }
    </Show>
  );
}

/** The live place of this user, on whatever device it was taken; else how the last one ended; else a new one at the end. */
async function findPlace(concertId: string): Promise<{ value: Found | Ended } | NotLoaded> {
  if (!session.value) return { fault: t('signedOut') };
  const { userId } = session.value;
  const [concert, asked] = await Promise.all([
    onsale.concert({ concertId }),
    repeat(() => asUser().places({ userId }), { forMs: 10_000 }),
  ]);
  if (!concert.ok && concert.code === 'CONCERT_NOT_FOUND') return { fault: t('goneHint'), gone: t('goneTitle') };
  if (!concert.ok) return { fault: sentenceOf(concert) };
  if (!asked.ok) return { fault: sentenceOf(asked) };
  const found = (ticket: Ticket, old: boolean) => {
    remember(userId, ticket);
    return { value: { concert: concert.body, ticket, old } };
  };
  const places = asked.body.places.filter((place) => place.concertId === concertId);
  const place = places.find(({ status }) => status === 'ACTIVE') ?? places.find(({ status }) => status === 'WAITING');
  if (place) return found(place, true);
  const ended = await lastEnding(concertId, userId);
  if (ended) return { value: { concert: concert.body, ended } };
  const joined = await repeat((idempotencyKey) => asUser().join({ concertId }, { idempotencyKey }));
  if (joined.ok) return found(joined.body, false);
  if (joined.code === 'ALREADY_QUEUED') return found(joined.problem.ticket, true);
  if (joined.code === 'ROOM_CLOSED') return { fault: t(concert.body.room.opensAt ? 'closedHint' : 'closedOpenEnded') };
  return { fault: sentenceOf(joined) };
}

/** The longest way back seen in this browser, so that the bar goes on where it was. */
function firstPosition({ queueId, position }: Ticket): number {
  const key = `onsale.first.${queueId}`;
  const first = Math.max(position ?? 1, Number(sessionStorage.getItem(key)) || 1);
  sessionStorage.setItem(key, String(first));
  return first;
}

/** Follows the place for as long as the page shows it. */
function useRoom(ticket: Ticket) {
  const [room, setRoom] = useState<WaitingRoom | null>(null);
  const [state, setState] = useState<WaitingRoomState | null>(null);
  useEffect(() => {
    serverClock.hear(ticket.serverTime);
    const followed = new WaitingRoom({ client: onsale, place: ticket });
    const unsubscribe = followed.subscribe((next) => {
      if (next.ticket) serverClock.hear(next.ticket.serverTime);
      if (next.room) serverClock.hear(next.room.serverTime);
      setState(next);
    });
    setRoom(followed);
    setState(followed.state);
    const warm = setTimeout(() => void loadSale(), 3_000 + Math.random() * 5_000);
    return () => {
      clearTimeout(warm);
      unsubscribe();
      followed.close();
    };
  }, []);
  return { room, state };
}

/** Holds from before this page, or of another device, are asked for once the place is ACTIVE. Answers whether they are known. */
function useHolds(room: WaitingRoom | null, { concertId, status }: Ticket): boolean {
  const [known, setKnown] = useState(false);
  useEffect(() => {
    const userId = session.value?.userId;
    if (!room || !userId || status !== 'ACTIVE') return undefined;
    const left = new AbortController();
    const { signal } = left;
    void repeat(() => asUser().reservations({ userId, status: 'HELD', limit: 100 }, { signal }), { signal }).then(
      (answer) => {
        if (signal.aborted) return;
        const found = answer.ok ? answer.body.reservations : [];
        for (const one of found)
          if (one.concertId === concertId && !room.state.reservations[one.reservationId]) room.keep(one);
        setKnown(true);
      },
    );
    return () => left.abort();
  }, [room, status]);
  return known;
}

function Place({ concert, ticket, old, again }: Found & { again: () => void }) {
  const { room, state: told } = useRoom(ticket);
  const [bought, buy] = useState<Record<string, Reservation>>({});
  // A purchase may be answered after the place is over by it: then the room tells nothing any more.
  const state = told && { ...told, reservations: { ...told.reservations, ...bought } };
  const [first] = useState(() => firstPosition(ticket));
  // Whoever comes back to a turn that goes on has been called already.
  const [inside, setInside] = useState(old && ticket.status === 'ACTIVE');
  const current = state?.ticket ?? ticket;
  const known = useHolds(room, current);
  const { queueId } = ticket;
  const head = <Title text={concert.title} />;
  if (state?.problem?.code === 'QUEUE_NOT_FOUND')
    return <Ending concert={concert} queueId={queueId} reason="GONE" again={again} />;
  if (state?.problem && state.connection === 'over')
    return <Fault text={sentenceOf({ ok: false, code: state.problem.code, retryAfterSeconds: null })} retry={again} />;
  if (current.status === 'WAITING')
    return (
      <>
        {head}
        <Waiting concert={concert} ticket={current} state={state} first={first} />
      </>
    );
  const changed = (one: Reservation) => {
    room?.keep(one);
    if (one.status === 'CONFIRMED') buy((those) => ({ ...those, [one.reservationId]: one }));
  };
  const has = (wanted: 'HELD' | 'CONFIRMED') =>
    Object.values(state?.reservations ?? {}).some(({ status }) => status === wanted);
  // What was paid here is shown, though the place is over by it.
  const isPaid = current.reason === 'PAID' && has('CONFIRMED');
  if (current.status !== 'ACTIVE' && !isPaid)
    return <Ending concert={concert} queueId={queueId} reason={current.reason ?? 'LEFT'} again={again} />;
  if (!room || !state || (inside && !known && !isPaid)) return <p role="status">{t('connecting')}</p>;
  return (
    <>
      {head}
      {inside || isPaid || has('HELD') ? (
        <>
          {state.connection !== 'over' && <Connection state={state} ticket={current} />}
          <Sale concert={concert} room={room} state={state} ticket={current} wanted={wantedHold()} changed={changed} />
        </>
      ) : (
        <Turn concert={concert} ticket={current} claimed={state.connection === 'live'} enter={() => setInside(true)} />
      )}
    </>
  );
}

/** The hold that “My tickets” led here for. */
function wantedHold(): string | null {
  return new URLSearchParams(path.value.split('?')[1]).get('pay');
}

interface EndingProps {
  concert: Concert;
  queueId: string;
  reason: Ending;
  again: () => void;
}

/** Once told it is not told again. */
function Ending({ concert, queueId, reason, again }: EndingProps) {
  useEffect(() => forget(concert.concertId, queueId), [queueId]);
  return <Over concert={concert} reason={reason} again={again} />;
}
