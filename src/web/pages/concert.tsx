/** One concert: dates, state of its room, and the way into it. */
import { useEffect } from 'preact/hooks';
import { onsale, sentenceOf } from '../api.ts';
import { now, secondsUntil, serverClock } from '../clock.ts';
import { t } from '../i18n.ts';
import { session } from '../session.ts';
import { Note, Show, Title, useLoaded } from '../ui/parts.tsx';
import { Dates, State } from './listing.tsx';

/** Numbers of the room are for a CDN, and a second old at most. */
const REFRESH_MS = 5_000;

export function ConcertPage({ concertId }: { concertId: string }) {
  const { loaded, reload } = useLoaded(async () => {
    const answer = await onsale.concert({ concertId });
    if (!answer.ok) return { fault: answer.code === 'CONCERT_NOT_FOUND' ? t('notFound') : sentenceOf(answer) };
    serverClock.hear(answer.body.room.serverTime);
    return { value: answer.body };
  }, [concertId]);
  useEffect(() => {
    const timer = setInterval(reload, REFRESH_MS + Math.random() * 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <Show loaded={loaded} reload={reload} page>
      {(concert) => {
        const { title, venue, room, seatLimit } = concert;
        void now.value;
        const closed = room.state === 'CLOSED' && !(room.opensAt && secondsUntil(room.opensAt) === 0);
        const way = `/concerts/${concertId}/room`;
        return (
          <>
            <div>
              <Title text={title} />
              <p class="soft">{venue}</p>
            </div>
            <section class="card">
              <div class="row spread">
                <State concert={concert} />
                <span class="soft small num">
                  {t('seatsLeft', { n: room.seatsLeft })} · {t('waitingNow', { n: room.waiting })}
                </span>
              </div>
              <Dates concert={concert} />
              <p class="soft small">{t('perPerson', { n: seatLimit })}</p>
              {closed && <Note kind="warn">{t('closedHint')}</Note>}
              {room.state === 'PAUSED' && <Note kind="warn">{t('pausedHint')}</Note>}
              <p>
                {closed ? (
                  <button type="button" class="main" disabled>
                    {t('enterRoom')}
                  </button>
                ) : (
                  <a class="button main" href={session.value ? `#${way}` : `#/sign-in?next=${encodeURIComponent(way)}`}>
                    {t('enterRoom')}
                  </a>
                )}
              </p>
            </section>
          </>
        );
      }}
    </Show>
  );
}
