/** What is on sale. */
import { useEffect } from 'preact/hooks';
import type { Concert } from '../../client/index.ts';
import { onsale, sentenceOf } from '../api.ts';
import { now, secondsUntil, serverClock } from '../clock.ts';
import { clock, dateTime, shortDate, t, zonedTime } from '../i18n.ts';
import { type Loaded, Show, Title, useLoaded } from '../ui/parts.tsx';

/** Numbers of the room are for a CDN, and a second old at most. */
const REFRESH_MS = 5_000;
const SOON_MS = 1_000;
const SOON_SECONDS = 8;

/** Asks again a while after each answer, and soon where a room is about to open. Not all pages at the same time. */
export function useRefresh<T>(loaded: Loaded<T>, refresh: () => void, concertsOf: (value: T) => readonly Concert[]) {
  useEffect(() => {
    if (loaded.state === 'loading' || (loaded.state === 'fault' && loaded.gone)) return undefined;
    const rooms = loaded.state === 'there' ? concertsOf(loaded.value).map(({ room }) => room) : [];
    const soon = rooms.some(({ opensAt }) => opensAt && secondsUntil(opensAt) <= SOON_SECONDS);
    const timer = setTimeout(refresh, soon ? SOON_MS + Math.random() * 300 : REFRESH_MS + Math.random() * 1_000);
    return () => clearTimeout(timer);
  }, [loaded]);
}

export function Listing() {
  const { loaded, reload, refresh } = useLoaded(async () => {
    const answer = await onsale.concerts({ limit: 100 });
    if (!answer.ok) return { fault: sentenceOf(answer) };
    for (const { room } of answer.body.concerts) serverClock.hear(room.serverTime);
    return { value: answer.body.concerts };
  }, []);
  useRefresh(loaded, refresh, (concerts) => concerts);
  return (
    <>
      <Title text={t('concerts')} />
      <Show loaded={loaded} reload={reload}>
        {(concerts) =>
          concerts.length === 0 ? (
            <div class="card">
              <h2>{t('none')}</h2>
              <p class="soft">{t('noneHint')}</p>
            </div>
          ) : (
            <ul class="cards">
              {concerts.map((concert) => (
                <li key={concert.concertId}>
                  <Card concert={concert} />
                </li>
              ))}
            </ul>
          )
        }
      </Show>
    </>
  );
}

function Card({ concert }: { concert: Concert }) {
  const { concertId, title, venue, schedules, room, timeZone } = concert;
  const [first] = schedules;
  return (
    <article class="card whole">
      <div class="row spread">
        <State concert={concert} />
        <span class="soft small num">{t('seatsLeft', { n: room.seatsLeft })}</span>
      </div>
      <h2>
        <a href={`#/concerts/${concertId}`}>{title}</a>
      </h2>
      <p class="soft">
        {venue}
        <br />
        {first && shortDate(first.startsAt, timeZone)}
        {schedules.length > 1 && ` · ${t('dates', { n: schedules.length })}`}
      </p>
    </article>
  );
}

/** The room in two words; a countdown where it opens by itself. */
export function State({ concert: { room, timeZone } }: { concert: Concert }) {
  if (room.seatsLeft === 0) return <span class="badge">{t('soldOut')}</span>;
  if (room.state === 'OPEN') return <span class="badge good">{t('stateOpen')}</span>;
  if (room.state === 'PAUSED') return <span class="badge warn">{t('statePaused')}</span>;
  return (
    <span class="badge warn">
      {room.opensAt ? <Opening at={room.opensAt} timeZone={timeZone} /> : t('stateClosed')}
    </span>
  );
}

const DAY_SECONDS = 86_400;

function Opening({ at, timeZone }: { at: string; timeZone: string }) {
  void now.value;
  const seconds = secondsUntil(at);
  if (seconds === 0) return <>{t('opening')}</>;
  if (seconds > DAY_SECONDS) return <>{t('opensAt', { time: zonedTime(at, timeZone) })}</>;
  return <>{t('opensIn', { time: clock(seconds) })}</>;
}

/** What a page is about that waits for its opening: how long, and until when by whose clock. */
export function Countdown({ at, timeZone }: { at: string; timeZone: string }) {
  void now.value;
  const seconds = secondsUntil(at);
  const far = seconds > DAY_SECONDS;
  return (
    <div class="opening">
      {seconds > 0 && <p class="soft">{t('opensWhen')}</p>}
      <p class="countdown" role="timer" data-testid="opening">
        {seconds === 0 ? t('opening') : far ? t('dayCount', { n: Math.floor(seconds / DAY_SECONDS) }) : clock(seconds)}
      </p>
      {far && <p class="soft num">{clock(seconds % DAY_SECONDS)}</p>}
      <p>{zonedTime(at, timeZone)}</p>
    </div>
  );
}

export function Dates({ concert: { schedules, timeZone } }: { concert: Concert }) {
  return (
    <ul class="dates">
      {schedules.map(({ scheduleId, startsAt, availableSeats, totalSeats }) => (
        <li key={scheduleId}>
          <span>{dateTime(startsAt, timeZone)}</span>
          <span class="soft num">
            {availableSeats === 0 ? t('soldOut') : t('of', { free: availableSeats, total: totalSeats })}
          </span>
        </li>
      ))}
    </ul>
  );
}
