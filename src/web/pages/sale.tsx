/** Inside: a date, seats, the hold, and the way to pay it. Loaded while people wait. */
import { useEffect, useState } from 'preact/hooks';
import type { WaitingRoom, WaitingRoomState } from '../../client/waiting-room.ts';
import type { Concert, Reservation, Schedule, Ticket } from '../../client/index.ts';
import { sentenceOf } from '../api.ts';
import { now, secondsUntil } from '../clock.ts';
import { clock, dateTime, t } from '../i18n.ts';
import { Fault, Note } from '../ui/parts.tsx';
import { Checkout } from './checkout.tsx';
import { Chooser } from './chooser.tsx';

interface SaleProps {
  concert: Concert;
  room: WaitingRoom;
  state: WaitingRoomState;
  ticket: Ticket;
}

interface HoldProps {
  /** the hold to pay first, where there are several */
  wanted: string | null;
  changed: (reservation: Reservation) => void;
}

export function Sale({ wanted, changed, ...props }: SaleProps & HoldProps) {
  const { concert, state, ticket } = props;
  const [paying, pay] = useState(wanted);
  const reservations = Object.values(state.reservations);
  const of = (status: Reservation['status']) => reservations.find((one) => one.status === status);
  const held = of('HELD');
  const kept = paying === null ? undefined : state.reservations[paying];
  const given = kept?.status === 'CANCELLED' ? kept : null;
  // Over, and shown still: by a purchase.
  const receipt = ticket.status === 'ACTIVE' ? undefined : of('CONFIRMED');
  const shown = (given ? undefined : kept) ?? held ?? receipt;
  useEffect(() => {
    if (held && (!kept || given)) pay(held.reservationId);
  }, [held?.reservationId]);
  if (shown)
    return (
      <Checkout
        key={shown.reservationId}
        concert={concert}
        reservation={shown}
        ticket={ticket}
        changed={changed}
        more={() => pay(null)}
        other={held && held !== shown ? () => pay(held.reservationId) : null}
      />
    );
  return (
    <>
      {given && (
        <Note kind="good" title={t('givenBack')}>
          {t('givenBackHint')}
        </Note>
      )}
      <Choosing {...props} />
    </>
  );
}

function Choosing({ concert, room, state, ticket }: SaleProps) {
  const [scheduleId, choose] = useState<string | null>(
    concert.schedules.length === 1 ? (concert.schedules[0]?.scheduleId ?? null) : null,
  );
  return (
    <>
      <SessionLeft ticket={ticket} />
      <DatePicker concert={concert} chosen={scheduleId} choose={choose} />
      {scheduleId && (
        <Seats key={scheduleId} scheduleId={scheduleId} concert={concert} room={room} state={state} ticket={ticket} />
      )}
    </>
  );
}

function SessionLeft({ ticket: { expiresAt } }: { ticket: Ticket }) {
  void now.value;
  if (!expiresAt) return null;
  const seconds = secondsUntil(expiresAt);
  return <p class={seconds < 60 ? 'badge bad num' : 'badge num'}>{t('sessionLeft', { time: clock(seconds) })}</p>;
}

function DatePicker({
  concert,
  chosen,
  choose,
}: {
  concert: Concert;
  chosen: string | null;
  choose: (id: string) => void;
}) {
  if (concert.schedules.length < 2) return null;
  const label = ({ startsAt, availableSeats }: Schedule) =>
    `${dateTime(startsAt, concert.timeZone)}${availableSeats === 0 ? ` · ${t('soldOut')}` : ''}`;
  return (
    <fieldset class="card">
      <legend class="hidden">{t('chooseDate')}</legend>
      <h2>{t('chooseDate')}</h2>
      <div class="chips">
        {concert.schedules.map((schedule) => (
          <button
            key={schedule.scheduleId}
            type="button"
            aria-pressed={schedule.scheduleId === chosen}
            onClick={() => choose(schedule.scheduleId)}
          >
            {label(schedule)}
          </button>
        ))}
      </div>
    </fieldset>
  );
}

function Seats({ concert, room, state, ticket, scheduleId }: SaleProps & { scheduleId: string }) {
  useEffect(() => {
    room.watch(scheduleId);
    return () => room.unwatch(scheduleId);
  }, [scheduleId]);
  const seats = state.seats[scheduleId];
  if (seats?.problem)
    return <Fault text={sentenceOf({ ok: false, code: seats.problem.code, retryAfterSeconds: null })} />;
  if (!seats?.map) return <p role="status">{t('loading')}</p>;
  return <Chooser concert={concert} room={room} ticket={ticket} scheduleId={scheduleId} seats={seats.map.seats} />;
}
