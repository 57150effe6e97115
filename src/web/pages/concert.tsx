/** One concert: dates, state of its room, and the way into it. */
import type { Concert } from '../../client/index.ts';
import { onsale, sentenceOf } from '../api.ts';
import { now, secondsUntil, serverClock } from '../clock.ts';
import { t } from '../i18n.ts';
import { placeIn } from '../places.ts';
import { session } from '../session.ts';
import { Note, Show, Title, useLoaded } from '../ui/parts.tsx';
import { Countdown, Dates, State, useRefresh } from './listing.tsx';

export function ConcertPage({ concertId }: { concertId: string }) {
  const { loaded, reload, refresh } = useLoaded(async () => {
    const answer = await onsale.concert({ concertId });
    if (!answer.ok && answer.code === 'CONCERT_NOT_FOUND') return { fault: t('goneHint'), gone: t('goneTitle') };
    if (!answer.ok) return { fault: sentenceOf(answer) };
    serverClock.hear(answer.body.room.serverTime);
    return { value: answer.body };
  }, [concertId]);
  useRefresh(loaded, refresh, (concert) => [concert]);
  return (
    <Show loaded={loaded} reload={reload} page>
      {(concert) => <About concert={concert} />}
    </Show>
  );
}

function About({ concert }: { concert: Concert }) {
  const { concertId, title, venue, room, seatLimit, timeZone } = concert;
  void now.value;
  const counts = room.state === 'CLOSED' && room.opensAt !== null;
  const closed = room.state === 'CLOSED' && !(room.opensAt && secondsUntil(room.opensAt) === 0);
  return (
    <>
      <div>
        <Title text={title} />
        <p class="soft">{venue}</p>
      </div>
      <section class="card">
        {counts && room.opensAt && <Countdown at={room.opensAt} timeZone={timeZone} />}
        <div class="row spread">
          {!counts && <State concert={concert} />}
          <span class="soft small num">
            {t('seatsLeft', { n: room.seatsLeft })} · {t('waitingNow', { n: room.waiting })}
          </span>
        </div>
        <Dates concert={concert} />
        <p class="soft small">{t('perPerson', { n: seatLimit })}</p>
        {closed && !placeIn(concertId) && <Note kind="warn">{t(room.opensAt ? 'closedHint' : 'closedOpenEnded')}</Note>}
        {room.state === 'PAUSED' && <Note kind="warn">{t('pausedHint')}</Note>}
        {room.seatsLeft === 0 && <Note>{t('soldOutHint')}</Note>}
        <Way concert={concert} closed={closed} />
      </section>
    </>
  );
}

/** To a place that is there already, to a new one, or to what makes ready for it. */
function Way({ concert: { concertId, room }, closed }: { concert: Concert; closed: boolean }) {
  const way = `/concerts/${concertId}/room`;
  const signIn = (next: string) => `#/sign-in?next=${encodeURIComponent(next)}`;
  if (placeIn(concertId))
    return (
      <p>
        <a class="button main" href={`#${way}`}>
          {t('toMyPlace')}
        </a>
      </p>
    );
  const soldOut = room.seatsLeft === 0;
  const word = t(soldOut ? 'waitForSeats' : 'enterRoom');
  if (!closed)
    return (
      <p>
        <a class={soldOut ? 'button' : 'button main'} href={session.value ? `#${way}` : signIn(way)}>
          {word}
        </a>
      </p>
    );
  return (
    <div class="row">
      <button type="button" class="main" disabled>
        {word}
      </button>
      {!session.value && (
        <a class="button" href={signIn(`/concerts/${concertId}`)}>
          {t('signInNow')}
        </a>
      )}
    </div>
  );
}
