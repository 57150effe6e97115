/** What is on sale. */
import type { Concert } from '../../client/index.ts';
import { onsale, sentenceOf } from '../api.ts';
import { now, secondsUntil, serverClock } from '../clock.ts';
import { clock, dateTime, shortDate, t } from '../i18n.ts';
import { Show, Title, useLoaded } from '../ui/parts.tsx';

export function Listing() {
  const { loaded, reload } = useLoaded(async () => {
    const answer = await onsale.concerts({ limit: 100 });
    if (!answer.ok) return { fault: sentenceOf(answer) };
    for (const { room } of answer.body.concerts) serverClock.hear(room.serverTime);
    return { value: answer.body.concerts };
  }, []);
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
    <article class="card">
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
export function State({ concert: { room } }: { concert: Concert }) {
  if (room.seatsLeft === 0) return <span class="badge">{t('soldOut')}</span>;
  if (room.state === 'OPEN') return <span class="badge good">{t('stateOpen')}</span>;
  if (room.state === 'PAUSED') return <span class="badge warn">{t('statePaused')}</span>;
  return <span class="badge warn">{room.opensAt ? <Opening at={room.opensAt} /> : t('stateClosed')}</span>;
}

const DAY_SECONDS = 86_400;

export function Opening({ at }: { at: string }) {
  void now.value;
  const seconds = secondsUntil(at);
  return <>{seconds > DAY_SECONDS ? t('opensAt', { time: shortDate(at) }) : t('opensIn', { time: clock(seconds) })}</>;
}

export function Dates({ concert: { schedules, timeZone } }: { concert: Concert }) {
  return (
    <ul>
      {schedules.map(({ scheduleId, startsAt, availableSeats, totalSeats }) => (
        <li key={scheduleId} class="row spread">
          <span>{dateTime(startsAt, timeZone)}</span>
          <span class="soft num">
            {availableSeats === 0 ? t('soldOut') : t('of', { free: availableSeats, total: totalSeats })}
          </span>
        </li>
      ))}
    </ul>
  );
}
