/** What is one's own: tickets with the code for the door, holds, and where the money went. */
import { useEffect, useState } from 'preact/hooks';
import { renderSVG } from 'uqr';
import type { Concert, Entry, Reservation } from '../../client/index.ts';
import { asUser, onsale, sentenceOf } from '../api.ts';
import { now, secondsUntil, serverClock } from '../clock.ts';
import { clock, dateTime, money, shortDate, t, type Words } from '../i18n.ts';
import { seatNames } from '../seat-names.ts';
import { session } from '../session.ts';
import { Fault, Note, Show, Title, useLoaded } from '../ui/parts.tsx';

export function Tickets() {
  if (!session.value)
    return (
      <section class="card narrow">
        <Title text={t('tickets')} />
        <p>
          <a class="button main" href="#/sign-in?next=%2Ftickets">
            {t('signIn')}
          </a>
        </p>
      </section>
    );
  return (
    <>
      <Title text={t('tickets')} />
      <Own userId={session.value.userId} />
      <History userId={session.value.userId} />
    </>
  );
}

interface Owned {
  reservations: Reservation[];
  concerts: ReadonlyMap<string, Concert>;
}

/** What became of a hold that was here: it goes, and this stays. */
type HoldEnd = 'expired' | 'given';
const HOLD_END: Record<HoldEnd, [keyof Words, keyof Words]> = {
  expired: ['expiredTitle', 'holdGone'],
  given: ['givenBack', 'givenBackHint'],
};

function Own({ userId }: { userId: string }) {
  const { loaded, reload } = useLoaded(() => load(userId), [userId]);
  const [end, setEnd] = useState<HoldEnd | null>(null);
  const ended = (how: HoldEnd) => {
    setEnd(how);
    reload();
  };
  return (
    <Show loaded={loaded} reload={reload}>
      {({ reservations, concerts }) => {
        const of = (status: Reservation['status']) => reservations.filter((one) => one.status === status);
        const [held, bought] = [of('HELD'), of('CONFIRMED')];
        return (
          <>
            {end && (
              <Note kind={end === 'given' ? 'good' : 'warn'} title={t(HOLD_END[end][0])}>
                {t(HOLD_END[end][1])}
              </Note>
            )}
            {held.length > 0 && (
              <section class="stack">
                <h2>{t('holds')}</h2>
                {held.map((one) => (
                  <Held key={one.reservationId} reservation={one} concert={concerts.get(one.concertId)} ended={ended} />
                ))}
              </section>
            )}
            <section class="stack">
              <h2>{t('bought')}</h2>
              {bought.length === 0 && (
                <div class="card">
                  <p>{t('noTickets')}</p>
                  <p class="soft">{t('noTicketsHint')}</p>
                </div>
              )}
              {bought.map((one) => (
                <Bought key={one.reservationId} reservation={one} concert={concerts.get(one.concertId)} />
              ))}
            </section>
          </>
        );
      }}
    </Show>
  );
}

async function load(userId: string): Promise<{ value: Owned } | { fault: string }> {
  const answer = await asUser().reservations({ userId, limit: 100 });
  if (!answer.ok) return { fault: sentenceOf(answer) };
  const { reservations } = answer.body;
  for (const { serverTime } of reservations) serverClock.hear(serverTime);
  const ids = [...new Set(reservations.map(({ concertId }) => concertId))];
  const found = await Promise.all(ids.map((concertId) => onsale.concert({ concertId })));
  const concerts = found.flatMap((one) => (one.ok ? [[one.body.concertId, one.body] as const] : []));
  return { value: { reservations, concerts: new Map(concerts) } };
}

function When({ reservation, concert }: { reservation: Reservation; concert: Concert | undefined }) {
  const schedule = concert?.schedules.find(({ scheduleId }) => scheduleId === reservation.scheduleId);
  return (
    <div>
      <h3>{concert?.title ?? reservation.concertId}</h3>
      <p class="soft">
        {concert?.venue}
        <br />
        {schedule && concert ? dateTime(schedule.startsAt, concert.timeZone) : reservation.scheduleId}
      </p>
      <p>
        <strong>{seatNames(reservation.seats)}</strong>
        <span class="soft num"> · {money(reservation.amount, reservation.currency)}</span>
      </p>
    </div>
  );
}

function Bought({ reservation, concert }: { reservation: Reservation; concert: Concert | undefined }) {
  const code = reservation.paymentId ?? reservation.reservationId;
  return (
    <article class="card ticket" data-testid="ticket">
      <When reservation={reservation} concert={concert} />
      <figure class="stack">
        {/* Our own drawing of an id of letters, digits, - and _. */}
        <span
          dangerouslySetInnerHTML={{ __html: renderSVG(code, { border: 0 }) }}
          role="img"
          aria-label={t('doorCode')}
        />
        <figcaption class="hidden">{code}</figcaption>
      </figure>
    </article>
  );
}

interface HeldProps {
  reservation: Reservation;
  concert: Concert | undefined;
  ended: (how: HoldEnd) => void;
}

function Held({ reservation, concert, ended }: HeldProps) {
  void now.value;
  const { reservationId, concertId, expiresAt } = reservation;
  const [fault, setFault] = useState('');
  const seconds = secondsUntil(expiresAt);
  const isOver = seconds === 0;
  useEffect(() => {
    if (!isOver) return undefined;
    ended('expired');
    // The list may have been read a moment before the server's own end of it.
    const timer = setInterval(() => ended('expired'), 1_000);
    return () => clearInterval(timer);
  }, [isOver]);
  async function cancel(): Promise<void> {
    if (!confirm(t('giveBackSure'))) return;
    const answer = await asUser().cancel({ reservationId });
    if (answer.ok) ended('given');
    else setFault(sentenceOf(answer));
  }
  if (isOver) return null;
  return (
    <article class="card" data-testid="held">
      <When reservation={reservation} concert={concert} />
      <p class="num">
        {t('heldFor')} <strong class={seconds < 60 ? 'last' : ''}>{clock(seconds)}</strong>
      </p>
      {fault && <Fault text={fault} />}
      <div class="row">
        <a class="button main" href={`#/concerts/${concertId}/room?pay=${encodeURIComponent(reservationId)}`}>
          {t('goPay')}
        </a>
        <button type="button" onClick={() => void cancel()}>
          {t('cancelHold')}
        </button>
      </div>
    </article>
  );
}

function History({ userId }: { userId: string }) {
  const [older, setOlder] = useState<Entry[]>([]);
  const [cursor, setCursor] = useState<string | null | undefined>(undefined);
  const { loaded, reload } = useLoaded(async () => {
    const [balance, history] = await Promise.all([asUser().balance({ userId }), asUser().history({ userId })]);
    if (!balance.ok) return { fault: sentenceOf(balance) };
    if (!history.ok) return { fault: sentenceOf(history) };
    return { value: { balance: balance.body, ...history.body } };
  }, [userId]);

  async function more(from: string): Promise<void> {
    const answer = await asUser().history({ userId, cursor: from });
    if (!answer.ok) return;
    setOlder([...older, ...answer.body.entries]);
    setCursor(answer.body.nextCursor);
  }
  return (
    <section class="card">
      <h2>{t('history')}</h2>
      <Show loaded={loaded} reload={reload}>
        {({ balance, entries, nextCursor }) => {
          const next = cursor === undefined ? nextCursor : cursor;
          return (
            <>
              <p class="row spread">
                <span>{t('balance')}</span>
                <strong class="num">{money(balance.balance, balance.currency)}</strong>
              </p>
              {entries.length > 0 && <Entries entries={[...entries, ...older]} currency={balance.currency} />}
              {next && (
                <button type="button" onClick={() => void more(next)}>
                  {t('older')}
                </button>
              )}
            </>
          );
        }}
      </Show>
    </section>
  );
}

function Entries({ entries, currency }: { entries: readonly Entry[]; currency: string }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{t('when')}</th>
          <th scope="col">{t('what')}</th>
          <th scope="col" class="num">
            {t('amount')}
          </th>
          <th scope="col" class="num">
            {t('after')}
          </th>
        </tr>
      </thead>
      <tbody>
        {entries.map(({ entryId, kind, amount, balance, at }) => (
          <tr key={entryId}>
            <td>{shortDate(at)}</td>
            <td>{t(kind)}</td>
            <td class="num">{money(amount, currency)}</td>
            <td class="num">{money(balance, currency)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
